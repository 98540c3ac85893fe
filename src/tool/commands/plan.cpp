// SPDX-License-Identifier: Apache-2.0
// mote plan: the memory of a run or a training step before either, by kind, with its lower bound and alternatives.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <nlohmann/json.hpp>

#include "tool/commands/commands.hpp"
#include "tool/commands/trained_form.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct PlanJob {
  std::string model, svg;
  bool training = false, targets = false;
  std::uint32_t alignment = 16;
  TrainingArguments arguments;
};

struct Alternative {
  std::uint32_t micro_batch = 0;
  std::uint64_t arena_bytes = 0, lower_bound_bytes = 0, gradient_bytes = 0;
};

std::uint64_t total_of(const std::vector<KindBytes>& kinds, BufferKind kind) {
  for (const KindBytes& row : kinds)
    if (row.kind == name(kind)) return row.total;
  return 0;
}

TrainConfig config_for(const PlanJob& job, const OwnedModel& model, std::uint32_t micro_batch) {
  TrainConfig config = training_config(job.arguments);
  config.alignment = job.alignment;
  config.micro_batch = micro_batch;
  const Shape output = model.view().output_shape();
  const std::optional<Loss> wish = loss_called(job.arguments.loss);
  config.loss = wish                     ? *wish
                : job.targets            ? Loss::squared_error
                : output.elements() == 1 ? Loss::binary_cross_entropy
                                         : Loss::softmax_cross_entropy;
  if (job.targets) config.targets = Targets::values;
  const Status status = validate(model.view(), config);
  if (!status.ok()) throw status_error(status, model);
  return config;
}

/// Every way to cut the batch into slices, the whole batch first; but slices on which batch norm would learn nothing.
std::vector<Alternative> alternatives(const PlanJob& job, const OwnedModel& model) {
  std::vector<std::uint32_t> slices;
  const std::uint32_t batch = job.arguments.batch;
  if (std::ranges::any_of(model.layers, [](const Layer& l) { return stores_narrow_weights(l) && l.trainable(); }))
    return {};  // their gradient is not kept from slice to slice
  for (std::uint64_t d = 1; d * d <= batch; ++d) {
    if (batch % d != 0) continue;
    slices.push_back(static_cast<std::uint32_t>(d));
    if (d * d != batch) slices.push_back(static_cast<std::uint32_t>(batch / d));
  }
  std::sort(slices.rbegin(), slices.rend());
  std::vector<Alternative> out;
  for (const std::uint32_t slice : slices) {
    const PlanOptions options = plan_options(config_for(job, model, slice));
    if (plan_size(model.view(), options).status().code == Code::one_value_per_channel) continue;
    const OwnedPlan plan = plan_of(model, options);
    out.push_back({slice, plan.arena_bytes(), plan.plan.lower_bound_bytes,
                   total_of(bytes_by_kind(plan), BufferKind::param_gradient)});
  }
  return out;
}

std::string kinds_text(const std::vector<KindBytes>& kinds, const OwnedPlan& plan) {
  std::string out = fmt::format("{:<18} {:>8} {:>16} {:>16}\n", "kind", "buffers", "bytes in all", "live at peak");
  std::uint64_t live = 0;
  for (const KindBytes& row : kinds) {
    out += fmt::format("{:<18} {:>8} {:>16} {:>16}\n", row.kind, row.buffers, grouped(row.total), grouped(row.live));
    live += row.live;
  }
  out += fmt::format("{:<18} {:>8} {:>16} {:>16}\n", "sum", plan.buffers.size(), "", grouped(live));
  out += fmt::format(
      "\nbuffers     {:>14} bytes, {:.2f} % above the lower bound of {}\n", grouped(plan.plan.arena_bytes),
      plan.plan.lower_bound_bytes == 0
          ? 0.0
          : 100.0 *
                (static_cast<double>(plan.plan.arena_bytes) / static_cast<double>(plan.plan.lower_bound_bytes) - 1.0),
      grouped(plan.plan.lower_bound_bytes));
  out += fmt::format("plan tables {:>14} bytes ({} steps, {} buffers; none in a StaticSession or StaticTrainer)\n",
                     grouped(plan.table_bytes), plan.steps.size(), plan.buffers.size());
  out += fmt::format("arena       {:>14} bytes\n", grouped(plan.arena_bytes()));
  return out;
}

Json plan_json(const OwnedPlan& plan, const std::vector<KindBytes>& kinds) {
  Json by_kind = Json::object();
  for (const KindBytes& row : kinds)
    by_kind[row.kind] = {{"buffers", row.buffers}, {"total_bytes", row.total}, {"live_bytes_at_peak", row.live}};
  return {{"arena_bytes", plan.arena_bytes()},
          {"buffer_bytes", plan.plan.arena_bytes},
          {"plan_table_bytes", plan.table_bytes},
          {"lower_bound_bytes", plan.plan.lower_bound_bytes},
          {"steps", plan.steps.size()},
          {"buffers", plan.buffers.size()},
          {"by_kind", by_kind}};
}

/// Of parameters that are not trained.
std::uint64_t frozen_bytes(const OwnedModel& model) {
  std::uint64_t bytes = 0;
  for (const Layer& layer : model.layers) bytes += layer.trainable() ? 0 : layer.param_bytes;
  return bytes;
}

