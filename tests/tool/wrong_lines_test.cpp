// SPDX-License-Identifier: Apache-2.0
// Command lines that are wrong: for every option of every command the mistakes that any option invites, found by asking
// --help --json what there is; then a table of the others. Every answer is one sentence that names what is wrong and
// ends in a remedy, and the exit code tells. Host only; runs the tool as a function.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/commands/command_line.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// Words with blanks between them; single quotes keep some together.
Words words_of(const std::string& line) {
  Words out;
  bool inside = false, open = false;
  for (const char c : line) {
    if (c == '\'') {
      inside = !inside;
      if (inside && !open) out.emplace_back(), open = true;
    } else if (c == ' ' && !inside) {
      open = false;
    } else {
      if (!open) out.emplace_back(), open = true;
      out.back() += c;
    }
  }
  return out;
}

std::string line_of(const Words& words) {
  std::string out = "mote";
  for (const std::string& word : words) out += " '" + word + "'";
  return out;
}

Outcome run_words(const Words& words) {
  std::vector<const char*> arguments{"mote"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.exit_code = run_command_line(static_cast<int>(arguments.size()), arguments.data());
  std::fflush(stdout);
  std::fflush(stderr);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

struct Case {
  const char* line;
  int exit_code;
  Words has;
  Words has_not{};
};

class WrongLines : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_.path());
    write("t.csv", "a,b,label\n1,2,0\n2,1,1\n1,3,0\n3,1,1\n");
    write("r.csv", "a,b,price\n1,2,250000\n2,1,310000\n1,3,199000\n3,1,420000\n");
    write_npy("x.npy", std::vector<std::uint64_t>{4, 2}, std::vector<float>(8, 1.0F));
    write("net.txt", "input 2; dense 2");
    std::filesystem::create_directory("folder");
    ASSERT_EQ(run_words(words_of(kTrain + " --epochs 1 --out m.mote")).exit_code, 0);
    files_ = folder_.files();
  }
  void TearDown() override {
    EXPECT_EQ(folder_.files(), files_) << "something was left behind";
    std::filesystem::current_path(before_);
  }

  /// What holds for every answer to a wrong line.
  static void expect_answer(const Words& words, int exit_code, const Words& has, const Words& has_not = {}) {
    const Outcome outcome = run_words(words);
    std::string err = outcome.err;
    if (std::find(words.begin(), words.end(), "--json") != words.end()) {
      const Json json = Json::parse(outcome.out, nullptr, false);
      ASSERT_FALSE(json.is_discarded()) << line_of(words) << "\n" << outcome.out;
      EXPECT_EQ(json["error"]["exit_code"], exit_code);
      EXPECT_EQ(outcome.err, "");
      err = "mote: " + json["error"]["message"].get<std::string>() + '\n';
    } else {
      EXPECT_EQ(outcome.out, "") << line_of(words);
    }
    while (err.starts_with("data: ") || err.starts_with("note: ")) err.erase(0, err.find('\n') + 1);
    SCOPED_TRACE(line_of(words) + "\n" + err);
    EXPECT_EQ(outcome.exit_code, exit_code);
    EXPECT_TRUE(err.starts_with("mote: "));
    EXPECT_TRUE(err.ends_with(".\n"));
    EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << "more than one line";
    EXPECT_LT(err.size(), 1000U);
    const std::size_t cut = err.find("; ");
    EXPECT_TRUE(cut != std::string::npos && cut + 8 < err.size()) << "no remedy";
    for (const char* twice : {"..\n", ";;", "; ;", ".;", ";.", ",.", ",;", "::", ": :", "?.", "  ", " .\n", "()"})
      EXPECT_EQ(err.find(twice), std::string::npos) << "punctuation \"" << twice << '"';
    for (const char* internal :
         {"CLI", "std::", "ArgumentMismatch", "ConversionError", "Could not convert", "required TEXT", "At Most",
          "what()", "bad_alloc", "basic_string", "please report", "[bad_", "Extras"})
      EXPECT_EQ(err.find(internal), std::string::npos) << "an internal word: " << internal;
    for (const std::string& part : has) EXPECT_NE(err.find(part), std::string::npos) << "no \"" << part << '"';
    for (const std::string& part : has_not)
      EXPECT_EQ(err.find(part), std::string::npos) << "there is \"" << part << '"';
  }
  static void expect_cases(std::initializer_list<Case> cases) {
    for (const Case& c : cases) expect_answer(words_of(c.line), c.exit_code, c.has, c.has_not);
  }

  /// The options of a command, as --help --json lists them.
  static std::vector<std::pair<std::string, Json>> options_of(const std::string& command) {
    const Outcome help = run_words({command, "--help", "--json"});
    EXPECT_EQ(help.exit_code, 0) << command;
    const Json json = Json::parse(help.out, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << help.out;
    std::vector<std::pair<std::string, Json>> out;
    for (const Json& option : json["options"]) {
      const auto name = option["name"].get<std::string>();
      const std::size_t at = name.find("--");
      if (at != std::string::npos && name.find("--help") == std::string::npos)
        out.emplace_back(name.substr(at, name.find(',', at) - at), option);
    }
    EXPECT_GT(out.size(), 1U) << command;
    return out;
  }

  inline static const Words kCommands{"train",  "ppr",    "eval",   "run",      "bench",   "plan", "info",
                                      "params", "import", "export", "quantize", "compare", "fold", "demo"};
  inline static const std::string kTrain = "train --model 'input 2; dense 2' --data t.csv --batch 2";
  TemporaryFolder folder_;
  std::filesystem::path before_;
  std::size_t files_ = 0;
};

