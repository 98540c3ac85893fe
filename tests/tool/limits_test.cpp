// SPDX-License-Identifier: Apache-2.0
// What an attacker would hand over: sizes without end, and text that steers a terminal. Host only.
#include <sys/resource.h>

#include <chrono>

#include "temporary.hpp"
#include "tool/models/model_source.hpp"
#include "tool/models/model_text.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/streams.hpp"

namespace mote::tool {
namespace {

using namespace test;

std::string refusal(const std::string& text) {
  return error_of([&] { parse_model_text(text, "net"); });
}

TEST(Limits, OfRepetitions) {
  for (const char* count :
       {"9223372036854775808", "18446744073709551615", "6148914691236517206", "99999999999999999999", "65536", "32768"})
    expect_in(refusal(std::string("input 2; repeat ") + count + " { dense 2; relu }; dense 2"),
              {"net:1:", "more than 4096"});
  std::string nested;
  for (int i = 0; i < 40000; ++i) nested += "repeat 2 {\n";
  expect_in(refusal("input 2\n" + nested), {"more than 64 repetitions inside each other"});
  std::string ones = "input 2\n";
  for (int i = 0; i < 64; ++i) ones += "repeat 1 {\n";
  ones += "dense 2\n";
  for (int i = 0; i < 64; ++i) ones += "}\n";
  EXPECT_EQ(parse_model_text(ones, "net").layers.size(), 2U);
  std::string again = "input 2\n";
  for (int i = 0; i < 200; ++i) again += "repeat 1 { dense 2 }\n";
  EXPECT_EQ(parse_model_text(again, "net").layers.size(), 201U) << "one behind the other is no nesting";
}

TEST(Limits, LookingAtANetworkTakesNoMemoryForItsParameters) {
  const TemporaryFolder folder;
  const std::string network = "'input 268435456; dense 1'";
#ifdef __SANITIZE_ADDRESS__  // it takes terabytes of addresses for itself
  const std::string limit;
#else
  const std::string limit = "ulimit -v 600000; ";
#endif
  for (const std::string command : {"info ", "info --text ", "plan "}) {
    const Outcome outcome = run_script(folder, limit + "$mote " + command + network);
    EXPECT_EQ(outcome.exit_code, 0) << command << outcome.err;
  }
  expect_in(run_script(folder, "$mote info " + network).out, {"268 435 457"});
}

TEST(Limits, WhatIsNoModelIsNotReadToItsEnd) {
  const TemporaryFolder folder;
  write(folder / "huge.mote", "");
  std::filesystem::resize_file(folder / "huge.mote", std::uintmax_t{1} << 40);  // takes no room
  expect_in(error_of([&] { load_model(folder / "huge.mote"); }), {"huge.mote", "not a model file"});
  const OwnedModel model = parse_model_text("input 2; dense 2", "net");
  AtomicFile file(folder / "long.mote", FileKind::model);
  save_model(model, file);
  std::filesystem::resize_file(folder / "long.mote", std::uintmax_t{1} << 40);
  expect_in(error_of([&] { load_model(folder / "long.mote"); }), {"long.mote"});
  write(folder / "huge.txt", "input 2\n");
  std::filesystem::resize_file(folder / "huge.txt", std::uintmax_t{1} << 40);
  expect_in(error_of([&] { model_from_argument(folder / "huge.txt"); }), {"huge.txt", "more than 1048575 bytes"});
  for (const char* device : {"/dev/zero", "/dev/urandom"})
    for (const std::string command : {"info ", "eval --data x.csv ", "plan "}) {
      const Outcome outcome = run_mote(folder, command + device);
      EXPECT_NE(outcome.exit_code, 0);
      expect_in(outcome.err, {device, "a device"});
    }
  expect_in(run_script(folder, "cat /dev/zero | timeout 20 $mote info /dev/stdin; echo code $?").out, {"code 1"});
}

TEST(Terminal, GetsNothingThatSteersIt) {
  EXPECT_EQ(printable("plain, \xC3\xA4\xE2\x80\xA6 \xF0\x9F\x98\x80\n\tnext"),
            "plain, \xC3\xA4\xE2\x80\xA6 \xF0\x9F\x98\x80\n\tnext");
  EXPECT_EQ(printable(std::string("\x1b[31m\r\b\x07\0", 9)), "\\x1b[31m\\x0d\\x08\\x07\\x00");
  EXPECT_EQ(printable("\x7F\xC2\x9B\xE2\x80\xAE\xE2\x81\xA6"), "\\u007f\\u009b\\u202e\\u2066");
  for (const char* broken : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",
                             "\x9B"
                             "a",
                             "\xE2\x80"})
    for (const char c : printable(broken)) EXPECT_TRUE(c >= 0x20 && c < 0x7F) << broken;
  EXPECT_EQ(printable_line("a\nb"), "a\\nb");
}

TEST(Terminal, IsSafeFromNamesHeadersAndText) {
  const TemporaryFolder folder;
  const std::string bad =
                        "\x1b]0;owned\x07\x1b[2J\x9B"
                        "1m\r",
                    named = "e\x1b[31m.csv";
  write(folder / "t.csv", "a" + bad + ",b,label\n1,2,0\n2,1,1\n1,3,0\n3,1,1\n");
  write(folder / "cell.csv", "a,b,label\n1,2,0\n2," + bad + ",1\n");
  write(folder / named, "a,b,label\n1,2,0\n2,1,1\n");
  write(folder / "net.txt", "input 2\ndense" + bad + " 2\n");
  write(folder / "rows.csv", "x" + bad + ",y\n1,2\n2,4\n3,5\n4,9\n5,9\n6,13\n7,14\n8,15\n9,20\n10,20\n");
  const std::string quoted = "$'e\\x1b[31m.csv'", train = "$mote train --batch 2 --epochs 1 ";
  const std::string lines[] = {
      train + "--model 'input 2; dense 2' --data t.csv --label nothing",
      train + "--model 'input 2; dense 2' --data cell.csv",
      train + "--model 'input 3; dense 2' --data " + quoted,
      train + "--model 'input 2; dense 2' --data " + quoted + " --out " + quoted + ".mote",
      train + "--model net.txt --data t.csv",
      train + "--model $'input 2; dense 2 as \\x1b[1m; dense 3 as \\x1b[1m' --data t.csv",
      train +
          "--model 'input 2; dense 2' --data t.csv --class-names $'\\x1b[1m,b' --out m.mote; $mote eval m.mote --data "
          "t.csv --class-names $'\\x1b[1m,b'",
      "$mote $'tr\\x1b[1main'",
      "$mote train $'--mo\\x1b[1mdel' 3",
      "$mote info $'\\x9b1m.mote'",
      "$mote ppr --data rows.csv --terms 1 --out r.mote",
      "$mote ppr --data rows.csv --terms 1 --json",
      "$mote --isa $'\\x1b[1m' info --cpu"};
  for (const std::string& line : lines)
    for (const char* json : {"", " --json"}) {
      const Outcome outcome = run_script(folder, line + json);
      EXPECT_FALSE(outcome.out.empty() && outcome.err.empty()) << line;
      for (const std::string& text : {outcome.out, outcome.err}) {
        for (const char c : text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') << line;
        EXPECT_EQ(printable(text), text) << line;
      }
    }
}

TEST(Pictures, AreDrawnWithoutThePersonsOwnSettings) {
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "home");
  write(folder / "home/.gnuplot", "set print 'ran'\nprint 'x'\n");
  write(folder / "home/gnuplotrc", "set print 'ran'\nprint 'x'\n");
  const Outcome outcome = run_script(
      folder,
      "$mote plan 'input 2; dense 2' --svg plain.svg\n"
      "cd home; export HOME=$PWD XDG_CONFIG_HOME=$PWD GNUTERM=dumb GNUPLOT_LIB=$PWD LC_ALL=de_DE.UTF-8 TERM=xterm\n"
      "$mote plan 'input 2; dense 2' --svg ../other.svg; ls -A");
  EXPECT_EQ(outcome.out.find("ran"), std::string::npos) << outcome.out;
  EXPECT_NE(read(folder / "plain.svg"), "");
  EXPECT_EQ(read(folder / "plain.svg"), read(folder / "other.svg"));
}

TEST(Pictures, ThatAreNotWholeAreNotPutInPlace) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "bin");
  write(folder / "old.svg", "<svg>old</svg>");
  for (const char* cut : {"echo '<svg><g>'", "true", "printf ''", "echo '<svg></svg>'; exit 3", "kill -9 $$"}) {
    write(folder / "bin/gnuplot", std::string("#!/bin/sh\ncat >/dev/null\n") + cut + "\n");
    std::filesystem::permissions(folder / "bin/gnuplot", std::filesystem::perms::owner_all);
    const Outcome outcome = run_script(folder, "PATH=$PWD/bin:$PATH $mote plan 'input 2; dense 2' --svg old.svg");
    EXPECT_EQ(outcome.exit_code, 1) << cut;
    expect_in(outcome.err, {"old.svg", "gnuplot"});
    EXPECT_EQ(read(folder / "old.svg"), "<svg>old</svg>") << cut;
  }
}

}  // namespace
}  // namespace mote::tool
