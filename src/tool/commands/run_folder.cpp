// SPDX-License-Identifier: Apache-2.0
// See run_folder.hpp.
#include "tool/commands/run_folder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <vector>

#include "mote/run/session.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

std::string path_in(const std::string& folder, const char* what, std::size_t run, std::size_t index) {
  return (std::filesystem::path(folder) / fmt::format("{}{}_{}.npy", what, run, index)).string();
}

struct Named {
  const char* name;
  Element element;
};
constexpr Named kElements[]{{"bool", Element::boolean}, {"uint8", Element::u8},    {"int8", Element::s8},
                            {"uint16", Element::u16},   {"int16", Element::s16},   {"uint32", Element::u32},
                            {"int32", Element::s32},    {"uint64", Element::u64},  {"int64", Element::s64},
                            {"float32", Element::f32},  {"float64", Element::f64}, {"float16", Element::f32}};

/// One input or output: the layer's own type and shape, and those of the file.
struct Port {
  std::size_t layer = 0;
  DType dtype = DType::f32;
  std::size_t elements = 0;  // of a sample
  Element element = Element::f32;
  std::vector<std::uint64_t> dims;  // empty: samples first, then the layer's shape
};

Element file_element(DType type) {
  switch (type) {
    case DType::s8: return Element::s8;
    case DType::u8: return Element::u8;
    case DType::s16: return Element::s16;
    case DType::s32: return Element::s32;
    case DType::boolean: return Element::boolean;
    default: return Element::f32;
  }
}

Port port_of(const Model& model, std::size_t layer, const std::vector<ArrayEnd>& known, std::size_t index) {
  Port out;
  out.layer = layer;
  out.dtype = model.layers[layer].dtype;
  out.elements = static_cast<std::size_t>(model.layers[layer].shape.elements());
  out.element = file_element(out.dtype);
  if (index >= known.size()) return out;
  for (const Named& named : kElements)
    if (known[index].type == named.name) out.element = named.element;
  out.dims.assign(known[index].shape.begin(), known[index].shape.end());
  return out;
}

template <class T>
void store(const Array& from, Values<T> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    if constexpr (std::is_same_v<T, float>) {
      to[i] = from.at<float>(i);
    } else {
      const double value = from.at(i);
      if (!(value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max()) ||
          value != std::nearbyint(value))
        throw data_error(fmt::format("element {} is {}, and the model's input holds whole numbers from {} to {}", i,
                                     value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()),
                         "give the input as the model wants it")
            .in(from.path);
      to[i] = static_cast<T>(value);
    }
  }
}
void fill(Session& session, const Port& port, std::size_t index, const Array& from) {
  switch (port.dtype) {
    case DType::s8: return store(from, session.input<std::int8_t>(index));
    case DType::u8:
    case DType::boolean: return store(from, session.input<std::uint8_t>(index));
    case DType::s16: return store(from, session.input<std::int16_t>(index));
    case DType::s32: return store(from, session.input<std::int32_t>(index));
    default: return store(from, session.input<float>(index));
  }
}

template <class From, class To>
void convert(Values<From> from, std::vector<std::byte>& to) {
  to.resize(from.size() * sizeof(To));
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto value = static_cast<To>(from[i]);
    std::memcpy(to.data() + i * sizeof(To), &value, sizeof value);
  }
}
template <class From>
std::vector<std::byte> converted(Values<From> from, Element element) {
  std::vector<std::byte> to;
  switch (element) {
    case Element::boolean:
    case Element::u8: convert<From, std::uint8_t>(from, to); break;
    case Element::s8: convert<From, std::int8_t>(from, to); break;
    case Element::u16: convert<From, std::uint16_t>(from, to); break;
    case Element::s16: convert<From, std::int16_t>(from, to); break;
    case Element::u32: convert<From, std::uint32_t>(from, to); break;
    case Element::s32: convert<From, std::int32_t>(from, to); break;
    case Element::u64: convert<From, std::uint64_t>(from, to); break;
    case Element::s64: convert<From, std::int64_t>(from, to); break;
    case Element::f32: convert<From, float>(from, to); break;
    case Element::f64: convert<From, double>(from, to); break;
  }
  return to;
}
std::vector<std::byte> taken(Session& session, const Port& port, std::size_t index) {
  switch (port.dtype) {
    case DType::s8: return converted(session.output<std::int8_t>(index), port.element);
    case DType::u8:
    case DType::boolean: return converted(session.output<std::uint8_t>(index), port.element);
    case DType::s16: return converted(session.output<std::int16_t>(index), port.element);
    case DType::s32: return converted(session.output<std::int32_t>(index), port.element);
    default: return converted(session.output<float>(index), port.element);
  }
}

