// SPDX-License-Identifier: Apache-2.0
// mote demo: the main job from end to end. Trains a convolutional network on real images inside one arena, saves it,
// reads it back and gets the same accuracy, makes an int8 model of it and shows both; pictures and report.json beside
// the models.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "tool/commands/commands.hpp"
#include "tool/commands/inference_clock.hpp"
#include "tool/commands/quantizing.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/streams.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

// Pooling comes before normalisation and activation, which leaves them a quarter of the work.
constexpr const char* kNetwork = R"(input 28x28x1
conv2d 16 3x3 same
max_pool 2
batch_norm
relu
conv2d 32 3x3 same
max_pool 2
batch_norm
relu
flatten
dropout 0.2
dense 10
softmax
)";
const std::vector<std::string> kFashion{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                        "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

struct DemoJob {
  std::string data = "/usr/share/datasets/fashion-mnist", out = "demo";
  unsigned epochs = 6;
  bool digits = false;
};

/// The command that a user would type for the same training.
std::string command_line(const TrainJob& job) {
  return fmt::format(
      "mote train --model {} --data {} --epochs {} --batch {} --lr {} --schedule cosine --warmup 0.1 \\\n"
      "           --validation-fraction 0.1 --keep-best --monitor accuracy --out {} --plots {}\n",
      job.model, job.data.data, job.options.epochs, job.training.batch, *job.training.learning_rate, job.out,
      job.plots);
}

/// What a model needs and takes, one sample at a time.
struct Cost {
  std::uint64_t bytes = 0;  // of its file
  std::size_t arena_bytes = 0;
  double microseconds = 0.0;
};
Cost cost_of(const OwnedModel& model, Progress& progress) {
  ClockSettings clock;
  clock.seconds = 0.5;
  const InferenceTimes times = time_inference(model, clock, progress);
  return {model_file_bytes(model.view(), model.description), plan_of(model, {.alignment = 64}).arena_bytes(),
          times.inference.median * 1e-3};
}

/// As mote quantize makes it, of 200 training samples.
OwnedModel int8_of(const OwnedModel& model, const DataArguments& arguments, Progress& progress) {
  constexpr std::size_t kSamples = 200;
  const DataSet data = load_evaluation_data(arguments, true, reading_for(model, arguments, "auto"));
  std::vector<std::uint32_t> indices;
  for (std::size_t i = 0; i < std::min(kSamples, data.size()); ++i)
    indices.push_back(static_cast<std::uint32_t>(i * data.size() / std::min(kSamples, data.size())));
  OwnedQuantizer quantizer(model, {.range = RangeRule::percentile, .bins = 2048});
  progress.start("samples for int8", indices.size());
  quantizer.observe({samples_array(data, indices)}, indices.size(),
                    [&](std::uint64_t done) { progress.update(done, [] { return std::string(); }); });
  progress.clear();
  return quantizer.model({});
}

Json side_json(const std::string& file, const Json& scores, const Cost& cost) {
  return {{"model", file},
          {"accuracy", scores["accuracy"]},
          {"model_bytes", cost.bytes},
          {"inference_arena_bytes", cost.arena_bytes},
          {"microseconds", cost.microseconds}};
}

void demo(const DemoJob& demo, const Context& context) {
  const auto begin = std::chrono::steady_clock::now();
  make_folder(demo.out);
  AtomicFile::claim((std::filesystem::path(demo.out) / "report.json").string(), FileKind::json);
  const auto in_folder = [&](const char* name) { return (std::filesystem::path(demo.out) / name).string(); };
  const std::string network = in_folder("network.txt");
  write_file(network, FileKind::network, kNetwork);
  TrainJob train;
  train.model = network;
  train.data.data = demo.data;
  train.out = in_folder("demo.mote");
  train.plots = demo.out;
  train.class_names = demo.digits ? std::vector<std::string>{} : kFashion;
  train.monitor = "accuracy";
  train.training.batch = 64;
  train.training.learning_rate = 4e-3F;
  train.training.schedule = "cosine";
  train.training.warmup = 0.1;
  train.options.epochs = demo.epochs;
  train.options.validation_fraction = 0.1;
  train.options.keep_best = true;
  if (!context.json) print_error(printable(fmt::format("The same as\n\n{}\n", command_line(train))));
  std::string text, eval_text;
  std::optional<Error> failure;
  const Json trained = run_train(train, context, text, failure);
  if (failure) return print_result(context, trained, text, failure);
  if (trained["test"].is_null())
    throw data_error("the folder has no test files",
                     "the demo needs t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte too")
        .in(demo.data);

  Progress progress(Progress::style_for(context.json));
  const OwnedModel real = load_model(train.out);
  const OwnedModel whole = int8_of(real, train.data, progress);
  EvalJob eval;
  eval.model = train.out;
  eval.beside = in_folder("demo8.mote");
  {
    AtomicFile out(eval.beside, FileKind::model);
    save_model(whole, out);
  }
  eval.data.data = demo.data;
  eval.batch = train.training.batch;
  const Json reloaded = run_eval(eval, context, eval_text, failure);
  if (reloaded["correct"] != trained["test"]["correct"] || reloaded["loss"] != trained["test"]["loss"])
    throw data_error(fmt::format("the model read back has accuracy {} and loss {}, but training ended with {} and {}",
                                 reloaded["accuracy"].dump(), reloaded["loss"].dump(),
                                 trained["test"]["accuracy"].dump(), trained["test"]["loss"].dump()),
                     "this is a fault in mote; please report it")
        .in(train.out);
  Json report{{"command", "demo"},
              {"data", demo.data},
              {"accuracy", trained["test"]["accuracy"]},
              {"reloaded_accuracy", reloaded["accuracy"]}};
  report["arena_bytes"] = trained["arena_bytes"];
  report["model_bytes"] = trained["model_bytes"];
  report["training_samples_per_second"] = trained["samples_per_second"];
  report["inference_samples_per_second"] = reloaded["samples_per_second"];
  const Cost in_float32 = cost_of(real, progress), in_int8 = cost_of(whole, progress);
  report["float32"] = side_json(train.out, reloaded, in_float32);
  report["int8"] = side_json(eval.beside, reloaded["beside"], in_int8);
  report["train"] = trained;
  report["eval"] = reloaded;
  report["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  write_file(in_folder("report.json"), FileKind::json, report.dump(2) + "\n");
  text += fmt::format(
      "read back       accuracy {:.2f} %, loss {}: the same to the last digit; {:.0f} samples/s in inference\n",
      100.0 * reloaded["accuracy"].get<double>(), reloaded["loss"].dump(),
      reloaded["samples_per_second"].get<double>());
  text += fmt::format("\n{:<15} {:>10} {:>12} {:>12} {:>12}\n", "one sample", "accuracy", "model bytes", "arena bytes",
                      "time (us)");
  for (const auto& [name, cost] : {std::pair{"float32", &in_float32}, {"int8", &in_int8}})
    text +=
        fmt::format("{:<15} {:>8.2f} % {:>12} {:>12} {:>12.1f}\n", name, 100.0 * report[name]["accuracy"].get<double>(),
                    grouped(cost->bytes), grouped(cost->arena_bytes), cost->microseconds);
  text += fmt::format("\nint8 model      {}: mote quantize {} --data {}\n", eval.beside, train.out, demo.data);
  text += fmt::format("report          {}\ntime            {:.1f} s in all\n", in_folder("report.json"),
                      report["seconds"].get<double>());
  print_result(context, report, text);
}

}  // namespace

void add_demo(CLI::App& app, Context& context) {
  const auto job = std::make_shared<DemoJob>();
  Options& options = add_command(app, context, "demo",
                                 "Trains a small convolutional network on Fashion-MNIST, start to end.", R"(EXAMPLES
  mote demo --out demo
  mote demo --data my-mnist --digits --out demo
)");
  options.text("--data", job->data, "DIR", "folder with the four files of Fashion-MNIST or MNIST");
  options.text("--out", job->out, "DIR", "folder for the model, the pictures and report.json");
  options.whole("--epochs", job->epochs, {1, 1'000'000'000}, "passes over the training samples");
  options.flag("--digits", job->digits, "the data are digits, not clothes: number the classes");
  add_force(options, context);
  options.run([job, &context] { demo(*job, context); });
}

}  // namespace mote::tool
