// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry: bytes as they come, then with magic, sizes and checksum made right, so that records are reached.
// Seeds: what mote import makes of tests/models, and mote train of small networks.
//   clang++ -std=c++20 -O1 -g1 -ffp-contract=off -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
//     -DNDEBUG -DMOTE_FORCE_SCALAR -Iinclude -Isrc -Itests tests/file/open_model_fuzz.cpp src/status.cpp
//     src/{model,plan,run,train}/*.cpp $(ls src/kernels/*.cpp | grep -v dispatch) ports/linux/panic.cpp
//     -o open_model_fuzz
//   open_model_fuzz -timeout=20 -rss_limit_mb=2048 -max_len=16384 -max_total_time=600 CORPUS SEEDS
#include "file/exercise_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace mote;
  const test::AlignedBytes raw(std::as_bytes(std::span(data, size)));
  static_cast<void>(test::exercise_model(raw.span()));
  if (size < sizeof(FileHeader)) return 0;
  FileHeader header;
  std::memcpy(static_cast<void*>(&header), data, sizeof header);
  const FileHeader good;
  header.magic = good.magic, header.version = good.version, header.record_bytes = good.record_bytes;
  header.alignment = 4U << (header.alignment % 11);
  const std::size_t most = (size - sizeof(FileHeader)) / sizeof(Layer);
  if (most == 0) return 0;
  header.layer_count = static_cast<std::uint32_t>(1 + header.layer_count % most);
  header.param_offset =
      static_cast<std::uint32_t>(align_up(sizeof(FileHeader) + header.layer_count * sizeof(Layer), header.alignment));
  header.param_bytes = size > header.param_offset ? static_cast<std::uint32_t>(size) - header.param_offset : 0;
  header.description_bytes %= header.param_bytes + 1;
  header.param_bytes -= header.description_bytes;
  header.file_bytes = header.param_offset + header.param_bytes + header.description_bytes;
  header.reserved = {};
  const test::AlignedBytes file(header.file_bytes);
  std::fill(file.span().begin(), file.span().end(), std::byte{0});
  std::memcpy(file.span().data(), data, std::min<std::size_t>(size, header.file_bytes));
  std::memcpy(file.span().data(), &header, sizeof header);
  test::fix_crc(file.span());
  static_cast<void>(test::exercise_model(file.span()));
  return 0;
}
