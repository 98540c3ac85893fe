// SPDX-License-Identifier: Apache-2.0
// EXPECT: set_input
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(8), relu(), dense(2));
#ifdef FAIL
constexpr PlanOptions kOptions{};
#else
constexpr PlanOptions kOptions{.external_input = true};
#endif
StaticSession<kNet, kNoParams, kOptions> session;
void run(const float* input) {
  session.set_input(input);
  session.run();
}
