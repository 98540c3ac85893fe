// SPDX-License-Identifier: Apache-2.0
// The three standard streams. All that the tool says passes through here: whole or with an error on stdout, as far as
// it goes on stderr, and never with bytes that steer a terminal.
#pragma once

#include <string>
#include <string_view>

namespace mote::tool {

/// Once, before any file is opened. Closed streams become ones that take nothing, so that no file gets their number,
/// and a reader that goes away or a limit on file sizes is a write error, not a death.
void prepare_streams();

/// `text` with everything that a terminal would act on made visible: control characters but line ends and tabs, marks
/// that turn the direction of writing, bytes that are no UTF-8. "\x1b" for bytes, "\u202e" for characters; JSON that
/// was dumped stays JSON.
std::string printable(std::string_view text);
/// The same on one line.
std::string printable_line(std::string_view text);

/// printable(text) to stdout. Throws unless it takes all of it.
void print_out(std::string_view text);
/// To stderr as it is, and whatever becomes of it: progress and messages are optional.
void print_error(std::string_view text) noexcept;

}  // namespace mote::tool
