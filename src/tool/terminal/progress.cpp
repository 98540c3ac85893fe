// SPDX-License-Identifier: Apache-2.0
// Drawing the line. Its width follows the terminal's.
#include "tool/terminal/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "tool/terminal/streams.hpp"

namespace mote::tool {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(seconds, 0.0) + 0.5);
  const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
  return hours != 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                    : fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string progress_line(const ProgressState& state, std::size_t columns) {
  constexpr std::size_t kShortestBar = 4, kLongestBar = 24;
  const std::string percent = fmt::format(" {:3.0f} %", 100.0 * state.done);
  const std::size_t room = columns > 0 ? columns - 1 : 0;
  std::size_t used = state.heading.size() + percent.size();
  if (used >= room) return (state.heading + percent).substr(0, room);
  const auto fitting = [&](const std::string& text) {
    if (text.empty() || used + 2 + text.size() > room) return std::string();
    used += 2 + text.size();
    return "  " + text;
  };
  const std::string detail = fitting(state.detail), left = fitting(duration_text(state.seconds_left) + " left");
  std::string bar, rate;
  if (used + 3 + kShortestBar <= room) {
    const std::size_t size = std::min(kLongestBar, room - used - 3);
    const auto full = std::min(size, static_cast<std::size_t>(state.done * static_cast<double>(size)));
    bar = " [" + std::string(full, '#') + std::string(size - full, '.') + "]";
    used += bar.size();
    rate = fitting(fmt::format("{:.0f} samples/s", state.samples_per_second));
  }
  return state.heading + bar + percent + rate + detail + left;
}

Progress::Style Progress::style_for(bool quiet) {
  if (quiet) return Style::none;
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return ::isatty(STDERR_FILENO) == 1 && !dumb ? Style::terminal : Style::lines;
}

void Progress::start(std::string heading, std::uint64_t total) {
  heading_ = std::move(heading);
  total_ = std::max<std::uint64_t>(total, 1);
  started_ = drawn_ = Clock::now();
}

bool Progress::due(std::uint64_t done) {
  if (style_ != Style::terminal) return false;
  const Clock::time_point now = Clock::now();
  if (now - drawn_ < kInterval && done < total_) return false;
  drawn_ = now;
  return true;
}

void Progress::draw(std::uint64_t done, const std::string& detail) {
  const double seconds = std::chrono::duration<double>(drawn_ - started_).count();
  const double rate = seconds > 0.0 ? static_cast<double>(done) / seconds : 0.0;
  const double left = rate > 0.0 ? static_cast<double>(total_ - std::min(done, total_)) / rate : 0.0;
  const ProgressState state{heading_, detail, static_cast<double>(std::min(done, total_)) / static_cast<double>(total_),
                            rate, left};
  const std::string line = progress_line(state, terminal_columns());
  print_error("\r\x1b[K" + printable_line(line));
  on_screen_ = true;
}

void Progress::say(const std::string& line) {
  if (style_ == Style::none) return;
  clear();
  print_error(printable(line) + "\n");
}

void Progress::clear() {
  if (!on_screen_) return;
  print_error("\r\x1b[K");
  on_screen_ = false;
}

}  // namespace mote::tool