void plan_model(const PlanJob& job, const Context& context) {
  if (!job.svg.empty()) AtomicFile::claim(job.svg, FileKind::picture);
  const bool other_form = job.training && (job.arguments.weights == "int8" || !job.arguments.update.empty());
  OwnedModel model = model_from_argument(job.model, "MODEL", other_form ? Parameters::zero : Parameters::none).model;
  std::size_t whole_bytes = 0;
  if (other_form) {
    model = with_trainable_weights(std::move(model), !job.arguments.update.empty());
    whole_bytes = plan_of(model, plan_options(config_for(job, model, job.arguments.micro_batch))).arena_bytes();
    TrainedForm form(model, job.arguments);
    model = form.of(std::move(model), false, Initializer::zeros, 0.0F, 0);
  }
  PlanOptions options{.batch = job.arguments.batch, .alignment = job.alignment};
  if ((job.alignment & (job.alignment - 1)) != 0)
    throw usage_error(fmt::format("--alignment {} is not a power of two", job.alignment),
                      fmt::format("give for example {}", std::bit_ceil(job.alignment)));
  if (job.training) options = plan_options(config_for(job, model, job.arguments.micro_batch));
  const OwnedPlan plan = plan_of(model, options);
  const std::vector<KindBytes> kinds = bytes_by_kind(plan);
  const std::string what =
      job.training
          ? fmt::format("training step, {}, batch {}{}", job.arguments.optimizer, job.arguments.batch,
                        options.batch == job.arguments.batch ? "" : fmt::format(" in slices of {}", options.batch))
          : fmt::format("run, {} sample{}", options.batch, options.batch == 1 ? "" : "s");
  std::string text = fmt::format("{} of {}\n\n{}", what, model.source.empty() ? "the given network" : model.source,
                                 kinds_text(kinds, plan));
  Json json{{"command", "plan"}, {"training", job.training}, {"batch", job.arguments.batch}, {"slice", options.batch}};
  json.update(plan_json(plan, kinds));
  if (job.training) {
    const std::uint64_t frozen = frozen_bytes(model);
    text += fmt::format("frozen      {:>14} bytes of parameters, read where the model lies\n", grouped(frozen));
    json["frozen_bytes"] = frozen;
  }
  if (other_form) {
    text += fmt::format("all float32 {:>14} bytes of arena without --weights and --update\n", grouped(whole_bytes));
    json["weights"] = job.arguments.weights;
    json["update"] = job.arguments.update.empty() ? Json(nullptr) : Json(job.arguments.update);
    json["whole_float32_arena_bytes"] = whole_bytes;
  }
  if (job.training) {
    const std::vector<Alternative> rows = alternatives(job, model);
    if (!rows.empty())
      text += fmt::format(
          "\nThe batch of {} whole or in slices (micro-batches), each with all else unchanged:\n{:>12} {:>16} {:>16} "
          "{:>16}\n",
          job.arguments.batch, "micro-batch", "arena bytes", "lower bound", "gradients kept");
    json["alternatives"] = Json::array();
    for (const Alternative& row : rows) {
      text += fmt::format("{:>12} {:>16} {:>16} {:>16}{}\n", row.micro_batch, grouped(row.arena_bytes),
                          grouped(row.lower_bound_bytes), grouped(row.gradient_bytes),
                          row.micro_batch == options.batch ? "  <- this plan" : "");
      json["alternatives"].push_back({{"micro_batch", row.micro_batch},
                                      {"arena_bytes", row.arena_bytes},
                                      {"lower_bound_bytes", row.lower_bound_bytes},
                                      {"gradient_bytes", row.gradient_bytes}});
    }
  }
  if (!job.svg.empty()) {
    plot_arena(job.svg,
               arena_map(model, plan, fmt::format("Arena, {}: {} bytes", what, grouped(plan.plan.arena_bytes))));
    text += fmt::format("\npicture     {}\n", job.svg);
    json["svg"] = job.svg;
  }
  print_result(context, json, text);
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
  const auto job = std::make_shared<PlanJob>();
  job->arguments.batch = 1;
  Options& options =
      add_command(app, context, "plan", "Memory of a run or of a training step, known before either.", R"(EXAMPLES
  mote plan fashion.mote --svg arena.svg
  mote plan "input 784; dense 512; relu; dense 512; relu; dense 512; relu; dense 10" --train --batch 32 --optimizer sgd
  mote plan fashion.mote --train --batch 32 --micro-batch 4 --optimizer adam

  "bytes in all" adds up buffers that may share memory at different times; "live at peak" is the moment with most live
  bytes, and its sum is the lower bound: no placement of these buffers needs less.
)");
  options.text("MODEL", job->model, "FILE|TEXT", "model file, text file or text").required();
  options.flag("--train", job->training, "plan a training step instead of a run");
  options.flag("--real-targets", job->targets, "train with real targets, one an output, instead of labels")
      .only_with({{"--train", {}}});
  options.whole("--alignment", job->alignment, {4, 4096},
                "of every buffer, a power of two; 64 is fastest where vectors are wide", "BYTES");
  options.text("--svg", job->svg, "FILE", "draw the arena: offset against time");
  add_training(options, job->arguments, {{"--train", {}}});
  add_force(options, context, {{"--svg", {}}});
  options.run([job, &options, &context] {
    choose_optimizer(job->arguments, options.given("--optimizer"));
    plan_model(*job, context);
  });
}

}  // namespace mote::tool
