// SPDX-License-Identifier: Apache-2.0
// On a processor that computes float32 in a library, a dense layer has every other machine's bits.
#include <bit>
#include <cstdint>

#include "check.hpp"
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

#if defined(__ARM_FP)
#error "this test is for processors without an FPU"
#endif

namespace mote {
namespace {

constexpr auto kNet = sequential(input(1), dense(1));
alignas(16) constexpr float kParams[2] = {0x1p-12F * (1.0F - 0x1p-15F), 1.0F + 0x1p-23F};
StaticSession<kNet, kParams> session;

TEST(no_fpu, a_dense_layer_rounds_each_term_once) {
  session.input<float>()[0] = 0x1p-12F * (1.0F + 0x1p-15F);
  session.run();
  EXPECT_EQ(std::bit_cast<std::uint32_t>(session.output<float>()[0]), 0x3F80'0001U);
}

}  // namespace
}  // namespace mote