TEST_F(WrongLines, NumbersThatAreNone) {
  std::size_t lines = 0;
  for (const std::string& command : kCommands)
    for (const auto& [name, option] : options_of(command)) {
      const auto help = option["help"].get<std::string>();
      const bool whole = help.find("; a whole number") != std::string::npos;
      if (!whole && help.find("; a number") == std::string::npos) continue;
      const std::string wants = whole ? "wants a whole number from" : "wants a number";
      for (const char* word :
           {"ten",  "nan", "NaN", "inf", "-inf", "infinity", "1e999", "+3", "1_000", "1'000",  " 3",    "3 ",
            "0x10", "1,5", "--3", "3.",  "1e",   "010",      "3k",    "½",  "3;",    "-1e999", "1.2.3", "."}) {
        if (!whole && (word == std::string("3."))) continue;
        expect_answer({command, name, word}, 2, {name + " " + wants, std::string("not \"") + word + '"'});
        ++lines;
      }
      if (!whole) continue;
      for (const char* word : {"-1", "1.5", "1e3", "99999999999999999999999", "18446744073709551616", "-0"}) {
        expect_answer({command, name, word}, 2, {name + " " + wants, word});
        ++lines;
      }
    }
  EXPECT_GT(lines, 1000U);
}

TEST_F(WrongLines, ValuesThatAreMissingEmptyOrThereTwice) {
  for (const std::string& command : kCommands)
    for (const auto& [name, option] : options_of(command)) {
      if (option["value"].get<std::string>().empty()) {
        expect_answer({command, name + "=yes"}, 2, {name + " takes no value"});
        expect_answer({command, name, name}, 2, {name + " is given more than once"});
        continue;
      }
      expect_answer({command, name}, 2, {name + " has no value"});
      expect_answer({command, name, "--json"}, 2, {name + " has no value"});
      expect_answer({command, name + "="}, 2, {name + " has no value"});
      expect_answer({command, name, ""}, 2, {"the value of " + name + " is empty"});
      expect_answer({command, name, " "}, 2, {"the value of " + name + " is empty"});
      expect_answer({command, name, "1", name, "2"}, 2, {name + " is given more than once"});
    }
}

TEST_F(WrongLines, MisspeltOptions) {
  for (const std::string& command : kCommands) {
    const auto options = options_of(command);
    for (const auto& [name, option] : options) {
      if (name.size() < 7) continue;
      std::string swapped = name, shorter = name;
      std::swap(swapped[4], swapped[5]);
      shorter.erase(5, 1);
      for (const std::string& word : {swapped, shorter, name + "s", "-" + name.substr(2)}) {
        const bool known =
            std::any_of(options.begin(), options.end(), [&, w = word](const auto& o) { return o.first == w; });
        if (!known)
          expect_answer({command, word, "1"}, 2,
                        {'"' + word + '"', "did you mean \"--", "mote " + command + " --help"});
      }
    }
    expect_answer({command, "--no-such-thing"}, 2, {"\"--no-such-thing\"", "mote " + command + " --help"});
    expect_answer({command, "m.mote", "one", "too many"}, 2, {command});
  }
}

