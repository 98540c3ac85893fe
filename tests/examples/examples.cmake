# SPDX-License-Identifier: Apache-2.0
# Short programs that show one piece of mathematics each. Every NAME.cpp is built as a user would build it and run; what
# it prints must be NAME.txt.
set(here ${CMAKE_CURRENT_LIST_DIR})
file(GLOB examples CONFIGURE_DEPENDS ${here}/*.cpp)
foreach(source IN LISTS examples)
  get_filename_component(name ${source} NAME_WE)
  add_executable(example_${name} ${source})
  target_compile_options(example_${name} PRIVATE ${mote_warnings})
  target_link_libraries(example_${name} PRIVATE mote::mote)
  add_test(NAME examples/${name}
           COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:example_${name}> -D EXPECTED=${here}/${name}.txt
                   -P ${here}/compare_output.cmake)
  set_tests_properties(examples/${name} PROPERTIES TIMEOUT 120)
endforeach()
