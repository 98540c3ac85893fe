# SPDX-License-Identifier: Apache-2.0
# ARM's MPS2 board with the Cortex-M4 image AN386, as QEMU models it.
set(MOTE_FLASH_ORIGIN 0x00000000)
set(MOTE_FLASH_BYTES 4M)
set(MOTE_RAM_ORIGIN 0x20000000)
set(MOTE_RAM_BYTES 4M)
set(MOTE_STACK_BYTES 64K)
set(MOTE_QEMU_MACHINE mps2-an386)
