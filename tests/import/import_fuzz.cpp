// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry: bytes as a .tflite file where they begin as one, else as an .onnx file. Seeds: tests/models.
//   clang++ -std=c++20 -O1 -g -ffp-contract=off -fsanitize=fuzzer,address,undefined -Iinclude -Isrc -Itests
//     -I<build>/src/tool/formats tests/import/import_fuzz.cpp src/tool/import/*.cpp src/tool/terminal/*.cpp
//     src/tool/data/{description,file_*}.cpp src/model/*.cpp src/status.cpp ports/linux/panic.cpp
//     <build>/src/tool/formats/onnx.pb.cc -lfmt -lz -lprotobuf-lite -o import_fuzz
#include "import/exercise_import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                     reinterpret_cast<const std::byte*>(data) + size);
  static_cast<void>(mote::test::exercise_import(bytes));
  return 0;
}
