// SPDX-License-Identifier: Apache-2.0
// No output is one of the inputs, none replaces a file of another kind unasked, and all that can be known beforehand is
// known before the first epoch. Host only.
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;

class Outputs : public ::testing::Test {
 protected:
  void SetUp() override {
    write(folder_ / "t.csv", "a,b,label\n1,2,0\n2,1,1\n1,3,0\n3,1,1\n");
    ASSERT_EQ(run("train --model 'input 2; dense 2' --data t.csv --epochs 1 --batch 2 --out m.mote").exit_code, 0);
    write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{2, 2}, std::vector<float>(4, 1.0F));
    write_npy(folder_ / "y.npy", std::vector<std::uint64_t>{2, 1}, std::vector<float>(2, 1.0F));
    write(folder_ / "net.txt", "# a network\ninput 2\ndense 2\n");
    write(folder_ / "rows.csv", "x,y\n1,2\n2,4\n3,5\n4,9\n5,9\n6,13\n7,14\n8,15\n9,20\n10,20\n");
    std::filesystem::create_symlink("t.csv", folder_ / "link.csv");
    std::filesystem::create_hard_link(folder_ / "m.mote", folder_ / "same.mote");
  }
  Outcome run(const std::string& arguments) { return run_mote(folder_, arguments); }

  /// Fails with `parts` in the message, and no file is another one than before.
  void refuses(const std::string& arguments, std::initializer_list<const char*> parts) {
    const auto contents = [&] {
      std::map<std::string, std::string> out;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
        if (entry.is_regular_file()) out[entry.path().string()] = read(entry.path().string());
      return out;
    };
    const auto before = contents();
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments << "\n" << outcome.err;
    expect_in(outcome.err, parts);
    EXPECT_EQ(outcome.err.find("epoch"), std::string::npos) << "too late: " << outcome.err;
    EXPECT_TRUE(contents() == before) << arguments;
  }
  static constexpr const char* kTrain = "train --model 'input 2; dense 2' --epochs 1 --batch 2 ";

  TemporaryFolder folder_;
};

TEST_F(Outputs, AreNeverInputs) {
  const std::string train = kTrain;
  for (const char* force : {"", " --force"}) {
    refuses(train + "--data t.csv --out t.csv" + force, {"t.csv"});
    refuses(train + "--data link.csv --out t.csv" + force, {"t.csv"});
    refuses("train --model net.txt --data t.csv --batch 2 --out net.txt" + std::string(force), {"net.txt"});
    refuses("run m.mote --input x.npy --output m.mote" + std::string(force), {"m.mote"});
    refuses("plan --svg m.mote m.mote" + std::string(force), {"m.mote"});
  }
  refuses("train --model m.mote --data t.csv --batch 2 --out m.mote", {"m.mote", "would overwrite", "another file"});
  refuses("train --model m.mote --data t.csv --batch 2 --out same.mote", {"same.mote", "m.mote", "the same file"});
  refuses("run m.mote --input x.npy --output x.npy", {"x.npy", "would overwrite"});
  refuses(
      "run m.mote --input x.npy --output ../" + std::filesystem::path(folder_.path()).filename().string() + "/./x.npy",
      {"x.npy", "would overwrite"});
  refuses("fold m.mote --out same.mote", {"same.mote", "would overwrite"});
  refuses("ppr --data rows.csv --terms 1 --out rows.csv --force", {"rows.csv", "would overwrite"});
  refuses(train + "--train x.npy --labels y.npy --out y.npy --force", {"y.npy", "would overwrite"});
  refuses(train + "--data t.csv --test x.npy --test-labels y.npy --out x.npy --force", {"x.npy", "would overwrite"});
  std::filesystem::create_directory(folder_ / "p");
  std::filesystem::create_hard_link(folder_ / "t.csv", folder_ / "p/arena.svg");
  refuses(train + "--data t.csv --plots p --force", {"arena.svg", "would overwrite"});
  std::filesystem::rename(folder_ / "p/arena.svg", folder_ / "p/confusion-matrix.svg");
  refuses("eval m.mote --data t.csv --plots p --force", {"confusion-matrix.svg", "would overwrite"});
  ASSERT_EQ(run("params m.mote --out q").exit_code, 0);
  refuses("params m.mote --set q --out-model q/01_dense_bias.npy --force", {"01_dense_bias.npy", "would overwrite"});
  refuses("params m.mote --set q --out-model same.mote", {"same.mote", "would overwrite"});
  EXPECT_EQ(run("params m.mote --set q").exit_code, 0) << "to change MODEL itself is what it is for";
}

TEST_F(Outputs, OfOneCommandHaveDifferentNames) {
  std::filesystem::create_directory(folder_ / "p");
  refuses(std::string(kTrain) + "--data t.csv --plots p --out p/arena.svg", {"arena.svg", "both"});
}

