// SPDX-License-Identifier: Apache-2.0
// mote run: a model's outputs for an array of samples, written as .npy.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "mote/run/session.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct RunJob {
  std::string model, input, output;
  std::uint32_t batch = 1;
  std::optional<float> scale;
};

std::vector<std::uint64_t> output_dims(std::size_t samples, const Shape& shape) {
  if (shape.h == 1 && shape.w == 1) return {samples, shape.c};
  return {samples, shape.h, shape.w, shape.c};
}

Json run_model(const RunJob& job, const Context& context, std::string& text) {
  AtomicFile file(job.output, FileKind::array);
  const OwnedModel model = load_model(job.model);
  const DataSet data = DataSet::samples_from(job.input, job.scale);
  data.require_shape(model.view().input_shape());
  const PlanOptions options{.batch = job.batch, .alignment = 64};
  const OwnedPlan plan = plan_of(model, options);
  AlignedBytes arena(plan.arena_bytes());
  Result<Session> session = Session::create(model.view(), arena.span(), options);
  if (!session.ok()) throw status_error(session.status(), model);
  session->set_threads(lent_threads());
  const auto outputs = static_cast<std::size_t>(model.view().output_shape().elements());
  const std::size_t features = data.features();
  const std::vector<std::uint64_t> dims = output_dims(data.size(), model.view().output_shape());
  const std::string header = npy_header(Element::f32, dims);
  file.reserve(header.size() + std::uint64_t{data.size()} * outputs * sizeof(float));
  file.write(header);
  Progress progress(Progress::style_for(context.json));
  progress.start("samples", data.size());
  double seconds = 0.0;
  for (std::size_t first = 0; first < data.size(); first += job.batch) {
    const std::size_t count = std::min<std::size_t>(job.batch, data.size() - first);
    const std::span<float> input = session->input<float>();
    for (std::size_t i = 0; i < count; ++i) data.copy_sample(first + i, input.subspan(i * features, features));
    std::fill(input.begin() + static_cast<std::ptrdiff_t>(count * features), input.end(), 0.0F);
    const auto begin = std::chrono::steady_clock::now();
    session->run();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    file.write(std::as_bytes(std::span<const float>(session->output<float>()).first(count * outputs)));
    progress.update(first + count, [] { return std::string(); });
  }
  progress.clear();
  file.commit();
  const double microseconds = seconds * 1e6 / static_cast<double>(data.size());
  text = fmt::format("{} samples of {} to {} ({}), {:.1f} microseconds a sample, arena {} bytes, kernels {}\n",
                     data.size(), job.input, job.output, dims_text(dims), microseconds, grouped(plan.arena_bytes()),
                     session->isa());
  return {{"command", "run"},
          {"model", job.model},
          {"input", job.input},
          {"output", job.output},
          {"samples", data.size()},
          {"output_shape", dims},
          {"batch", job.batch},
          {"scale", data.scale()},
          {"arena_bytes", plan.arena_bytes()},
          {"microseconds_per_sample", microseconds},
          {"isa", session->isa()}};
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  const auto job = std::make_shared<RunJob>();
  Options& options = add_command(app, context, "run", "Runs a model over an array of samples.", R"(EXAMPLES
  mote run fashion.mote --input x.npy --output y.npy --batch 32

  x.npy: samples first, then the model's input shape or a flat row; float or integer. Unsigned bytes are multiplied by
  1/255, as in training; --scale sets another factor.
  y.npy: float32, samples x outputs, or samples x height x width x channels.
)");
  options.text("MODEL", job->model, "FILE", "model file").required();
  options.text("--input", job->input, "FILE", "samples: .npy, .npz, IDX or .csv").required();
  options.text("--output", job->output, "FILE", ".npy file to write").required();
  options.whole("--batch", job->batch, {1, 1'000'000'000}, "samples per run");
  options.real("--scale", job->scale, {.not_zero = true}, "factor for every sample value", "FACTOR");
  add_force(options, context);
  options.run([job, &context] {
    std::string text;
    const Json json = run_model(*job, context, text);
    print_result(context, json, text);
  });
}

}  // namespace mote::tool
