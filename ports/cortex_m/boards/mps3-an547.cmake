# SPDX-License-Identifier: Apache-2.0
# ARM's MPS3 board with the Cortex-M55 image AN547, as QEMU models it. It starts in 512 KiB of tightly coupled memory,
# which are too few for the tests: the vector table lies there, the rest in SRAM.
set(MOTE_FLASH_ORIGIN 0x11000000)
set(MOTE_FLASH_BYTES 2M)
set(MOTE_RAM_ORIGIN 0x31000000)
set(MOTE_RAM_BYTES 4M)
set(MOTE_STACK_BYTES 64K)
set(MOTE_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/mps3-an547.ld)
set(MOTE_QEMU_MACHINE mps3-an547)
