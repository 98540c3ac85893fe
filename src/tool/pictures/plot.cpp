// SPDX-License-Identifier: Apache-2.0
// The pipe to gnuplot. The script goes in through standard input and the picture comes out through standard output,
// so that no file name ever stands in the script.
#include "tool/pictures/plot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "tool/data/file_io.hpp"
#include "tool/terminal/error.hpp"

extern char** environ;

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

/// An open temporary file without a name, for what gnuplot complains about.
struct Scratch {
  std::FILE* file = std::tmpfile();
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (file != nullptr) std::fclose(file);
  }
  [[nodiscard]] std::string first_line() const {
    std::array<char, 400> buffer{};
    std::rewind(file);
    std::string text;
    while (std::fgets(buffer.data(), buffer.size(), file) != nullptr) {
      text = buffer.data();
      while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
      if (text.find_first_not_of(" ^") != std::string::npos && text.find("line ") != std::string::npos) break;
    }
    return text;
  }
};

}  // namespace

bool can_plot() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/gnuplot").c_str(), X_OK) == 0) return true;
  return false;
}

void run_gnuplot(const std::string& script, const std::string& path) {
  AtomicFile picture(path);
  Scratch complaints;
  std::array<int, 2> pipe{};
  if (complaints.file == nullptr || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw data_error(fmt::format("cannot start gnuplot: {}", std::strerror(errno)), "try again").in(path);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[0], 0);
  posix_spawn_file_actions_adddup2(&actions, picture.descriptor(), 1);
  posix_spawn_file_actions_adddup2(&actions, ::fileno(complaints.file), 2);
  std::string program = "gnuplot", from_pipe = "-";
  std::array<char*, 3> arguments{program.data(), from_pipe.data(), nullptr};
  pid_t child = 0;
  const int spawned = ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
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
    throw data_error(fmt::format("gnuplot could not draw the picture: {}", complaints.first_line()),
                     "gnuplot 5.2 or newer with an svg terminal is needed (package gnuplot-nox)")
        .in(path);
  picture.commit();
}

std::string gnuplot_text(const std::string& text) {
  std::string out = "'";  // between single quotes nothing is substituted; between double ones `…` runs a command
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "'";
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
