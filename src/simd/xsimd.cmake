# SPDX-License-Identifier: Apache-2.0
# Finds the headers of xsimd 13 or later: an installed copy, the folder that ports/linux/setup.sh fills, or, where
# MOTE_XSIMD_DOWNLOAD asks for it, a pinned download. Without one of them it ends at once and says what to do. Defines the interface target mote_xsimd, which only the kernels (and tests of src/simd) link.
# Cross builds use the same headers: they hold no machine code. Targets without SIMD do not come here.

option(MOTE_XSIMD_DOWNLOAD "Download the headers of xsimd where there are none" OFF)
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

# Sets `out` to the include folder of the pinned version, downloaded into the build folder once.
function(mote_download_xsimd out)
  set(folder ${PROJECT_BINARY_DIR}/xsimd-${MOTE_XSIMD_PINNED})
  set(url https://github.com/xtensor-stack/xsimd/archive/refs/tags/${MOTE_XSIMD_PINNED}.tar.gz)
  if(NOT EXISTS ${folder}/include/xsimd/xsimd.hpp)
    message(STATUS "mote: downloading ${url}")
    set(archive ${PROJECT_BINARY_DIR}/xsimd-${MOTE_XSIMD_PINNED}.tar.gz)
    file(DOWNLOAD ${url} ${archive} STATUS status INACTIVITY_TIMEOUT 10 TIMEOUT 120)
    list(GET status 0 code)
    if(code EQUAL 0)
      file(SHA256 ${archive} sum)
    endif()
    if(NOT code EQUAL 0 OR NOT sum STREQUAL MOTE_XSIMD_PINNED_SHA256)
      list(GET status 1 why)
      file(REMOVE ${archive})
      message(FATAL_ERROR "mote: ${url} could not be downloaded, or is not the file that was expected (${why}). "
        "${PROJECT_SOURCE_DIR}/ports/linux/setup.sh brings xsimd on Debian 12 and 13; "
        "-DMOTE_XSIMD_INSTALLED=<the folder that holds xsimd/xsimd.hpp> names a copy.")
    endif()
    file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${PROJECT_BINARY_DIR})
  endif()
  set(${out} ${folder}/include PARENT_SCOPE)
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
  if(NOT dir AND MOTE_XSIMD_DOWNLOAD)
    mote_download_xsimd(dir)
    set(version ${MOTE_XSIMD_PINNED})
  elseif(NOT dir)
    mote_xsimd_version("${MOTE_XSIMD_INSTALLED}" version)
    set(found "there are no headers of xsimd here")
    if(version)
      set(found "xsimd ${version} in ${MOTE_XSIMD_INSTALLED} is too old")
    endif()
    message(FATAL_ERROR "mote's kernels need xsimd ${MOTE_XSIMD_MINIMUM} or later, and ${found}. One of these helps: "
      "${PROJECT_SOURCE_DIR}/ports/linux/setup.sh brings it on Debian 12 and 13; -DMOTE_XSIMD_INSTALLED=<the folder that "
      "holds xsimd/xsimd.hpp> names a copy; -DMOTE_XSIMD_DOWNLOAD=ON downloads xsimd ${MOTE_XSIMD_PINNED} into the build "
      "folder; -DMOTE_ISA=scalar builds kernels without it, which are several times slower.")
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
