# SPDX-License-Identifier: Apache-2.0
# ARM's MPS3 board with the Cortex-M55 image AN547, as QEMU models it: the vector table is looked for in tightly coupled
# memory, where 512 KiB are too few for the tests; the rest lies in SRAM.
set(MOTE_VECTORS_ORIGIN 0x10000000)
set(MOTE_FLASH_ORIGIN 0x11000000)
set(MOTE_FLASH_BYTES 2M)
set(MOTE_RAM_ORIGIN 0x31000000)
set(MOTE_RAM_BYTES 4M)
set(MOTE_STACK_BYTES 64K)
set(MOTE_QEMU_MACHINE mps3-an547)
