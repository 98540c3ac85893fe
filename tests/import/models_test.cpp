// SPDX-License-Identifier: Apache-2.0
// The models of tests/models, of which scripts there tell how they were made, against outputs of other implementations;
// and the same files damaged in many ways.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "import/exercise_import.hpp"
#include "import/model_runner.hpp"
#include "tool/data/npy.hpp"
#include "tool/data/npz.hpp"
#include "tool/import/import.hpp"
#include "tool/models/model_source.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/temporary.hpp"

namespace mote::test {
namespace {

using namespace tool;
namespace fs = std::filesystem;

/// Differences, as parts of the largest output, that are not float32's rounding.
const std::map<std::string, double> kTolerances = {
    {"quantised", 1.0 / 16},  // one step
    {"types", 1e-3},          // float16, here float32
};

fs::path models() { return fs::path(MOTE_SOURCE_DIR) / "tests" / "models"; }

std::vector<fs::path> model_files() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(models()))
    if (entry.path().extension() == ".onnx" || entry.path().extension() == ".tflite") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<double> values_of(const Array& array) {
  std::vector<double> out;
  for (std::uint64_t i = 0; i < array.count(); ++i) out.push_back(array.at(i));
  return out;
}

TEST(Models, ComputeAsOtherImplementationsDo) {
  std::size_t count = 0;
  for (const fs::path& file : model_files()) {
    const std::string name = file.stem().string();
    SCOPED_TRACE(name);
    const Npz arrays(fs::path(file).replace_extension(".npz").string());
    const auto array = [](const char* what, int run, std::size_t i) {
      return what + std::to_string(run) + "_" + std::to_string(i);
    };
    ArrayShapes shapes;
    for (std::size_t i = 0; arrays.has(array("in", 0, i)); ++i)
      shapes[std::to_string(i)] = arrays.array(array("in", 0, i)).dims;
    OwnedModel model;
    try {
      model = load_model(file.string(), shapes);
    } catch (const Error& error) {
      ADD_FAILURE() << error.message();
      continue;
    }
    ModelRunner runner(std::move(model));
    if (!runner.made()) continue;
    const auto given = kTolerances.find(name);
    for (int run = 0; arrays.has(array("in", run, 0)); ++run) {
      std::vector<std::vector<double>> inputs;
      for (std::size_t i = 0; i < shapes.size(); ++i) inputs.push_back(values_of(arrays.array(array("in", run, i))));
      const std::vector<std::vector<double>> outputs = runner.run(inputs);
      EXPECT_FALSE(arrays.has(array("out", run, outputs.size())));
      for (std::size_t i = 0; i < outputs.size(); ++i)
        EXPECT_LE(difference(outputs[i], values_of(arrays.array(array("out", run, i)))),
                  given == kTolerances.end() ? 1e-5 : given->second)
            << "run " << run << ", output " << i;
    }
    ++count;
  }
  EXPECT_GE(count, 24U);
}

std::vector<std::byte> bytes_of_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  std::vector<std::byte> out(text.size());
  std::memcpy(out.data(), text.data(), text.size());
  return out;
}

/// Some bytes changed, a part left out or doubled, the end cut off: an answer each time, and rules kept.
TEST(Models, DamagedFilesGetAnAnswer) {
  std::uint32_t state = 7;
  const auto below = [&state](std::size_t n) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % n;
  };
  std::map<ImportAnswer, int> answers;
  for (const fs::path& file : model_files()) {
    const std::vector<std::byte> whole = bytes_of_file(file);
    ++answers[exercise_import(whole)];
    for (int round = 0; round < 400; ++round) {
      std::vector<std::byte> bytes = whole;
      const std::size_t at = below(bytes.size()), length = 1 + below(16);
      switch (below(4)) {
        case 0: bytes.resize(at); break;
        case 1:
          bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), at + length)));
          break;
        case 2:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), whole.begin(),
                       whole.begin() + static_cast<std::ptrdiff_t>(std::min(whole.size(), length)));
          break;
        default:
          for (std::size_t i = 0; i < length; ++i) bytes[below(bytes.size())] = static_cast<std::byte>(below(256));
      }
      ++answers[exercise_import(bytes)];
    }
  }
  std::printf("%d damaged, %d refused, %d imported\n", answers[ImportAnswer::damaged], answers[ImportAnswer::refused],
              answers[ImportAnswer::imported]);
  EXPECT_GT(answers[ImportAnswer::damaged], 100);
  EXPECT_GT(answers[ImportAnswer::refused], 100);
  EXPECT_GT(answers[ImportAnswer::imported], 50);
}

