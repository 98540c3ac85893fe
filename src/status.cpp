// SPDX-License-Identifier: Apache-2.0
// The texts of status.hpp. Linked only where name() or describe() is called.
#include "mote/status.hpp"

namespace mote {

const char* name(Code code) {
  switch (code) {
#define MOTE_CODE(id, text) \
  case Code::id:            \
    return #id;
#include "status_texts.inc"
#undef MOTE_CODE
  }
  return "unknown_code";
}

const char* describe(Code code) {
  switch (code) {
#define MOTE_CODE(id, text) \
  case Code::id:            \
    return text;
#include "status_texts.inc"
#undef MOTE_CODE
  }
  return "A code this version does not know: the object came from a newer version of the library.";
}

}  // namespace mote
