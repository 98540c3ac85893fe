# SPDX-License-Identifier: Apache-2.0
# cmake -D COMMAND=<emulator;…;image> -P expected_failures.cmake: the image must fail seven times and say why.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
message("${text}")
if(NOT code EQUAL 7)
  message(FATAL_ERROR "exit code ${code}, expected 7")
endif()
foreach(expected IN ITEMS
    "expected_failures.cpp:21: EXPECT_EQ(size, 5) failed \n    left:  4\n    right: 5\n    the streamed 1.50000000 text\n"
    "left:  -9223372036854775808\n    right: -1\n"
    "left:  -1.23456789e-4\n    right: 1.23456789e6\n"
    "left:  nan\n"
    "expected_failures.cpp:38: the trace"
    "ASSERT_TRUE(null != nullptr) failed"
    "[FAILED] ExpectedFailures.ElseBelongsToTheOuterIf\n"
    "left:  left\n    right: right\n"
    "4 tests, 4 failed, 7 failed expectations\n")
  string(FIND "${text}" "${expected}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "the output does not contain: ${expected}")
  endif()
endforeach()
if(text MATCHES "did not leave")
  message(FATAL_ERROR "an ASSERT did not leave its test")
endif()
