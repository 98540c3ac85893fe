// SPDX-License-Identifier: Apache-2.0
// A compile-time network in an application of any optimisation level: what it carries is tested by static_size.sh.
// Ends with 0 where the classes are those of the parameters.
#include <array>
#include <cstddef>

#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

namespace {

constexpr auto kNet =
    mote::sequential(mote::input(8, 8, 1), mote::conv2d(2, {.filter = {3, 3}, .padding = mote::Padding::same}),
                     mote::relu(), mote::max_pool(), mote::flatten(), mote::dense(2), mote::softmax());

/// Channel 0 is the pixel itself, channel 1 its negative; class 0 sums the one, class 1 the other.
consteval auto make_params() {
  std::array<float, kNet.param_bytes / sizeof(float)> params{};
  float* const filters = params.data() + kNet.layers[1].param_offset / sizeof(float);
  float* const classes = params.data() + kNet.layers[5].param_offset / sizeof(float);
  filters[2 * 4] = 1.0F, filters[2 * 4 + 1] = -1.0F;
  for (std::size_t i = 0; i < 16; ++i) classes[2 * (2 * i)] = classes[2 * (2 * i + 1) + 1] = 0.25F;
  return params;
}

alignas(16) constexpr auto kParams = make_params();
constinit mote::StaticSession<kNet, kParams> session;

}  // namespace

int main() {
  int wrong = 0;
  for (const float sign : {1.0F, -1.0F}) {
    for (float& pixel : session.input<float>()) pixel = sign;
    session.run();
    if (mote::argmax(session.output<float>()) != (sign > 0.0F ? 0U : 1U)) ++wrong;
  }
  return wrong;
}
