# SPDX-License-Identifier: Apache-2.0
# cmake -D SOURCE=<mote> -D FOLDER=<scratch> -D COMPILER=<c++> [-D CROSS=<arm-none-eabi-g++>] -P configure.cmake
# Configures the project as somebody who has not all of it would. What is missing is named at once, with the remedy.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER}/source ${FOLDER}/elsewhere)
# A tree without what setup.sh brings, on a system whose include folders are out of sight.
foreach(entry IN ITEMS CMakeLists.txt src include ports toolchains tests)
  file(CREATE_LINK ${SOURCE}/${entry} ${FOLDER}/source/${entry} SYMBOLIC)
endforeach()
set(host -DCMAKE_CXX_COMPILER=${COMPILER})
set(no_packages "-DCMAKE_IGNORE_PATH=/usr/include\\;/usr/local/include" ${host})
set(failed "")

# configure(<title> <text that the output must hold> ok|error <option>...)
function(configure title text expected)
  file(REMOVE_RECURSE ${FOLDER}/build)
  execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${FOLDER}/source -B ${FOLDER}/build ${ARGN}
                  WORKING_DIRECTORY ${FOLDER} TIMEOUT 60
                  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " words "${output}")
  string(FIND "${words}" "${text}" at)
  if(at EQUAL -1 OR (expected STREQUAL "ok" AND NOT code EQUAL 0) OR (expected STREQUAL "error" AND code EQUAL 0))
    message("FAILED: ${title}: expected ${expected} and '${text}', got ${code} and\n${output}")
    set(failed "${failed} ${title}," PARENT_SCOPE)
  endif()
endfunction()

configure("no xsimd" "ports/linux/setup.sh brings it" error ${no_packages})
configure("no xsimd, scalar" "kernels for 'scalar'" ok ${no_packages} -DMOTE_ISA=scalar)
configure("no such folder of xsimd" "-DMOTE_XSIMD_INSTALLED=" error ${no_packages} -DMOTE_XSIMD_INSTALLED=${FOLDER})
configure("no such instruction set" "choose one of: auto" error ${no_packages} -DMOTE_ISA=avx3)
foreach(package IN ITEMS CLI11 nlohmann_json fmt ZLIB PNG JPEG)
  configure("no ${package}" "The tool mote needs ${package}. ports/linux/setup.sh installs it" error ${host}
            -DMOTE_ISA=scalar -DMOTE_BUILD_TOOL=ON -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
configure("no GoogleTest" "ports/linux/setup.sh installs it" error ${no_packages} -DMOTE_ISA=scalar -DMOTE_BUILD_TESTS=ON
          -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON -DMOTE_GTEST_SOURCE=)

configure("no such port" "is none of auto, linux, cortex_m, generic, none" error ${no_packages} -DMOTE_ISA=scalar
          -DMOTE_PORT=amiga)
configure("a tool without threads" "set MOTE_PORT=linux" error ${host} -DMOTE_ISA=scalar -DMOTE_BUILD_TOOL=ON
          -DMOTE_PORT=generic)
configure("no port" "port 'none'" ok ${no_packages} -DMOTE_ISA=scalar -DMOTE_PORT=none)
file(WRITE ${FOLDER}/elsewhere/port/CMakeLists.txt "target_sources(mote_core PRIVATE \${CMAKE_CURRENT_SOURCE_DIR}/panic.cpp)\n"
                                                   "message(STATUS \"a port of one's own\")\n")
file(COPY ${SOURCE}/ports/generic/panic.cpp DESTINATION ${FOLDER}/elsewhere/port)
configure("a port by its path" "a port of one's own" ok ${no_packages} -DMOTE_ISA=scalar -DMOTE_PORT=${FOLDER}/elsewhere/port)
configure("a port beside the project" "a port of one's own" ok ${no_packages} -DMOTE_ISA=scalar
          -DMOTE_PORT=../elsewhere/port)

if(CROSS)
  set(cross -DCMAKE_TOOLCHAIN_FILE=${SOURCE}/toolchains/cortex-m4f.cmake)
  configure("Cortex-M" "port 'cortex_m'" ok ${cross})
  configure("Cortex-M with another start-up" "port 'generic'" ok ${cross} -DMOTE_PORT=generic)
  set(helium -DCMAKE_TOOLCHAIN_FILE=${SOURCE}/toolchains/cortex-m55.cmake -DMOTE_BOARD=mps3-an547)
  configure("Cortex-M with Helium" "kernels for 'helium'" ok ${helium})
  configure("Cortex-M without its Helium" "kernels for 'scalar'" ok ${helium} -DMOTE_ISA=scalar)
  configure("no such board" "none of ports/cortex_m/boards (mps2-an386.cmake;mps3-an547.cmake)" error ${cross} -DMOTE_BOARD=blackpill)
  file(WRITE ${FOLDER}/elsewhere/board.cmake "set(MOTE_FLASH_ORIGIN 0x08000000)\nset(MOTE_FLASH_BYTES 512K)\n"
       "set(MOTE_RAM_ORIGIN 0x20000000)\nset(MOTE_RAM_BYTES 128K)\nset(MOTE_STACK_BYTES 8K)\nmessage(STATUS \"my board\")\n")
  configure("a board by its path" "my board" ok ${cross} -DMOTE_BOARD=${FOLDER}/elsewhere/board.cmake)
  configure("a board beside the project" "my board" ok ${cross} -DMOTE_BOARD=../elsewhere/board.cmake)
  file(WRITE ${FOLDER}/elsewhere/half.cmake "set(MOTE_FLASH_ORIGIN 0x08000000)\n")
  configure("half a board" "does not set MOTE_FLASH_BYTES" error ${cross} -DMOTE_BOARD=../elsewhere/half.cmake)
endif()
if(failed)
  message(FATAL_ERROR "FAILED:${failed} see above")
endif()
