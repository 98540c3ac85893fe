// SPDX-License-Identifier: Apache-2.0
// EXPECT: a session's values are float
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

double first(mote::Session& session) {
#ifdef FAIL
  return session.output<double>()[0];
#else
  return static_cast<double>(session.output<const float>()[0]);
#endif
}
