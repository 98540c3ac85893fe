// SPDX-License-Identifier: Apache-2.0
// The one network that is timed as the compiler knows it; the others are text, in networks/.
#pragma once

#include "mote/model/builders.hpp"

namespace mote::bench {

inline constexpr auto kSmallMlp = sequential(input(16), dense(32), relu(), dense(16), relu(), dense(4), softmax());

}  // namespace mote::bench
