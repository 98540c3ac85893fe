// SPDX-License-Identifier: Apache-2.0
// EXPECT: the trainer trains another network than the session's
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"
#include "mote/train/trainer.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(8), relu(), dense(2));
constexpr auto kOther = sequential(input(4), dense(6), relu(), dense(2));
constexpr TrainConfig kConfig{.batch = 2};
StaticTrainer<kNet, kConfig> trainer;

#ifdef FAIL
StaticSession<kOther, trainer> session;
#else
StaticSession<kNet, trainer> session;
#endif
static_assert(decltype(session)::arena_bytes > 0);