/// The file's shape, where it holds that many elements; else samples first.
std::vector<std::uint64_t> dims_of(const Model& model, const Port& port, std::uint64_t batch) {
  std::uint64_t count = 1;
  for (const std::uint64_t dim : port.dims) count *= dim;
  if (!port.dims.empty() && count == port.elements * batch) return port.dims;
  const Shape& s = model.layers[port.layer].shape;
  if (s.h == 1 && s.w == 1) return {batch, s.c};
  return {batch, s.h, s.w, s.c};
}

/// Samples of a run, by its first input; all inputs must agree.
std::uint32_t batch_of(const std::vector<Array>& arrays, const std::vector<Port>& ports) {
  std::uint64_t batch = 0;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::uint64_t count = arrays[i].count(), wanted = ports[i].elements;
    if (count == 0 || count % wanted != 0 || (batch != 0 && count / wanted != batch))
      throw data_error(fmt::format("{} has {} elements; input {} of the model takes {}{}", dims_text(arrays[i].dims),
                                   count, i, wanted, batch > 1 ? fmt::format(" for each of {} samples", batch) : ""),
                       "give arrays of the model's shapes")
          .in(arrays[i].path);
    batch = count / wanted;
  }
  if (batch > std::numeric_limits<std::uint32_t>::max())
    throw data_error("too many samples for one run", "give fewer").in(arrays.front().path);
  return static_cast<std::uint32_t>(batch);
}

}  // namespace

Json run_folder(const std::string& model_path, const FolderJob& job, std::string& text) {
  if (!std::filesystem::is_directory(job.inputs))
    throw usage_error(fmt::format("--inputs: {} is no folder", in_quotes(job.inputs)),
                      "name the folder with in0_0.npy and its like");
  const OwnedModel model = load_model(model_path);
  const Model view = model.view();
  const Description known = read_description(model.description).value_or(Description{});
  std::vector<Port> inputs, outputs;
  for (std::size_t i = 0; i < view.input_count(); ++i)
    inputs.push_back(port_of(view, view.input_layer(i), known.model_inputs, i));
  for (std::size_t i = 0; i < view.output_count(); ++i)
    outputs.push_back(port_of(view, view.output_layer(i), known.model_outputs, i));

  AlignedBytes arena;
  Result<Session> session = Status{Code::not_created};
  std::uint32_t batch = 0;
  std::size_t run = 0;
  for (; std::filesystem::exists(path_in(job.inputs, "in", run, 0)) || run == 0; ++run) {
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < inputs.size(); ++i) arrays.push_back(read_npy(path_in(job.inputs, "in", run, i)));
    const std::uint32_t samples = batch_of(arrays, inputs);
    if (samples != batch) {
      if (run > 0 && detail::has_state(view))
        throw data_error(fmt::format("run {} has {} samples, the runs before it {}", run, samples, batch),
                         "a model with states keeps one for each sample: give as many in every run")
            .in(arrays.front().path);
      batch = samples;
      const PlanOptions options{.batch = batch, .alignment = 64};
      arena = AlignedBytes(plan_of(model, options).arena_bytes());
      session = Session::create(view, arena.span(), options);
      if (!session.ok()) throw status_error(session.status(), model);
      session->set_threads(lent_threads());
    }
    if (job.reset) session->reset_state();
    for (std::size_t i = 0; i < inputs.size(); ++i) fill(*session, inputs[i], i, arrays[i]);
    session->run();
    std::filesystem::create_directories(job.outputs);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      write_npy(path_in(job.outputs, "out", run, i), outputs[i].element, dims_of(view, outputs[i], batch),
                taken(*session, outputs[i], i));
  }
  text = fmt::format("{} run{} of {} input{} from {} to {} output{} in {}, arena {} bytes, kernels {}\n", run,
                     run == 1 ? "" : "s", inputs.size(), inputs.size() == 1 ? "" : "s", job.inputs, outputs.size(),
                     outputs.size() == 1 ? "" : "s", job.outputs, grouped(session->plan().arena_bytes), session->isa());
  return {{"command", "run"},
          {"model", model_path},
          {"inputs", job.inputs},
          {"outputs", job.outputs},
          {"runs", run},
          {"samples", batch},
          {"arena_bytes", session->plan().arena_bytes},
          {"isa", session->isa()}};
}

}  // namespace mote::tool