TEST_F(WrongLines, Commands) {
  expect_cases({
      {"trian", 2, {"\"trian\"", "did you mean \"train\""}},
      {"Train", 2, {"\"Train\"", "did you mean \"train\""}},
      {"evaluate m.mote", 2, {"\"evaluate\"", "did you mean \"eval\""}},
      {"help", 2, {"\"help\"", "mote --help"}},
      {"help train", 2, {"\"help\"", "mote train --help"}},
      {"train -help", 2, {"\"-help\"", "did you mean \"--help\""}},
      {"-hepl", 2, {"-hepl"}},
      {"--modle x", 2, {"\"x\"", "the commands are"}},
      {"--epochs", 2, {"--epochs", "a command first"}},
      {"--threads 2", 2, {"no command", "the commands are"}},
      {"--threads", 2, {"--threads has no value"}},
      {"--threads 0 eval m.mote --data t.csv", 2, {"--threads wants a whole number from 1 to 256"}},
      {"eval m.mote --data t.csv --threads two", 2, {"--threads wants", "\"two\""}},
      {"--threads 2 --threads 3 info m.mote", 2, {"--threads is given more than once"}},
      {"train --data t.csv --ignore a --ignore b --out n.mote", 2, {"more than once", "commas: --ignore \"a,b\""}},
      {"--isa mmx info m.mote", 2, {"--isa", "\"mmx\"", "this computer"}},
      {"--isa '' info m.mote", 2, {"the value of --isa is empty"}},
      {"eval --model m.mote --data t.csv", 2, {"--model", "mote eval FILE"}},
      {"eval m.mote --epochs 3", 2, {"--epochs", "mote train"}},
      {"info m.mote plan", 2, {"\"plan\"", "info"}},
  });
}

TEST_F(WrongLines, RequiredOptionsComeAfterMisspeltOnes) {
  expect_cases({
      {"train --modle net.txt --data t.csv", 2, {"\"--modle\"", "did you mean \"--model\""}, {"required"}},
      {"train --epochs 3", 2, {"no training data", "--data"}},
      {"train --data t.csv --reconstruct", 2, {"an autoencoder", "--model"}},
      {"run m.mote --inptu x.npy --output y.npy", 2, {"did you mean \"--input\""}, {"required"}},
      {"run m.mote", 2, {"--input is required"}},
      {"fold m.mote", 2, {"--out is required"}},
      {"eval", 2, {"MODEL is required", "FILE"}},
      {"plan", 2, {"MODEL is required"}},
      {"bench", 2, {"MODEL is required"}},
      {"train --model --data t.csv", 2, {"--model has no value", "--data is the next option"}},
      {"train --model net.txt --data t.csv --epochs --lr 3", 2, {"--epochs has no value", "--lr is the next option"}},
      {"train --model net.txt --data t.csv --out --json", 2, {"--out has no value", "--json is the next option"}},
  });
}

