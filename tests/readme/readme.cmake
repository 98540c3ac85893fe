# SPDX-License-Identifier: Apache-2.0
# Every ```cpp block of README.md becomes a program; it must compile with the library's warnings and exit with 0.
set(readme_folder ${PROJECT_BINARY_DIR}/readme)
file(REMOVE_RECURSE ${readme_folder})
file(MAKE_DIRECTORY ${readme_folder})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${mote_SOURCE_DIR}/README.md)
execute_process(
  COMMAND awk -v out=${readme_folder}
          "/^```cpp/ { n++; on = 1; next } /^```/ { on = 0 } on { print > (out \"/readme_\" n \".cpp\") }"
          ${mote_SOURCE_DIR}/README.md
  COMMAND_ERROR_IS_FATAL ANY)
file(GLOB readme_programs ${readme_folder}/readme_*.cpp)
list(LENGTH readme_programs readme_count)
if(readme_count LESS 2)
  message(FATAL_ERROR "README.md has ${readme_count} C++ examples; at least two were expected")
endif()
foreach(source IN LISTS readme_programs)
  get_filename_component(program ${source} NAME_WE)
  add_executable(${program} ${source})
  target_compile_options(${program} PRIVATE -Wall -Wextra)
  target_link_libraries(${program} PRIVATE mote $<TARGET_NAME_IF_EXISTS:mote_threads>)
  add_test(NAME readme/${program} COMMAND ${program})
endforeach()
