// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, SIGTERM and a closed terminal: the process ends at once with 128 + the signal's number and leaves no
// temporary file, unless a loop that can end cleanly asked to be told. Host only.
#pragma once

#include <cstddef>
#include <string>

namespace mote::tool {

/// Once, in main().
void catch_interrupts();

/// While one lives, the first signal is only remembered, for interrupted(); another one, a fifth of a second later or
/// more, ends the process at once.
class GracefulInterrupts {
 public:
  GracefulInterrupts();
  ~GracefulInterrupts();
  GracefulInterrupts(const GracefulInterrupts&) = delete;
  GracefulInterrupts& operator=(const GracefulInterrupts&) = delete;
};
/// The signal that came, or 0.
int interrupted();

/// While one lives, no signal ends the process; it does afterwards. For the moments in which a file is half-way.
class Uninterrupted {
 public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;
};

/// A file that is unlinked when this object or, by a signal, the process ends.
class TemporaryName {
 public:
  explicit TemporaryName(const std::string& path);
  ~TemporaryName();
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;

 private:
  std::string path_;
  std::size_t slot_ = 0;  // where the handler finds it
};

}  // namespace mote::tool