TEST_F(WrongLines, OptionsThatMeanNothingHere) {
  const std::string t = kTrain + " --epochs 1 ";
  const auto train = [&](const std::string& rest, const Words& has) { expect_answer(words_of(t + rest), 2, has); };
  train("--monitor accuracy", {"--monitor", "--early-stop or --keep-best"});
  train("--early-stop 2", {"--early-stop", "--validation-fraction"});
  train("--keep-best", {"--keep-best", "--validation-fraction"});
  train("--init-limit 0.1", {"--init-limit", "--init automatic (the default)", "--init uniform"});
  train("--init zeros --init-limit 0.1", {"--init-limit", "--init zeros", "--init uniform"});
  train("--class-names a,b --reconstruct", {"--class-names", "--reconstruct"});
  train("--hop 2", {"--hop", "--window"});
  train("--group a", {"--group", "--window"});
  train("--window-label last", {"--window-label", "--window"});
  train("--window 2 --window-label last --targets a", {"--window-label", "--targets"});
  train("--raw-targets --reconstruct", {"--raw-targets", "--reconstruct"});
  train("--cross-validate 2 --test t.csv", {"--test", "--cross-validate", "--out"});
  train("--cross-validate 9", {"4 samples", "9 folds", "--cross-validate"});
  train("--image-size 28", {"--image-size", "HEIGHTxWIDTH"});
  train("--image-size 28x28x2", {"--image-size", "28x28x2", "1 or 3 channels"});
  train("--label label --labels t.csv", {"--label", "--labels", "one of them"});
  train("--label label --targets a", {"--label", "--targets"});
  train("--targets a --labels t.csv", {"--targets", "--labels"});
  train("--reconstruct --labels t.csv", {"--reconstruct", "--labels"});
  train("--reconstruct --label label", {"--label", "--reconstruct"});
  train("--reconstruct --targets a", {"--targets", "--reconstruct"});
  train("--reconstruct --class-weights balanced", {"--class-weights", "--reconstruct"});
  train("--train t.csv", {"--data", "--train"});
  train("--test-labels t.csv", {"--test-labels", "--test"});
  train("--fresh", {"--fresh", "text form"});
  train("--gradient-tolerance 1",
        {"--gradient-tolerance", "--optimizer adam (the default)", "gradient_descent or lbfgs"});
  train("--loss-tolerance 1 --optimizer sgd", {"--loss-tolerance", "--optimizer sgd", "gradient_descent or lbfgs"});
  const std::vector<std::pair<std::string, Words>> of_optimizers{
      {"--momentum 0.5", {"momentum", "nesterov"}},
      {"--beta1 0.5", {"adam", "adamw"}},
      {"--beta2 0.5", {"adam", "adamw"}},
      {"--decay 0.5", {"rmsprop"}},
      {"--epsilon 0.1", {"adagrad", "rmsprop", "adam", "adamw"}},
      {"--weight-decay 0.1", {"adamw"}},
      {"--line-search exact", {"gradient_descent", "lbfgs"}},
      {"--history 3", {"lbfgs"}}};
  for (const auto& [option, good] : of_optimizers)
    for (const std::string word :
         {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "gradient_descent", "lbfgs"})
      if (std::find(good.begin(), good.end(), word) == good.end())
        train(option + " --optimizer " + word, {option.substr(0, option.find(' ')), "--optimizer " + word, good[0]});
  const std::vector<std::pair<std::string, Words>> of_schedules{{"--period 1", {"inverse", "step", "cosine"}},
                                                                {"--gamma 0.5", {"step", "exponential"}},
                                                                {"--floor 0.1", {"cosine"}}};
  for (const auto& [option, good] : of_schedules)
    for (const std::string word : {"constant", "inverse", "step", "exponential", "cosine"})
      if (std::find(good.begin(), good.end(), word) == good.end())
        train(option + " --schedule " + word, {option.substr(0, option.find(' ')), "--schedule " + word, good[0]});
  for (const std::string option : {"--schedule cosine", "--warmup 1", "--clip-value 1", "--clip-norm 1", "--l1 0.1",
                                   "--augment-shift 1", "--augment-flip", "--augment-noise 1"})
    expect_answer(words_of("train --model net.txt --data t.csv --optimizer lbfgs " + option), 2,
                  {option.substr(0, option.find(' ')), "--optimizer lbfgs"});
  expect_cases({
      {"train --model net.txt --data t.csv --optimizer lbfgs --batch 2", 2, {"--batch", "lbfgs"}},
      {"train --model net.txt --data t.csv --optimizer lbfgs --lr 1", 2, {"--lr", "lbfgs"}},
      {"train --model net.txt --data t.csv --optimizer lbfgs --learning-rate 1", 2, {"--learning-rate", "lbfgs"}},
      {"train --model net.txt --data t.csv --optimizer lbfgs --line-search backtracking",
       2,
       {"--line-search", "lbfgs"}},
      {"train --model m.mote --data t.csv --batch 2 --init zeros", 2, {"--init", "--fresh"}},
      {"bench m.mote --runs 3 --seconds 1", 2, {"--seconds", "--runs"}},
      {"bench m.mote --force", 2, {"--force", "--svg"}},
      {"bench m.mote --input x.npy", 2, {"--input", "mote bench --help"}},
      {"plan m.mote --real-targets", 2, {"--real-targets", "--train"}},
      {"plan m.mote --train --beta1 0.5 --optimizer sgd", 2, {"--beta1", "sgd"}},
      {"eval m.mote --data t.csv --test x.npy", 2, {"--data", "--test"}},
      {"eval m.mote --data t.csv --input x.npy", 2, {"--data", "--input"}},
      {"eval m.mote --data t.csv --training-part", 2, {"--training-part", "t.csv"}},
      {"eval m.mote --test x.npy --labels t.csv --training-part", 2, {"--training-part", "--data"}},
      {"eval m.mote --data t.csv --reconstruct --class-names a,b", 2, {"--class-names", "--reconstruct"}},
      {"info --text", 2, {"--text", "MODEL"}},
      {"info m.mote --text --cpu", 2, {"--text", "--cpu"}},
      {"info", 2, {"no model", "--cpu"}},
      {"params m.mote", 2, {"--out", "--set"}},
      {"params m.mote --out folder --set folder", 2, {"--out", "--set"}},
      {"params m.mote --out folder --out-model n.mote", 2, {"--out-model", "--set"}},
      {"ppr --data r.csv --bass 2", 2, {"--bass", "--smoother spline (the default)", "supersmoother"}},
      {"ppr --data r.csv --span 0.5", 2, {"--span", "supersmoother"}},
      {"ppr --data r.csv --smoother supersmoother --df 3", 2, {"--df", "spline"}},
      {"ppr --data r.csv --smoother supersmoother --span 0.5 --bass 2", 2, {"--bass", "--span"}},
      {"ppr --data r.csv --minimum-drop 0.1 --cross-validate 2", 2, {"--cross-validate", "--minimum-drop"}},
      {"ppr --data r.csv --labels t.csv --targets a", 2, {"--targets", "--labels"}},
      {"ppr --data r.csv --train x.npy", 2, {"--data", "--train"}},
  });
  for (const auto& [name, option] : options_of("plan"))
    if (name != "--json" && name != "--train" && name != "--alignment" && name != "--svg" && name != "--batch" &&
        name != "--real-targets" && name != "--gradient-norms" && name != "--force") {
      const auto help = option["help"].get<std::string>();
      const std::string value = help.find("a number") != std::string::npos || help.find("a whole") != std::string::npos
                                    ? "0.5"
                                : name == "--optimizer" ? "sgd"
                                : name == "--loss"      ? "auto"
                                : name == "--schedule"  ? "step"
                                : name == "--weights"   ? "int8"
                                                        : "exact";
      expect_answer({"plan", "m.mote", name, help.find("a whole") != std::string::npos ? "2" : value}, 2,
                    {name, "--train"});
    }
  expect_answer({"plan", "m.mote", "--gradient-norms"}, 2, {"--gradient-norms", "--train"});
  expect_answer({"plan", "m.mote", "--force"}, 2, {"--force", "--svg"});
  train("--force", {"--force", "--out or --plots"});
  train("--keep-parts", {"--keep-parts", "--update"});
  train("--quantize --out n.mote --update bias", {"--quantize", "--update"});
  train("--quantize --out n.mote --weights int8", {"--quantize", "--weights int8"});
  train("--weights float16", {"--weights", "float32 or int8"});
  train("--update 1:half", {"--update", "\"half\"", "1/4"});
  train("--update 9", {"--update", "no layer 9"});
}

