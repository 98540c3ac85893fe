# SPDX-License-Identifier: Apache-2.0
# cmake -D MODE=add_subdirectory|find_package -D SOURCE=<mote> -D BINARY=<its build folder> -D FOLDER=<scratch>
#       -D COMPILER=<c++> -P consumer.cmake: builds and runs tests/link/consumer as a user would.
file(REMOVE_RECURSE ${FOLDER})
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${code}:\n${text}")
  endif()
endfunction()

if(MODE STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BINARY} --prefix ${FOLDER}/prefix)
  set(options -DCMAKE_PREFIX_PATH=${FOLDER}/prefix)
else()
  set(options -DMOTE_SOURCE=${SOURCE} -DMOTE_ISA=scalar)  # the kernels that compile fastest
endif()
run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/tests/link/consumer -B ${FOLDER}/build -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_BUILD_TYPE=Debug ${options})
run(${CMAKE_COMMAND} --build ${FOLDER}/build)
run(${FOLDER}/build/consumer)
if(MODE STREQUAL "find_package")
  file(GLOB_RECURSE installed RELATIVE ${FOLDER}/prefix ${FOLDER}/prefix/*)
  if(installed MATCHES "simd|xsimd")
    message(FATAL_ERROR "internal headers were installed: ${installed}")
  endif()
endif()
