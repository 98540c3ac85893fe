# SPDX-License-Identifier: Apache-2.0
# cmake -D COMPILER=<c++> -D FLAGS=<list> -D CASE=<file> -P compile_fail.cmake
# With FAIL defined the case must not compile, and the message must contain the text after its "EXPECT:"; without FAIL,
# the same file with the mistake corrected, it must compile.
file(STRINGS ${CASE} expected REGEX "// EXPECT: ")
string(REGEX REPLACE ".*// EXPECT: " "" expected "${expected}")
if(NOT expected)
  message(FATAL_ERROR "${CASE} has no line '// EXPECT: '")
endif()
set(command ${COMPILER} ${FLAGS} -std=c++20 -fsyntax-only)
execute_process(COMMAND ${command} ${CASE} RESULT_VARIABLE code ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "the corrected twin does not compile:\n${text}")
endif()
execute_process(COMMAND ${command} -DFAIL ${CASE} RESULT_VARIABLE code ERROR_VARIABLE text)
if(code EQUAL 0)
  message(FATAL_ERROR "the mistake compiles; expected: ${expected}")
endif()
string(FIND "${text}" "${expected}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "the message does not say '${expected}':\n${text}")
endif()
