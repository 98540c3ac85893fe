// SPDX-License-Identifier: Apache-2.0
// What a command reads and what it writes, by inode: no output may be one of the inputs, and none replaces a file of
// another kind unasked. FileReader and AtomicFile report here; commands only say --force.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mote::tool {

/// What is in a file that the tool writes, as far as its first bytes tell.
enum class FileKind : std::uint8_t { model, exported, picture, array, table, json, network, header, other };

class FileLedger {
 public:
  /// The ledger of the command that runs; without a command, as in tests, it takes everything.
  static FileLedger& current();

  /// A command begins.
  void open() { *this = {}, checks_ = true; }
  /// --force
  void allow_other_kinds() { force_ = true; }
  [[nodiscard]] bool force() const { return force_; }

  /// A regular file that is opened for reading.
  void add_input(const std::string& path, const struct stat& info);
  /// A regular file that will be written, there already (`there`) or not. Asking again for the same one is fine.
  /// `edits_input`: the command's purpose is to change that file.
  void add_output(const std::string& path, const std::string& target, FileKind kind, const struct stat* there,
                  bool edits_input);
  /// It is written, and may be read from now on.
  void complete(const std::string& target);

 private:
  struct Input {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  struct Output {
    std::string path, target;
    FileKind kind = FileKind::other;
    bool there = false;
    dev_t device = 0;
    ino_t inode = 0;
  };

  bool checks_ = false, force_ = false;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
};

}  // namespace mote::tool
