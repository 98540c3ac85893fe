// SPDX-License-Identifier: Apache-2.0
// The pipe to gnuplot. The script goes in through standard input and the picture comes out through standard output,
// so that no file name ever stands in the script.
#include "tool/pictures/plot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "tool/data/file_io.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {

const char* const kNoGnuplot = "gnuplot is not installed, so no pictures are drawn; apt-get install gnuplot-nox";

namespace {

/// Writes everything unless the reader goes away.
void feed(int descriptor, const std::string& text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const ssize_t count = ::write(descriptor, at, static_cast<std::size_t>(end - at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // the exit status tells
    at += count;
  }
}

/// A file in memory, for what a child writes.
struct Scratch {
  int descriptor = ::memfd_create("gnuplot", MFD_CLOEXEC);
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (descriptor >= 0) ::close(descriptor);
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    std::array<char, 65536> buffer{};
    for (ssize_t count = 0;
         (count = ::pread(descriptor, buffer.data(), buffer.size(), static_cast<off_t>(out.size()))) > 0;)
      out.append(buffer.data(), static_cast<std::size_t>(count));
    return out;
  }
};

/// The line of gnuplot's complaint that says what is wrong.
std::string complaint_of(const Scratch& complaints) {
  std::istringstream lines(complaints.text());
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
    last = line;
    if (line.find_first_not_of(" ^") != std::string::npos && line.find("line ") != std::string::npos) break;
  }
  return last;
}

/// gnuplot ends well when its output could not be written, and the picture is cut.
bool is_whole(const std::string& picture) {
  const std::size_t last = picture.find_last_not_of(" \r\n\t");
  return last != std::string::npos && std::string_view(picture).substr(0, last + 1).ends_with("</svg>");
}

}  // namespace

bool can_plot() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/gnuplot").c_str(), X_OK) == 0) return true;
  return false;
}

void run_gnuplot(const std::string& script, const std::string& path) {
  AtomicFile file(path, FileKind::picture);
  const Scratch picture, complaints;
  std::array<int, 2> pipe{};
  if (picture.descriptor < 0 || complaints.descriptor < 0 || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw data_error(fmt::format("cannot start gnuplot: {}", std::strerror(errno)), "try again").in(path);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[0], 0);
  posix_spawn_file_actions_adddup2(&actions, picture.descriptor, 1);
  posix_spawn_file_actions_adddup2(&actions, complaints.descriptor, 2);
  // Nothing of the person's own: -d leaves out their start-up files, the environment has nothing for gnuplot.
  std::string program = "gnuplot", defaults = "-d", from_pipe = "-";
  std::array<char*, 4> arguments{program.data(), defaults.data(), from_pipe.data(), nullptr};
  const char* const search = std::getenv("PATH");
  std::string path_variable = fmt::format("PATH={}", search != nullptr ? search : "/usr/bin:/bin"),
              language = "LC_ALL=C";
  std::array<char*, 3> environment{path_variable.data(), language.data(), nullptr};
  pid_t child = 0;
  const int spawned = ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[0]);
  if (spawned == 0) {
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before);
    feed(pipe[1], script);
    ::close(pipe[1]);
    ::sigaction(SIGPIPE, &before, nullptr);
  } else {
    ::close(pipe[1]);
    throw data_error(spawned == ENOENT ? kNoGnuplot : fmt::format("cannot start gnuplot: {}", std::strerror(spawned)),
                     "")
        .in(path);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw data_error(fmt::format("gnuplot could not draw the picture: {}", complaint_of(complaints)),
                     "gnuplot 5.2 or newer with an svg terminal is needed (package gnuplot-nox)")
        .in(path);
  const std::string drawn = picture.text();
  if (!is_whole(drawn))
    throw data_error("gnuplot ended before the picture was whole", "see that there is memory left, and try again")
        .in(path);
  file.write(drawn);
  file.commit();
}

namespace {

/// Bytes of the UTF-8 character that begins at `at`; 0: there is none, and an SVG with it could not be read.
std::size_t character_bytes(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned lead = byte(at), next = byte(at + 1);
  if (lead < 0x80) return 1;
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const unsigned least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  // longer forms than needed
  const unsigned most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;   // surrogates, beyond U+10FFFF
  if (lead < 0xC2 || lead > 0xF4 || next < least || next > most) return 0;
  for (std::size_t i = 2; i < bytes; ++i)
    if ((byte(at + i) & 0xC0U) != 0x80U) return 0;
  return bytes;
}

std::size_t next_character(const std::string& text, std::size_t at) {
  return at + std::max<std::size_t>(character_bytes(text, at), 1);
}

}  // namespace

std::string gnuplot_text(const std::string& text) {
  std::string out = "'";  // between single quotes nothing is substituted; between double ones `…` runs a command
  for (std::size_t at = 0; at < text.size(); at = next_character(text, at)) {
    const std::size_t bytes = character_bytes(text, at);
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\'') out += '\'';
    if (bytes == 0) {
      out += "\uFFFD";
    } else if (c < 0x20 || c == 0x7F) {
      out += ' ';
    } else {
      out += text.substr(at, bytes);
    }
  }
  return out + "'";
}

std::string shortened(const std::string& text, std::size_t characters) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size(); at = next_character(text, at)) starts.push_back(at);
  if (starts.size() <= characters) return text;
  const std::size_t kept = characters - 1, tail = kept / 3;
  return text.substr(0, starts[kept - tail]) + "…" + (tail == 0 ? "" : text.substr(starts[starts.size() - tail]));
}

double text_width(const std::string& text, double size) {
  constexpr double kNarrow = 0.62, kWide = 1.05;  // of letters, and of ideographs, from DejaVu Sans
  double width = 0.0;
  for (std::size_t at = 0; at < text.size(); at = next_character(text, at))
    width += static_cast<unsigned char>(text[at]) >= 0xE3 ? kWide : kNarrow;
  return width * size;
}

std::string scale_for(std::span<const double> values) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const double value : values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  if (low > high) return "[0:1]";
  const double span = high > low ? high - low : std::max(std::abs(high) * 0.5, 1e-6);
  const double bottom = low - 0.05 * span, top = high + 0.05 * span;
  return fmt::format("[{:.8g}:{:.8g}]", low >= 0.0 ? std::max(bottom, 0.0) : bottom,
                     high <= 0.0 ? std::min(top, 0.0) : top);
}

std::string gnuplot_head(unsigned width, unsigned height) {
  return fmt::format(
      "set encoding utf8\n"
      "set terminal svg noenhanced size {},{} dynamic font 'DejaVu Sans,Arial,sans-serif,15' background rgb 'white'\n"
      "set border 3 lc rgb '#444444'\nset tics nomirror out scale 0.6 textcolor rgb '#222222'\n"
      "set title font ',18' textcolor rgb '#111111' noenhanced\n",
      width, height);
}

}  // namespace mote::tool