TEST_F(WrongLines, NumbersThatCannotBeMeant) {
  const auto train = [&](const std::string& rest, const Words& has) {
    expect_answer(words_of(kTrain + " " + rest), 2, has);
  };
  for (const char* zero :
       {"--epochs 0", "--lr 0", "--clip-value 0", "--clip-norm 0", "--scale 0", "--micro-batch 0",
        "--early-stop 0 --validation-fraction 0.5", "--schedule step --period 0", "--epsilon 0",
        "--schedule step --gamma 0", "--init uniform --init-limit 0", "--optimizer lbfgs --history 0"})
    train(zero, {"wants", "\"0\""});
  for (const char* out_of :
       {"--lr -1", "--lr 1e-50", "--lr 1e50", "--l1 -1", "--l2 -0.5", "--validation-fraction 1",
        "--validation-fraction -0.1", "--optimizer momentum --momentum 1", "--beta1 1", "--beta2 1.5",
        "--schedule step --gamma 1.5", "--schedule cosine --floor -1", "--warmup -1", "--augment-noise -1",
        "--augment-shift 65536", "--optimizer lbfgs --history 33", "--optimizer adamw --weight-decay -1",
        "--optimizer lbfgs --gradient-tolerance -1"})
    train(out_of, {"wants"});
  train("--class-weights 1,x", {"--class-weights", "\"x\""});
  train("--class-weights 1,-2", {"--class-weights", "\"-2\""});
  train("--class-weights 1,,2", {"--class-weights", "\"\""});
  train("--class-weights nan,1", {"--class-weights", "\"nan\""});
  train("--class-weights 1,2,3", {"3 class weights for 2 classes"});
  train("--class-names a,,b --plots folder", {"--class-names", "\"a,,b\""});
  train("--targets ,a", {"--targets", "\",a\""});
  train("--freeze 0", {"--freeze", "layer 0", "no parameters"});
  train("--freeze 1,0", {"--freeze", "layer 0", "no parameters"});
  train("--freeze 9", {"--freeze", "no layer 9"});
  train("--freeze 2-1", {"--freeze", "\"2-1\""});
  train("--freeze one", {"--freeze", "\"one\""});
  train("--unfreeze -1", {"--unfreeze", "\"-1\""});
  train("--micro-batch 3", {"batch of 2", "slices of 3"});
  expect_cases({
      {"plan m.mote --alignment 24", 2, {"--alignment 24", "32"}},
      {"plan m.mote --batch 0", 2, {"--batch wants"}},
      {"run m.mote --input x.npy --output y.npy --batch 0", 2, {"--batch wants"}},
      {"eval m.mote --data t.csv --batch 0", 2, {"--batch wants"}},
      {"ppr --data r.csv --cross-validate 1", 2, {"--cross-validate wants a whole number from 2"}},
      {"ppr --data r.csv --knots 1", 2, {"--knots wants a whole number from 2"}},
      {"ppr --data r.csv --df 1", 2, {"--df wants a number from 2"}},
      {"ppr --data r.csv --terms 0", 2, {"--terms wants"}},
      {"demo --epochs 0", 2, {"--epochs wants"}},
  });
}