TEST_F(Outputs, ReplaceTheirOwnKindOrNothing) {
  const std::string train = std::string(kTrain) + "--data t.csv --out ";
  write(folder_ / "notes.txt", "Dear diary,\n\ntoday was fine. Yes, really, it was.\n");
  write(folder_ / "other.csv", "1,2\n3,4\n");
  write(folder_ / "empty", "");
  write(folder_ / "old.svg", "<?xml version='1.0'?>\n<svg/>\n");
  write(folder_ / "old.json", "{\"a\": 1}\n");
  write(folder_ / "program", std::string("\x7F"
                                         "ELF\0\0",
                                         6));
  for (const char* file : {"notes.txt", "other.csv", "old.svg", "old.json", "program", "x.npy", "net.txt"})
    refuses(train + file, {file, "would be replaced by a model", "--force"});
  refuses(train + "x.npy", {"an .npy array"});
  refuses(train + "other.csv", {"a table"});
  std::filesystem::copy_file(folder_ / "m.mote", folder_ / "another.mote");
  refuses("run m.mote --input x.npy --output another.mote", {"another.mote", "a model"});
  refuses("run m.mote --input x.npy --output same.mote", {"same.mote", "would overwrite"});
  refuses("plan m.mote --svg other.csv", {"a table", "an SVG picture"});
  refuses("fold m.mote --out other.csv", {"a table"});
  refuses("ppr --data rows.csv --terms 1 --out other.csv", {"a table"});
  std::filesystem::create_directory(folder_ / "p");
  write(folder_ / "p/learning-curve.svg", "mine");
  refuses(train + "new.mote --plots p", {"learning-curve.svg", "--force"});
  write(folder_ / "p/confusion-matrix.svg", "mine");
  refuses("eval m.mote --data t.csv --plots p", {"confusion-matrix.svg", "--force"});
  write(folder_ / "p/01_dense_weights.npy", "mine");
  refuses("params m.mote --out p", {"01_dense_weights.npy", "--force"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "p/01_dense_bias.npy")) << "all or none";
  ASSERT_EQ(run(train + "empty").exit_code, 0);
  ASSERT_EQ(run(train + "empty").exit_code, 0) << "a model over a model";
  ASSERT_EQ(run(train + "notes.txt --force").exit_code, 0);
  EXPECT_EQ(read(folder_ / "notes.txt").substr(0, 4), "MOTE");
  ASSERT_EQ(run("run m.mote --input x.npy --output out.npy").exit_code, 0);
  EXPECT_EQ(run("run m.mote --input x.npy --output out.npy").exit_code, 0) << "an array over an array";
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  EXPECT_EQ(run("plan m.mote --svg old.svg").exit_code, 0) << "a picture over a picture";
}

TEST_F(Outputs, WhatCanBeKnownIsKnownBeforeTheFirstEpoch) {
  const std::string train = std::string(kTrain) + "--data t.csv ";
  std::filesystem::create_directory(folder_ / "p");
  refuses(train + "--plots p --class-names a,b,c --out new.mote", {"3 class names for 2 classes"});
  refuses(train + "--out .", {"a folder of that name"});
  refuses(train + "--out none/new.mote", {"no folder"});
  refuses(train + "--out new.mote --plots t.csv", {"t.csv", "folder"});
}

/// Commands that need a small file system, mounts or another user: as root, in namespaces of their own.
class Mounts : public Outputs {
 protected:
  void SetUp() override {
    if (std::system("unshare -rm true 2>/dev/null") != 0) GTEST_SKIP() << "no user namespaces here";
    Outputs::SetUp();
  }
  Outcome inside(const std::string& lines) {
    write(folder_ / "inside", "set -e\n" + lines + "\n");
    return run_script(folder_, "export mote; unshare -rm bash inside");
  }
};

TEST_F(Mounts, AFileThatIsAMountIsWrittenInPlace) {
  const std::string train = std::string("$mote ") + kTrain + "--data t.csv --out place.mote >/dev/null";
  const Outcome outcome =
      inside("cp m.mote under.mote; cp m.mote place.mote; mount --bind under.mote place.mote\n" + train +
             " --seed 5\n$mote " + kTrain + "--data t.csv --seed 5 --out plain.mote >/dev/null\n" +
             "cmp under.mote plain.mote && ! cmp -s m.mote plain.mote");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(Mounts, AFullDiskIsKnownBeforeTheFirstEpoch) {
  const std::string train =
      "$mote train --model 'input 2; dense 40000; dense 2' --epochs 1 --batch 2 --data t.csv ";  // 640 KB
  const std::string disk = "mkdir small; mount -t tmpfs -o size=256k none small; cp m.mote small/m.mote\n";
  const Outcome outcome =
      inside(disk + train + "--out small/m.mote || echo code $?\ncmp m.mote small/m.mote; ls -A small");
  expect_in(outcome.err, {"small/m.mote", "no room", "make room"});
  expect_in(outcome.out, {"code 1", "m.mote"});
  EXPECT_EQ(outcome.err.find("epoch"), std::string::npos) << outcome.err;
  const Outcome in_place = inside("rm -rf small; " + disk + "ln small/m.mote small/b.mote\n" + train +
                                  "--out small/m.mote || echo code $?\ncmp m.mote small/b.mote");
  expect_in(in_place.out, {"code 1"});
  EXPECT_EQ(in_place.err.find("epoch"), std::string::npos) << in_place.err;
}

TEST_F(Mounts, APictureThatHasNoRoomDoesNotReplaceTheOldOneNorHideTheResult) {
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  const Outcome outcome =
      inside(std::string("mkdir small; mount -t tmpfs -o size=12k none small; echo '<svg></svg>' >small/arena.svg\n"
                         "$mote ") +
             kTrain + "--data t.csv --out new.mote --plots small || echo code $?\n" +
             "cat small/arena.svg; ls -A small; test -s new.mote");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_in(outcome.err, {".svg", "No space left"});
  expect_in(outcome.out, {"code 1", "<svg></svg>", "new.mote"});
}

TEST_F(Mounts, AFolderThatTakesNoFilesIsNoReasonToLoseTheWork) {
  const Outcome outcome = inside(
      "mkdir locked; cp m.mote locked/m.mote; mount --bind locked locked; mount -o remount,bind,ro locked; touch "
      "w.mote; "
      "cp m.mote w.mote; mount --bind w.mote locked/m.mote\n$mote " +
      std::string(kTrain) + "--data t.csv --seed 9 --out locked/m.mote >/dev/null\n! cmp -s m.mote w.mote");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

}  // namespace
}  // namespace mote::tool
