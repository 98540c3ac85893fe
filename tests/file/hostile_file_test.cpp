// SPDX-License-Identifier: Apache-2.0
// Model files whose every byte may be hostile: cut, flipped, contradicting themselves, random. open_model() gives a
// Status or a model with which everything works (exercise_model.hpp); the sanitizer builds see the rest.
#include <array>
#include <set>

#include "check.hpp"
#include "file/changed_file.hpp"
#include "unit/networks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace mote {
namespace {

using test::AlignedBytes;
using test::file_of;
using test::put;
using test::Random;
using test::record;

constexpr auto kSmall = sequential(input(3), dense(2), relu(), batch_norm(), dense(2));
constexpr auto kSmallImage = sequential(input(4, 4, 1).as("x"), conv2d(1, {.padding = Padding::same}), add("x"),
                                        dropout(0.5F), max_pool(), flatten(), softmax());
constexpr auto kSequence = sequential(input(4, 3).as("x"), layer_norm().as("n"), slice({0, 1, 0}, {1, 1, 3}).as("h"),
                                      identity().reads("n"), lstm(3, {.initial_h = "h"}).as("l"), result(), add("l"),
                                      matmul("x", true), softmax(1), gru(2), rnn(2), lrn(), log_softmax());
constexpr auto kImages = sequential(input(3, 3, 2), conv2d_transpose(2, {.stride = {2}}), relu(),
                                    average_pool({.count_padding = true}), resize_nearest(4, 4), resize_bilinear(2, 3),
                                    l2_norm(), rms_norm({.beta = true}), cast(DType::s32), cast(DType::f32));

std::vector<std::vector<std::byte>> sample_files() {
  std::vector<std::vector<std::byte>> files;
  files.push_back(file_of(kSmall.model()));
  files.push_back(file_of(kSmallImage.model()));
  files.push_back(file_of(test::kResidual.model()));
  files.push_back(file_of(test::kJoined.model()));
  files.push_back(file_of(test::kAliases.model()));
  files.push_back(file_of(kSequence.model()));
  files.push_back(file_of(kImages.model()));
  files.push_back(file_of(kSmall.model(), 1, R"({"label": {"classes": ["a", "b"]}})"));
  return files;
}
Status open(std::span<const std::byte> bytes) {
  const AlignedBytes exact(bytes);
  return open_model(exact.span()).status();
}

TEST(file, whole_files_open) {
  for (const auto& file : sample_files()) {
    const AlignedBytes exact(file);
    EXPECT_TRUE(test::exercise_model(exact.span()).ok());
  }
}

TEST(file, every_truncation_is_found) {
  for (const auto& file : sample_files()) {
    for (std::size_t size = 0; size < file.size(); ++size) {
      const Status status = open(std::span(file).first(size));
      EXPECT_EQ(status.code, Code::file_too_short) << size;
      EXPECT_EQ(status.detail, size < sizeof(FileHeader) ? sizeof(FileHeader) : file.size()) << size;
    }
    std::vector<std::byte> longer = file;
    longer.push_back(std::byte{0});
    EXPECT_EQ(open(longer).code, Code::size_mismatch);
    EXPECT_EQ(open(longer).detail, file.size());
  }
}

TEST(file, every_flipped_bit_is_found) {
  for (const auto& original : {file_of(kSmall.model(), 1, "text"), file_of(kSmallImage.model())}) {
    const AlignedBytes file(original);
    for (std::size_t bit = 0; bit < 8 * original.size(); ++bit) {
      file.span()[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_FALSE(open_model(file.span()).ok()) << "bit " << bit;
      file.span()[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
    EXPECT_TRUE(open_model(file.span()).ok());
  }
}

TEST(file, flipped_bits_with_a_right_checksum_do_no_harm) {
  for (const auto& original :
       {file_of(kSmall.model()), file_of(kSmallImage.model()), file_of(kSequence.model()), file_of(kImages.model())}) {
    std::size_t valid = 0, records_end = record((original.size() - sizeof(FileHeader)) / sizeof(Layer));
    records_end = std::min(records_end, original.size());
    for (std::size_t bit = 0; bit < 8 * records_end; ++bit) {
      const AlignedBytes file(original);
      file.span()[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      test::fix_crc(file.span());
      valid += test::exercise_model(file.span()).ok() ? 1 : 0;
    }
    EXPECT_GT(valid, 8U);  // exponents of attributes, the trainable flag, parameters
    EXPECT_LT(valid, 4 * records_end);
  }
}

TEST(file, headers_that_contradict_themselves) {
  const std::vector<std::byte> original = file_of(kSmall.model());
  const auto changed = [&](std::size_t offset, auto value) {
    const AlignedBytes file(original);
    put(file.span(), offset, value);
    test::fix_crc(file.span());
    return open_model(file.span()).status();
  };
  EXPECT_EQ(changed(0, 'm').code, Code::bad_magic);
  EXPECT_EQ(changed(offsetof(FileHeader, version), std::uint16_t{0}).code, Code::unsupported_version);
  const Status newer = changed(offsetof(FileHeader, version), std::uint16_t{3});
  EXPECT_EQ(newer.code, Code::unsupported_version);
  EXPECT_EQ(newer.detail, 3U);
  EXPECT_TRUE(changed(offsetof(FileHeader, version), std::uint16_t{2}).ok()) << "means the same in version 2";
  EXPECT_EQ(changed(offsetof(FileHeader, record_bytes), std::uint16_t{95}).code, Code::bad_header);
  EXPECT_EQ(changed(offsetof(FileHeader, record_bytes), std::uint16_t{0}).code, Code::bad_header);
  for (const std::uint32_t bad : {0U, 1U, 4U, 6U, 1025U, 0x02AAAAAAU, 0x02AAAAABU, 0x80000000U, 0xFFFFFFFFU})
    EXPECT_FALSE(changed(offsetof(FileHeader, layer_count), bad).ok()) << bad;
  for (const std::uint32_t bad : {0U, 1U, 2U, 3U, 5U, 24U, 8192U, 0x80000000U, 0xFFFFFFFFU})
    EXPECT_EQ(changed(offsetof(FileHeader, alignment), bad).code, Code::bad_header) << bad;
  for (const std::size_t field :
       {offsetof(FileHeader, param_offset), offsetof(FileHeader, param_bytes), offsetof(FileHeader, file_bytes)}) {
    std::uint32_t value = 0;
    std::memcpy(&value, original.data() + field, sizeof value);
    for (const std::uint32_t bad : {0U, 1U, value - 1, value + 1, value - 16, value + 16, value + 64, 0x7FFFFFFFU,
                                    0x80000000U, 0xFFFFFFC0U, 0xFFFFFFFFU})
      EXPECT_FALSE(changed(field, bad).ok()) << field << " " << bad;
  }
  for (const std::size_t field : {offsetof(FileHeader, description_bytes), offsetof(FileHeader, operand_count),
                                  offsetof(FileHeader, names_bytes)})
    for (const std::uint32_t bad : {1U, 4U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU})
      EXPECT_EQ(changed(field, bad).code, Code::bad_header) << field << " " << bad;
  for (std::size_t word = 0; word < FileHeader{}.reserved.size(); ++word)
    EXPECT_EQ(changed(offsetof(FileHeader, reserved) + 4 * word, std::uint32_t{1}).code, Code::bad_header);
}

TEST(file, sizes_that_agree_with_each_other_but_not_with_the_file) {
  const std::vector<std::byte> original = file_of(kSmall.model());
  FileHeader header;
  std::memcpy(static_cast<void*>(&header), original.data(), sizeof header);
  for (const std::uint32_t more : {1U, 16U, 0x7FFF0000U, 0xFFFFFF00U - header.file_bytes}) {
    const AlignedBytes file(original);
    FileHeader grown = header;
    grown.param_bytes += more, grown.file_bytes += more;
    FileHeader longer = header;
    longer.description_bytes += more, longer.file_bytes += more;
    for (const FileHeader& changed : {grown, longer}) {
      std::memcpy(file.span().data(), &changed, sizeof changed);
      test::fix_crc(file.span());
      const Status status = open_model(file.span()).status();
      EXPECT_EQ(status.code, Code::file_too_short) << more;
      EXPECT_EQ(status.detail, changed.file_bytes);
    }
  }
  const AlignedBytes file(original);  // param_offset + param_bytes = file_bytes + 2^32
  header.param_bytes = header.file_bytes - header.param_offset;
  header.param_offset += 0x80000000U, header.param_bytes += 0x80000000U;
  std::memcpy(file.span().data(), &header, sizeof header);
  test::fix_crc(file.span());
  EXPECT_EQ(open_model(file.span()).status().code, Code::bad_header);
}

TEST(file, addresses_must_be_aligned) {
  const std::vector<std::byte> original = file_of(kSmall.model());
  FileHeader header;
  std::memcpy(static_cast<void*>(&header), original.data(), sizeof header);
  const AlignedBytes room(original.size() + 64);
  for (std::size_t shift = 0; shift < 64; ++shift) {
    std::copy(original.begin(), original.end(), room.span().begin() + static_cast<std::ptrdiff_t>(shift));
    const Status status = open_model(room.span().subspan(shift, original.size())).status();
    EXPECT_EQ(status.code, shift % header.alignment == 0 ? Code::ok : Code::file_misaligned) << shift;
    if (!status.ok()) {
      EXPECT_EQ(status.detail, header.alignment);
    }
  }
}

TEST(file, overlapping_parameters_are_refused) {
  const std::vector<std::byte> original = file_of(kSmall.model());
  const AlignedBytes file(original);
  put(file.span(), record(4) + offsetof(Layer, param_offset), kSmall.layers[1].param_offset);
  test::fix_crc(file.span());
  EXPECT_EQ(open_model(file.span()).status().code, Code::bad_parameter_range);
  EXPECT_EQ(open_model(file.span()).status().layer, 4);
}

/// Values at which sizes wrap, signs change and indices leave their arrays.
std::uint32_t nasty(Random& random) {
  constexpr std::array<std::uint32_t, 24> values{
      0,   1,   2,   3,      4,      7,      8,       15,       16,         17,         64,         127,
      128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x100000, 0x10000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  return random.chance(70) ? values[random.below(values.size())] : random.bits() >> random.below(32);
}

TEST(file, thousands_of_random_fields_do_no_harm) {
  const auto files = sample_files();
  std::set<Code> seen;
  Random random(5);
  for (int i = 0; i < 12000; ++i) {
    const AlignedBytes file(files[random.below(static_cast<std::uint32_t>(files.size()))]);
    FileHeader header;
    std::memcpy(static_cast<void*>(&header), file.span().data(), sizeof header);
    for (std::uint32_t change = 0; change <= random.below(3); ++change) {
      const std::size_t at = random.chance(5)
                                 ? 4 * random.below(sizeof(FileHeader) / 4)
                                 : record(random.below(header.layer_count)) + 4 * random.below(sizeof(Layer) / 4 - 6);
      if (random.chance(30))
        put(file.span(), at + random.below(4), static_cast<std::uint8_t>(nasty(random)));
      else if (random.chance(50))
        put(file.span(), at + 2 * random.below(2), static_cast<std::uint16_t>(nasty(random)));
      else
        put(file.span(), at, nasty(random));
    }
    test::fix_crc(file.span());
    seen.insert(test::exercise_model(file.span()).code);
  }
  EXPECT_TRUE(seen.contains(Code::ok));
  EXPECT_GE(seen.size(), 18U) << "the mutations reach too few rules";
}

TEST(file, random_bytes_are_refused) {
  Random random(6);
  for (int i = 0; i < 2000; ++i) {
    std::vector<unsigned char> bytes(random.below(800));
    for (unsigned char& b : bytes) b = static_cast<unsigned char>(random.bits() >> random.below(24));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());  // as they are, and behind a good header
    EXPECT_FALSE(open(std::as_bytes(std::span(bytes))).ok());
  }
}

TEST(file, the_fuzzer_takes_whole_files_too) {
  for (const auto& file : sample_files())
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(file.data()), file.size()), 0);
}

TEST(file, random_graphs_survive_random_fields) {
  Random random(8);
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const test::RandomGraph graph = test::random_graph(seed);
    const std::vector<std::byte> original = file_of(graph.model(), seed);
    {
      const AlignedBytes exact(original);
      ASSERT_TRUE(test::exercise_model(exact.span()).ok()) << "graph " << seed;
    }
    for (int i = 0; i < 8; ++i) {
      const AlignedBytes file(original);
      put(file.span(),
          record(random.below(static_cast<std::uint32_t>(graph.count))) + 2 * random.below(sizeof(Layer) / 2),
          static_cast<std::uint16_t>(nasty(random)));
      test::fix_crc(file.span());
      static_cast<void>(test::exercise_model(file.span()));
    }
  }
}

}  // namespace
}  // namespace mote
