// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry: bytes as a .tflite file where they begin as one, else as an .onnx file. Seeds: tests/models.
//   cmake --preset release && ninja -C build/release mote_formats
//   clang++ -std=c++20 -O1 -g1 -ffp-contract=off -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
//     -Iinclude -Isrc -Itests -Iports/linux/include -Ibuild/release/src/tool/formats tests/import/import_fuzz.cpp
//     $(ls src/tool/import/*.cpp | grep -v /import.cpp) src/tool/terminal/*.cpp src/tool/data/{description,file_*}.cpp
//     src/model/*.cpp src/status.cpp ports/linux/*.cpp build/release/src/tool/formats/onnx.pb.cc
//     -lfmt -lz -lprotobuf-lite -pthread -o import_fuzz
//   import_fuzz -timeout=20 -rss_limit_mb=2048 -max_len=32768 -max_total_time=600 CORPUS tests/models
#include "import/exercise_import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                     reinterpret_cast<const std::byte*>(data) + size);
  static_cast<void>(mote::test::exercise_import(bytes));
  return 0;
}
