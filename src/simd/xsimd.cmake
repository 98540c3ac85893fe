# SPDX-License-Identifier: Apache-2.0
# Finds the headers of xsimd 13 or later: an installed copy, the folder that ports/linux/setup.sh fills, a pinned
# download. Defines the interface target mote_xsimd, which only the kernels (and tests of src/simd) link.
# Cross builds use the same headers: they hold no machine code. Targets without SIMD do not come here.

set(MOTE_XSIMD_MINIMUM 13)
set(MOTE_XSIMD_PINNED 13.2.0)
set(MOTE_XSIMD_PINNED_SHA256 edd8cd3d548c185adc70321c53c36df41abe64c1fe2c67bc6d93c3ecda82447a)

# Sets `out` to the version of the headers in `dir`, or to an empty string.
function(mote_xsimd_version dir out)
  set(${out} "" PARENT_SCOPE)
  set(header "${dir}/xsimd/config/xsimd_config.hpp")
  if(dir AND EXISTS "${header}")
    file(READ "${header}" text)
    if(text MATCHES "XSIMD_VERSION_MAJOR ([0-9]+)[^X]*#define XSIMD_VERSION_MINOR ([0-9]+)[^X]*#define XSIMD_VERSION_PATCH ([0-9]+)")
      set(${out} "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(mote_find_xsimd)
  set(hints "")
  if(xsimd_DIR)
    list(APPEND hints "${xsimd_DIR}/../../../include")
  endif()
  find_path(MOTE_XSIMD_INSTALLED xsimd/xsimd.hpp HINTS ${hints} NO_CMAKE_FIND_ROOT_PATH
            DOC "Folder that holds an installed xsimd/xsimd.hpp")
  mark_as_advanced(MOTE_XSIMD_INSTALLED)
  set(dir "")
  foreach(candidate IN ITEMS "${MOTE_XSIMD_INSTALLED}" "${PROJECT_SOURCE_DIR}/.deps/xsimd/include")
    mote_xsimd_version("${candidate}" version)
    if(version AND version VERSION_GREATER_EQUAL MOTE_XSIMD_MINIMUM)
      set(dir "${candidate}")
      break()
    endif()
  endforeach()
  if(NOT dir)
    message(STATUS "mote: no xsimd >= ${MOTE_XSIMD_MINIMUM} here (ports/linux/setup.sh brings it); downloading")
    include(FetchContent)
    FetchContent_Declare(mote_xsimd_source
      URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/${MOTE_XSIMD_PINNED}.tar.gz
      URL_HASH SHA256=${MOTE_XSIMD_PINNED_SHA256}
      DOWNLOAD_EXTRACT_TIMESTAMP ON
      SOURCE_SUBDIR headers-only)  # names no folder, so nothing of its own build runs
    FetchContent_MakeAvailable(mote_xsimd_source)
    set(dir "${mote_xsimd_source_SOURCE_DIR}/include")
    set(version ${MOTE_XSIMD_PINNED})
  endif()
  message(STATUS "mote: xsimd ${version} in ${dir}")
  if(CMAKE_CROSSCOMPILING)
    # The host's include folder must not be searched for a target: a folder with this one entry is.
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/xsimd-include")
    file(CREATE_LINK "${dir}/xsimd" "${PROJECT_BINARY_DIR}/xsimd-include/xsimd" SYMBOLIC)
    set(dir "${PROJECT_BINARY_DIR}/xsimd-include")
  endif()
  add_library(mote_xsimd INTERFACE)
  target_include_directories(mote_xsimd SYSTEM INTERFACE "${dir}")
endfunction()

mote_find_xsimd()
