# SPDX-License-Identifier: Apache-2.0
# ARM Cortex-M55 with FPU and Helium, no operating system. Memory and start-up: ports/cortex_m.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m55)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # the compiler check cannot link without a board
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
# Without the last option GCC 12 makes instructions conditional that its assembler takes for others (vcvtne.s32.f32).
set(CMAKE_CXX_FLAGS_INIT "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard -fno-if-conversion2")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