/// Files that once did harm, found by import_fuzz.
TEST(Models, FoundByTheFuzzer) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(models() / "damaged")) {
    exercise_import(bytes_of_file(entry.path()));
    ++files;
  }
  EXPECT_GE(files, 4);
}

std::string refusal_of(const std::string& path, const foreign::Fixed& fixed = {}) {
  try {
    foreign::import_model(path, fixed);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

/// What a person can do about a refusal, whether the operator says so or not.
TEST(Models, RefusalsEndInSomethingToDo) {
  const std::string text = tool::test::read((models() / "types.onnx").string());
  const tool::test::TemporaryFolder folder;
  const auto with = [&](const std::string& op) {  // names of as many letters
    std::string changed = text;
    for (std::size_t at = 0; (at = changed.find("ArgMax", at)) != std::string::npos; at += op.size())
      changed.replace(at, op.size(), op);
    tool::test::write(folder / "m.onnx", changed);
    return refusal_of(folder / "m.onnx");
  };
  EXPECT_NE(with("CumSum").find("cut the model there and compute that part in your program"), std::string::npos)
      << with("CumSum");
  EXPECT_EQ(with("ArgMin"), "");
}

/// Values of a model in a file of their own: beside it, and nowhere else.
TEST(Models, ExternalDataLiesInTheModelsFolder) {
  const tool::test::TemporaryFolder folder;
  fs::create_directory(folder / "inside");
  fs::create_directory(folder / "elsewhere");
  const std::string model = folder / "inside/external.onnx", data = folder / "inside/external.data";
  fs::copy_file(models() / "external.onnx", model);
  EXPECT_NE(refusal_of(model).find("\"external.data\", which is not there beside the model"), std::string::npos)
      << refusal_of(model);
  fs::copy_file(models() / "external.data", data);
  EXPECT_EQ(refusal_of(model), "");
  fs::resize_file(data, 100);
  EXPECT_NE(refusal_of(model).find("beyond the end of the file"), std::string::npos) << refusal_of(model);
  fs::remove(data);
  fs::copy_file(models() / "external.data", folder / "elsewhere/external.data");
  fs::create_symlink(folder / "elsewhere/external.data", data);
  EXPECT_NE(refusal_of(model).find("is not a file in the model's folder"), std::string::npos) << refusal_of(model);
  // The same file with a way out of its folder in its place: names of as many bytes.
  std::string text = tool::test::read(model);
  for (const std::string& other : {std::string("../el/ex.data"), std::string("/etc/hostname")}) {
    std::string changed = text;
    ASSERT_EQ(other.size(), std::strlen("external.data"));
    for (std::size_t at = 0; (at = changed.find("external.data", at)) != std::string::npos;)
      changed.replace(at, other.size(), other);
    tool::test::write(model, changed);
    EXPECT_NE(refusal_of(model).find("its values lie in the file"), std::string::npos) << refusal_of(model);
  }
}

TEST(Models, OpenShapesAreFixedFromOutside) {
  const std::string path = (models() / "attention.onnx").string();
  foreign::Fixed fixed;
  EXPECT_EQ(foreign::import_model(path, fixed).inputs.front().dims, (foreign::Dims{1, 6, 8}));
  fixed.batch = 3;
  EXPECT_EQ(foreign::import_model(path, fixed).outputs.front().dims, (foreign::Dims{3, 6, 8}));
  fixed.inputs = foreign::parse_input_shapes("tokens=2,6,8");
  EXPECT_EQ(foreign::import_model(path, fixed).outputs.front().dims, (foreign::Dims{2, 6, 8}));
  fixed.inputs = foreign::parse_input_shapes("tokens=2,7,8");
  EXPECT_NE(refusal_of(path, fixed).find("is ?x6x8 in the file, not 2x7x8"), std::string::npos)
      << refusal_of(path, fixed);
  fixed.inputs = foreign::parse_input_shapes("words=1,6,8");
  EXPECT_NE(refusal_of(path, fixed).find("there is no input \"words\" to shape"), std::string::npos)
      << refusal_of(path, fixed);
}

/// Outputs have the file's own shapes and types, a scalar among them.
TEST(Models, OutputsAreTheFilesOwn) {
  const tool::test::TemporaryFolder folder;
  const Npz arrays((models() / "types.npz").string());
  for (const char* name : {"in0_0", "in0_1"}) {
    const Array array = arrays.array(name);
    write_npy(folder / (name + std::string(".npy")), array.element, array.dims,
              std::as_bytes(std::span<const std::uint8_t>(array.bytes)));
  }
  const auto done = tool::test::run_mote(folder, "run " + (models() / "types.onnx").string() + " --inputs " +
                                                     (folder / "") + " --outputs " + (folder / "out"));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const std::vector<std::vector<std::uint64_t>> dims = {{}, {6}, {1, 6}, {1, 1}, {1, 2}};
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::string name = "out0_" + std::to_string(i);
    const Array got = read_npy(folder / ("out/" + name + ".npy"));
    EXPECT_EQ(got.dims, dims[i]) << name;
    EXPECT_LE(difference(values_of(got), values_of(arrays.array(name))), 1e-6) << name;
  }
  EXPECT_NE(tool::test::read(folder / "out/out0_0.npy").find("'shape': ()"), std::string::npos);
  EXPECT_NE(tool::test::read(folder / "out/out0_2.npy").find("'<f2'"), std::string::npos);
  EXPECT_EQ(read_npy(folder / "out/out0_3.npy").element, Element::s64);
}

/// A stored model takes samples one by one; where the imported file does not, several are refused, not computed
/// otherwise.
TEST(Models, SamplesThatMeetAreNotTakenOneByOne) {
  const tool::test::TemporaryFolder folder;
  const std::vector<float> values = {1.0F, 2.0F, 3.0F, 4.0F, -1.0F, 0.0F, 1.0F, 8.0F};
  write_npy(folder / "x.npy", std::vector<std::uint64_t>{2, 4}, values);
  const std::string model = (models() / "meeting.onnx").string(), ends = " --input x=x.npy --output y=y.npy";
  ASSERT_EQ(tool::test::run_mote(folder, "import " + model + " --out m.mote").exit_code, 0);
  tool::test::Outcome done;
  for (const std::string& line :
       {"m.mote" + ends, std::string("m.mote --input x.npy --output y.npy"), model + " --input x.npy --output y.npy"}) {
    done = tool::test::run_mote(folder, "run " + line);
    EXPECT_NE(done.exit_code, 0) << line;
    EXPECT_NE(done.err.find("computes one from others"), std::string::npos) << done.err;
  }
  done = tool::test::run_mote(folder, "run " + model + ends);
  ASSERT_EQ(done.exit_code, 0) << done.err;
  // x less the mean of both, and what of x is above zero.
  EXPECT_EQ(values_of(read_npy(folder / "y.npy")), (std::vector<double>{2, 3, 4, 2, -1, -1, 0, 10}));
}

/// Every command takes the file itself, and so does a run by names.
TEST(Models, RunByNames) {
  const tool::test::TemporaryFolder folder;
  const Npz arrays((models() / "choices.npz").string());
  for (const char* name : {"in0_0", "in0_1"}) {
    const Array array = arrays.array(name);
    write_npy(folder / (name + std::string(".npy")), array.element, array.dims,
              std::as_bytes(std::span<const std::uint8_t>(array.bytes)));
  }
  const std::string x = folder / "in0_0.npy", which = folder / "in0_1.npy", rows = folder / "rows.npy",
                    best = folder / "best.npy", model = (models() / "choices.onnx").string();
  const auto run = [&](const std::string& line) { return tool::test::run_mote(folder, "run " + model + " " + line); };
  auto done = run("--input which=" + which + " --input 0=" + x + " --output rows=" + rows + " --output 2=" + best);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_LE(difference(values_of(read_npy(rows)), values_of(arrays.array("out0_0"))), 1e-6);
  EXPECT_EQ(values_of(read_npy(best)), values_of(arrays.array("out0_2")));
  EXPECT_EQ(read_npy(best).element, Element::s64);
  for (const auto& [line, answer] : std::map<std::string, std::string>{
           {"--input x=" + x + " --output rows=" + rows, "input 1 (which) is given not at all"},
           {"--input x=" + x + " --input 0=" + x + " --output rows=" + rows, "more than once"},
           {"--input x=" + x + " --input z=" + x + " --output rows=" + rows, "has no input \"z\""},
           {"--input x=" + x + " --input which=" + which + " --output no=" + rows, "has no output \"no\""},
           {"--input x=" + x + " --input which=" + which + " --output " + rows, "7 outputs"},
           {"--input x=" + x + " --input which=" + which, "--output is required"},
           {"--input x=" + x + " --input which=" + which + " --batch 2 --output rows=" + rows, "--batch means nothing"},
           {"--input " + x + " --input " + which + " --output rows=" + rows, "more than once"}}) {
    done = run(line);
    EXPECT_NE(done.exit_code, 0) << line;
    EXPECT_NE(done.err.find(answer), std::string::npos) << line << "\n" << done.err;
  }
}

/// As the file has them, or as one asks for; a model with narrow weights is trained with float32 ones.
TEST(Models, StoreTheirWeightsAsTheFileHasThem) {
  const tool::test::TemporaryFolder folder;
  const std::string path = (models() / "float16.tflite").string();
  const auto type_after = [&](const std::string& options) {
    const auto done = tool::test::run_mote(folder, "import " + path + " --out m.mote --force" + options);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return load_model(folder / "m.mote").layers[1].param_dtype;
  };
  EXPECT_EQ(type_after(" --weights float32"), DType::f32);
  EXPECT_EQ(type_after(" --weights int8"), DType::s8);
  EXPECT_EQ(type_after(" --weights float16"), DType::f16);
  EXPECT_EQ(type_after(""), DType::f16);
  const auto info = tool::test::run_mote(folder, "info m.mote --json");
  EXPECT_NE(info.out.find("\"param_dtype\": \"float16\""), std::string::npos) << info.out;
  EXPECT_NE(tool::test::run_mote(folder, "info m.mote").out.find("float16 weights"), std::string::npos);
  tool::test::write(folder / "net.txt", "input 6; dense 3");
  const auto train = [&](const std::string& model, const std::string& out) {
    return tool::test::run_mote(folder, "train --model " + model + " --data t.csv --epochs 1 --out " + out);
  };
  std::string rows;
  for (int i = 0; i < 60; ++i) rows += "1,2,3,4,5," + std::to_string(i % 7) + "," + std::to_string(i % 3) + "\n";
  tool::test::write(folder / "t.csv", rows);
  auto done = train("net.txt", "float.mote");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  OwnedModel narrow = with_weights(load_model(folder / "float.mote"), DType::s8);
  AtomicFile file(folder / "narrow.mote", FileKind::model);
  save_model(narrow, file);
  done = train("narrow.mote", "again.mote");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(load_model(folder / "again.mote").layers[1].param_dtype, DType::f32);
}

}  // namespace
}  // namespace mote::test
