// SPDX-License-Identifier: Apache-2.0
// For the tool's tests: a folder that is gone afterwards, files made by hand, damaged copies, and running the program.
// Host only.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tool/terminal/error.hpp"

namespace mote::tool::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mote-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }
  /// Names in the folder, hidden ones too.
  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++count;
    return count;
  }

 private:
  std::filesystem::path path_;
};

inline void write(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  ASSERT_TRUE(file.good()) << path;
}
inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}
inline void write_gzip(const std::string& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
}

/// The message of the Error that `work` throws; fails if it throws none or something else.
inline std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.message();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not a tool::Error: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no error";
  return "";
}

inline void expect_in(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text.substr(0, 900);
}

/// Reads every truncation of `bytes` and many damaged copies: each is read, or refused by an Error that names the file.
/// Nothing else may happen, and no truncation may be taken for the whole.
inline void read_damaged(const std::string& bytes, const std::string& path, const std::function<void()>& reader) {
  const auto attempt = [&](const std::string& damaged, bool must_fail) {
    write(path, damaged);
    try {
      reader();
      EXPECT_FALSE(must_fail) << damaged.size() << " of " << bytes.size() << " bytes were accepted";
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(path), std::string::npos) << error.message();
      EXPECT_GT(error.message().size(), path.size() + 15) << error.message();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not a tool::Error: " << error.what();
    }
  };
  for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 37) attempt(bytes.substr(0, size), true);
  std::uint32_t state = 12345;
  const auto random = [&] { return (state = state * 1664525U + 1013904223U) >> 8U; };
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = bytes;
    for (std::uint32_t hits = 1 + random() % 3; hits > 0; --hits) {
      const std::size_t at = random() % std::min<std::size_t>(damaged.size(), round % 2 == 0 ? 96 : damaged.size());
      damaged[at] = static_cast<char>(random());
    }
    attempt(damaged, false);
  }
  for (int round = 0; round < 300; ++round) {
    std::string garbage(random() % 300, 'x');
    for (char& c : garbage) c = static_cast<char>(random());
    attempt(garbage, false);
  }
}

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

/// Runs the built program with the arguments (a shell line) in `folder`.
inline Outcome run_mote(const TemporaryFolder& folder, const std::string& arguments) {
  const std::string out = folder / ".out", err = folder / ".err";
  const std::string line =
      "cd '" + folder.path() + "' && '" MOTE_TOOL "' " + arguments + " >'" + out + "' 2>'" + err + "'";
  const int status = std::system(line.c_str());
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(out), read(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return outcome;
}

/// Runs bash lines in `folder`, where $mote is the program.
inline Outcome run_script(const TemporaryFolder& folder, const std::string& lines) {
  const std::string script = folder / ".script", out = folder / ".out", err = folder / ".err";
  write(script, "mote='" MOTE_TOOL "'\n" + lines + "\n");
  const int status =
      std::system(("cd '" + folder.path() + "' && bash '" + script + "' >'" + out + "' 2>'" + err + "'").c_str());
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(out), read(err)};
  for (const std::string& file : {script, out, err}) std::filesystem::remove(file);
  return outcome;
}

}  // namespace mote::tool::test
