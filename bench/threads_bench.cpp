// SPDX-License-Identifier: Apache-2.0
// mote_threads_bench: what threads make of whole networks. The same session or trainer with one thread and with several
// takes turns, so that both see the same minutes of the machine; the table has medians. `--threads N` (2), `--json`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mote/linux/thread_pool.hpp"
#include "mote/mote.hpp"
#include "rows.hpp"
#include "tool/models/model_source.hpp"

namespace mote::bench {
namespace {

constexpr int kRounds = 41;
constexpr double kRoundSeconds = 4e-3;

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& work, int repeats) {
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < repeats; ++i) work();
  return std::chrono::duration<double>(Clock::now() - begin).count() / repeats;
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

struct Times {
  double one = 0.0, several = 0.0;
};

/// Medians of `work` without and with the threads that `lend` gives it.
Times take_turns(const Threads* threads, const std::function<void(const Threads*)>& lend,
                 const std::function<void()>& work) {
  std::vector<double> one, several;
  const int repeats = std::max(1, static_cast<int>(kRoundSeconds / seconds_of(work, 3)));
  for (int round = 0; round < kRounds; ++round) {
    lend(nullptr);
    one.push_back(seconds_of(work, repeats));
    lend(threads);
    seconds_of(work, 2);  // wakes them
    several.push_back(seconds_of(work, repeats));
  }
  return {median(one), median(several)};
}

tool::OwnedModel network(const std::string& name) {
  tool::OwnedModel owned = tool::model_from_argument(std::string(MOTE_NETWORKS "/") + name + ".txt").model;
  const Model model = owned.view();
  for (std::size_t i = 1; i < model.layers.size(); ++i)
    init_layer(model.layers[i], model.input_shape_of(i), owned.params.data() + model.layers[i].param_offset,
               Initializer::glorot_uniform, 0.0F, 1, static_cast<std::uint32_t>(i));
  return owned;
}

Times forward(const std::string& name, const Threads* threads) {
  constexpr PlanOptions kOptions{.alignment = 64, .external_input = true};
  const tool::OwnedModel owned = network(name);
  Arrays arrays;
  const std::size_t bytes = *required_arena_bytes(owned.view(), kOptions);
  Session session = *Session::create(owned.view(), {arrays.bytes(bytes), bytes}, kOptions);
  session.set_input(arrays.floats(static_cast<std::size_t>(owned.view().input_shape().elements())));
  return take_turns(
      threads, [&](const Threads* lent) { session.set_threads(lent); }, [&] { session.run(); });
}

Times training(const std::string& name, const Optimizer& optimizer, std::uint32_t batch, const Threads* threads) {
  const TrainConfig config{.optimizer = optimizer, .batch = batch, .external_input = true, .alignment = 64};
  const tool::OwnedModel owned = network(name);
  Arrays arrays;
  const std::size_t bytes = *required_arena_bytes(owned.view(), config);
  Trainer trainer = *Trainer::create(owned.view(), config, {arrays.bytes(bytes), bytes});
  trainer.set_input(arrays.floats(batch * static_cast<std::size_t>(owned.view().input_shape().elements())));
  const auto classes = static_cast<std::int32_t>(trainer.output_shape().elements());
  return take_turns(
      threads, [&](const Threads* lent) { trainer.set_threads(lent); },
      [&] {
        std::int32_t label = 0;
        for (std::int32_t& l : trainer.labels()) l = label++ % classes;
        if (!trainer.step().ok()) throw std::runtime_error(name + ": the loss is not finite");
      });
}

}  // namespace
}  // namespace mote::bench

int main(int argc, char** argv) {
  using namespace mote;
  std::uint32_t count = 2;
  bool as_json = false;
  CLI::App app("Networks with one thread and with several, in turns");
  app.add_option("--threads", count, "threads in all")->check(CLI::Range(2, 256))->capture_default_str();
  app.add_flag("--json", as_json, "print JSON");
  CLI11_PARSE(app, argc, argv);
  const ThreadPool pool(count);
  nlohmann::ordered_json rows;
  const auto add = [&](const std::string& name, const bench::Times& times) {
    rows.push_back({{"row", name},
                    {"one_us", times.one * 1e6},
                    {"threads_us", times.several * 1e6},
                    {"speedup", times.one / times.several}});
    if (!as_json)
      fmt::print("{:<34} {:>9.1f} us {:>9.1f} us  x{:.2f}\n", name, times.one * 1e6, times.several * 1e6,
                 times.one / times.several);
  };
  if (!as_json)
    fmt::print("{:<34} {:>12} {:>12}\n", "kernels " + std::string(isa_name()), "1 thread",
               std::to_string(count) + " threads");
  for (const char* name : {"keywords", "persons", "resnet8", "anomaly"})
    add(std::string("forward ") + name, bench::forward(name, pool.threads()));
  add("training mlp, SGD, batch 32", bench::training("mlp", sgd(), 32, pool.threads()));
  add("training mlp, SGD, batch 1", bench::training("mlp", sgd(), 1, pool.threads()));
  add("training conv, SGD, batch 32", bench::training("conv", sgd(), 32, pool.threads()));
  add("training demo, Adam, batch 64", bench::training("demo", adam(), 64, pool.threads()));
  add("training resnet8, SGD, batch 32", bench::training("resnet8", sgd(), 32, pool.threads()));
  if (as_json) fmt::print("{}\n", rows.dump(2));
  return 0;
}
