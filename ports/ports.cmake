# SPDX-License-Identifier: Apache-2.0
# Chooses the port. A port is a folder with a CMakeLists.txt that adds to the library mote_core what port.hpp asks for,
# and defines whatever else programs on its platform need.

# Sets `out` to whether the compiler is one for Cortex-M.
function(mote_is_cortex_m out)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(CMAKE_REQUIRED_QUIET ON)
  include(CheckCXXSourceCompiles)
  check_cxx_source_compiles("#if !defined(__ARM_ARCH_PROFILE) || __ARM_ARCH_PROFILE != 'M'\n#error\n#endif\nint x;"
                            MOTE_IS_CORTEX_M)
  set(${out} ${MOTE_IS_CORTEX_M} PARENT_SCOPE)
endfunction()

set(mote_port ${MOTE_PORT})
if(mote_port STREQUAL "auto")
  set(mote_port generic)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(mote_port linux)
  elseif(mote_bare_metal)
    mote_is_cortex_m(cortex_m)
    if(cortex_m)
      set(mote_port cortex_m)
    endif()
  endif()
endif()
message(STATUS "mote: port '${mote_port}' (MOTE_PORT=${MOTE_PORT})")
if(mote_port MATCHES "^(linux|cortex_m|generic)$")
  add_subdirectory(ports/${mote_port})
elseif(NOT mote_port STREQUAL "none")
  get_filename_component(mote_port_folder "${mote_port}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  if(NOT EXISTS ${mote_port_folder}/CMakeLists.txt)
    message(FATAL_ERROR "MOTE_PORT=${MOTE_PORT} is none of auto, linux, cortex_m, generic, none, and no folder with a CMakeLists.txt "
                        "(looked in ${mote_port_folder}). ports/generic is the shortest example.")
  endif()
  add_subdirectory(${mote_port_folder} port)
endif()