TEST_F(WrongLines, FilesOfAnotherKind) {
  const std::vector<std::tuple<std::string, std::string, std::string>> kinds{
      {"a.gif", "GIF89a\x01\x02\x03\x04", "a GIF picture"},
      {"a.pdf", "%PDF-1.7\n%stuff", "a PDF document"},
      {"a.zip", "PK\x03\x04stuff stuff", "a ZIP archive"},
      {"a.xlsx", "PK\x03\x04stuff stuff", "an Excel workbook"},
      {"a.pt", "PK\x03\x04stuff stuff", "a PyTorch file"},
      {"a.elf",
       std::string("\x7F"
                   "ELF\x02\x01\x01\0\0\0\0\0",
                   12),
       "a program"},
      {"a.tflite", std::string("\x1c\0\0\0TFL3\0\0", 10), "a TensorFlow Lite model"},
      {"a.onnx", "\x08\x07\x12\x07pytorch", "an ONNX model"},
      {"a.h5", "\x89HDF\r\n\x1a\nstuff", "an HDF5 file"},
      {"a.json", "{\"a\": 1}", "a JSON file"},
      {"a.html", "<!DOCTYPE html><html>", "a web page"},
      {"a.xz",
       "\xFD"
       "7zXZ-and-more",
       "compressed with xz"}};
  for (const auto& [name, bytes, what] : kinds) {
    write(name, bytes);
    ++files_;
    expect_answer({"train", "--model", "net.txt", "--data", name, "--batch", "2"}, 1, {name + ":", what, "CSV table"});
    expect_answer({"run", "m.mote", "--input", name, "--output", "y.npy"}, 1, {name + ":", what});
    expect_answer({"eval", "m.mote", "--test", "x.npy", "--labels", name}, 1, {name + ":", what});
    const bool imported = name == "a.tflite" || name == "a.onnx";
    const std::string as_model = name == "a.tflite" ? "a TFLite model" : name == "a.onnx" ? "an ONNX model" : what;
    expect_answer({"eval", name, "--data", "t.csv"}, 1, {name + ":", as_model, imported ? "give" : ".mote"});
    expect_answer({"train", "--model", name, "--data", "t.csv"}, 1, {name + ":", as_model});
    if (!imported)
      expect_answer({"import", name, "--out", "i.mote"}, 1, {name + ":", "not an ONNX model", what, ".tflite"});
  }
  write("a.png", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  write("a.jpg", std::string("\xFF\xD8\xFF\xE0\0\x10JFIF", 10));
  files_ += 2;
  for (const std::string name : {"a.png", "a.jpg"}) {
    expect_answer({"train", "--model", "net.txt", "--data", name}, 2, {name + ":", "flat", "--image-size"});
    expect_answer({"train", "--model", "input 2x2x1; dense 2", "--data", name}, 1, {name + ":"});
    expect_answer({"run", "m.mote", "--input", name}, 1, {name + ":", "a picture", "the model reads tables"});
    expect_answer({"eval", name, "--data", "t.csv"}, 1, {name + ":", "picture", ".mote"});
  }
  expect_cases({
      {"train --model net.txt --data m.mote", 1, {"m.mote:", "a mote model"}},
      {"run m.mote --input m.mote --output y.npy", 1, {"m.mote:", "a mote model"}},
      {"eval x.npy --data t.csv", 1, {"x.npy:", "a NumPy array", ".mote"}},
      {"eval t.csv --data t.csv", 1, {"t.csv", ".mote"}},
      {"eval net.txt --data t.csv", 1, {"net.txt", ".mote"}},
      {"eval folder --data t.csv", 1, {"folder:", "a folder, not a file"}},
      {"run m.mote --input folder --output y.npy", 1, {"folder:"}},
      {"run m.mote --input x.npy --output folder", 2, {"folder:", "a folder"}},
      {"train --model folder --data t.csv", 1, {"folder:", "a folder"}},
      {"train --model net.txt --data t.csv --out folder", 2, {"folder:"}},
      {"train --model net.txt --data t.csv --plots t.csv", 2, {"t.csv:", "folder"}},
      {"params m.mote --set t.csv", 2, {"t.csv:", "folder"}},
      {"params m.mote --out t.csv", 2, {"t.csv:", "folder"}},
      {"train --model net.txt --data nowhere", 1, {"nowhere:"}},
      {"train --model nowhere.txt --data t.csv", 2, {"nowhere.txt:", "no such file"}},
      {"eval nowhere.mote --data t.csv", 1, {"nowhere.mote:", "no such file"}},
      {"eval m.mote --data folder", 1, {"folder:", "t10k-images-idx3-ubyte"}},
  });
}

TEST_F(WrongLines, NetworksInTextForm) {
  const std::vector<std::tuple<std::string, std::string, Words>> networks{
      {"", "", {"the value of MODEL is empty", "FILE|TEXT"}},
      {"input", "1:6", {"a shape is expected", "input 784"}},
      {"input x", "1:7", {"\"x\"", "input 784"}},
      {"input 0", "1:7", {"\"0\""}},
      {"input 1x2x3x4", "1:7", {"\"1x2x3x4\""}},
      {"dense 2", "1:1", {"input 28x28x1"}},
      {"input 2; input 2", "1:10", {"second input"}},
      {"input 2; dens 2", "1:10", {"\"dens\"", "did you mean \"dense\""}},
      {"input 2 dense 2", "1:9", {"starts another layer", "put ;"}},
      {"input 2; dense", "1:15", {"the number of units is expected"}},
      {"input 2; dense -1", "1:16", {"the number of units is a whole number from 1 to", "\"-1\""}},
      {"input 2; dense 0", "1:16", {"a whole number from 1 to", "\"0\""}},
      {"input 2; dense 1e3", "1:16", {"a whole number from 1 to", "\"1e3\""}},
      {"input 2; dense +3", "1:16", {"a whole number from 1 to", "\"+3\""}},
      {"input 2; dense 010", "1:16", {"a whole number from 1 to", "\"010\""}},
      {"input 2; dense 99999999999", "1:16", {"a whole number from 1 to"}},
      {"input 2; dense 2 2", "1:18", {"\"2\" is not expected in dense"}},
      {"input 2; dense 2 frozen frozen", "1:25", {"\"frozen\" stands here twice"}},
      {"input 8x8x1; conv2d 4 3x3 same valid same", "1:38", {"\"same\" stands here twice"}},
      {"input 8x8x1; conv2d 4 3x3 stride 0", "1:34", {"\"0\"", "stride"}},
      {"input 8x8x1; conv2d 4 9x9", "1:14", {"larger than its padded input"}},
      {"input 2; relu as x; add y", "1:25", {"\"y\"", "did you mean \"x\""}},
      {"input 2; reshape 3", "1:10", {"same product"}},
      {"input 2; dropout 1", "1:10", {"a rate of at least 0 and below 1"}},
      {"input 2; dropout nan", "1:18", {"\"nan\""}},
      {"input 2; gaussian_noise -1", "1:10", {"a standard deviation from 0"}},
      {"input 2; batch_norm epsilon 0", "1:10", {"epsilon and momentum above 0"}},
      {"input 2; leaky_relu 2", "1:10", {"a slope above 0"}},
      {"input 2; spline 1", "1:17", {"2 to 65535 knots"}},
      {"input 2; repeat 0 { dense 2 }", "1:17", {"at least 1"}},
      {"input 2; repeat 2 { dense 2", "1:19", {"no }"}},
      {"input 2; dense 2 }", "1:18", {"without its {"}},
      {"input 2; concat", "1:16", {"the name of an earlier layer"}}};
  for (const auto& [text, place, has] : networks) {
    Words words = has;
    if (!place.empty()) words.push_back("MODEL:" + place + ":");
    expect_answer({"info", text}, 2, words);
    expect_answer({"plan", text}, 2, words);
    if (place.empty()) continue;
    words.back() = "--model:" + place + ":";
    expect_answer({"train", "--data", "t.csv", "--model", text}, 2, words);
    write("wrong.txt", text);
    words.back() = "wrong.txt:" + place + ":";
    expect_answer({"info", "wrong.txt"}, 2, words);
    std::filesystem::remove("wrong.txt");
  }
  expect_cases({
      {"train --model 'input 2; dense 3' --data r.csv --batch 2", 1, {"r.csv:2", "250000", "--targets"}},
      {"plan m.mote --train --batch 1000000000", 1, {"2^31 bytes", "smaller batch"}},
  });
}

TEST_F(WrongLines, HelpAndVersionAsJson) {
  for (const std::string& command : kCommands) {
    const Outcome help = run_words({command, "--json", "--help"});
    const Json json = Json::parse(help.out, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << help.out;
    EXPECT_EQ(json["command"], command);
    EXPECT_EQ(json["help"].get<std::string>(), run_words({command, "--help"}).out);
  }
  const Json top = Json::parse(run_words({"--help", "--json"}).out, nullptr, false);
  ASSERT_FALSE(top.is_discarded());
  EXPECT_NE(top["help"].get<std::string>().find("FIRST STEPS"), std::string::npos);
  EXPECT_TRUE(Json::parse(run_words({"--version", "--json"}).out, nullptr, false).contains("version"));
  EXPECT_NE(run_words({"train", "--help"}).out.find("a whole number from 1 to 1000000000"), std::string::npos);
  for (const char* line : {"--help", "train --help", "--version", "", "train --help --json", "info m.mote"})
    EXPECT_EQ(run_mote(folder_, std::string(line) + " >/dev/full 2>/dev/null; exit $?").exit_code, 1) << line;
}

}  // namespace
}  // namespace mote::tool
