// SPDX-License-Identifier: Apache-2.0
// Progress on stderr: one line that is rewritten where stderr is a terminal, one plain line an epoch elsewhere, nothing
// where the output is for a program.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mote::tool {

class Progress {
 public:
  enum class Style : std::uint8_t { none, lines, terminal };
  /// `quiet`: none; else by what stderr is.
  static Style style_for(bool quiet);

  explicit Progress(Style style) : style_(style) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Starts counting `total` items (samples) under a heading such as "epoch 3/10".
  void start(std::string heading, std::uint64_t total);
  /// `done` items; `detail` such as "loss 0.412" is asked for only when the line is drawn (at most ten times a second).
  template <class Detail>
  void update(std::uint64_t done, Detail&& detail) {
    if (due(done)) draw(done, detail());
  }
  /// A line that stays.
  void say(const std::string& line);
  /// Takes the moving line away.
  void clear();
  [[nodiscard]] bool quiet() const { return style_ == Style::none; }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool due(std::uint64_t done);
  void draw(std::uint64_t done, const std::string& detail);

  Style style_;
  std::string heading_;
  std::uint64_t total_ = 0;
  Clock::time_point started_{}, drawn_{};
  bool on_screen_ = false;
};

/// "1:05" or "1:02:03".
std::string duration_text(double seconds);

/// What the moving line says.
struct ProgressState {
  std::string heading, detail;  ///< such as "epoch 3/10" and "loss 0.412"; `detail` may be empty
  double done = 0.0;            ///< of 1
  double samples_per_second = 0.0, seconds_left = 0.0;
};
/// It in fewer than `columns` ASCII characters, so that no terminal wraps: the heading and how much is done always, cut
/// if need be; then the detail, the time left, a bar of 4 to 24 characters and the speed, as far as there is room.
std::string progress_line(const ProgressState& state, std::size_t columns);

}  // namespace mote::tool
