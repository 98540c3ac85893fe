// SPDX-License-Identifier: Apache-2.0
// The texts of status.hpp. Linked only where name() or describe() is called.
#include "mote/status.hpp"

namespace mote {

const char* name(Code code) {
  switch (code) {
#define MOTE_CODE(id, text) \
  case Code::id: {          \
    return #id;             \
  }
#include "status_texts.inc"
  }
  return "unknown_code";
}

const char* describe(Code code) {
  switch (code) {
#define MOTE_CODE(id, text) \
  case Code::id: {          \
    return text;            \
  }
#include "status_texts.inc"
  }
  return "The code is unknown to this version of the library; update it.";
}

const char* name(Option option) {
  switch (option) {
#define MOTE_OPTION(id, text) \
  case Option::id: {          \
    return #id;               \
  }
#include "status_texts.inc"
  }
  return "unknown_option";
}

const char* describe(Option option) {
  switch (option) {
#define MOTE_OPTION(id, text) \
  case Option::id: {          \
    return text;              \
  }
#include "status_texts.inc"
  }
  return "The option is unknown to this version of the library; update it.";
}

const char* describe(const Status& status) {
  const Option option = option_of(status);
  return option == Option::none ? describe(status.code) : describe(option);
}

}  // namespace mote
