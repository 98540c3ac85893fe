// SPDX-License-Identifier: Apache-2.0
// See run_arrays.hpp.
#include "tool/commands/run_arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <vector>

#include "mote/run/session.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_source.hpp"
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
                            {"float32", Element::f32},  {"float64", Element::f64}, {"float16", Element::f16}};

/// One input or output: the layer's own type and shape, and those of the file.
struct Port {
  std::size_t layer = 0;
  DType dtype = DType::f32;
  std::size_t elements = 0;  // of a sample
  Element element = Element::f32;
  std::optional<std::vector<std::uint64_t>> dims;  // else samples first, then the layer's shape
  std::string name;
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
  out.name = name(model, layer);
  if (index >= known.size()) return out;
  out.name = known[index].name;
  for (const Named& named : kElements)
    if (known[index].type == named.name) out.element = named.element;
  out.dims.emplace(known[index].shape.begin(), known[index].shape.end());
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

struct Half {
  std::uint16_t bits = 0;
};

template <class From, class To>
void convert(Values<From> from, std::vector<std::byte>& to) {
  to.resize(from.size() * sizeof(To));
  for (std::size_t i = 0; i < from.size(); ++i) {
    To value{};
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
      // Whole numbers that were computed as float32.
      const double whole = std::nearbyint(static_cast<double>(from[i]));
      constexpr auto kLeast = static_cast<double>(std::numeric_limits<To>::min()),
                     kMost = static_cast<double>(std::numeric_limits<To>::max());
      value = !(whole > kLeast) ? std::numeric_limits<To>::min()
              : whole >= kMost  ? std::numeric_limits<To>::max()
                                : static_cast<To>(whole);
    } else {
      if constexpr (std::is_same_v<To, Half>)
        value.bits = detail::half_bits(static_cast<float>(from[i]));
      else
        value = static_cast<To>(from[i]);
    }
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
    case Element::f16: convert<From, Half>(from, to); break;
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
  if (port.dims) {
    std::uint64_t count = 1;
    for (const std::uint64_t dim : *port.dims) count *= dim;
    if (count == port.elements * batch) return *port.dims;
  }
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

/// A model and its session, made for as many samples as the arrays of a run hold.
class ArrayRunner {
 public:
  /// `first`: shapes of the first run's arrays; what a file of another format leaves open are these.
  ArrayRunner(const std::string& path, const ArrayShapes& first) : model_(load_model(path, first)) {
    const Model view = model_.view();
    const Description known = read_description(model_.description).value_or(Description{});
    for (std::size_t i = 0; i < view.input_count(); ++i)
      inputs.push_back(port_of(view, view.input_layer(i), known.model_inputs, i));
    for (std::size_t i = 0; i < view.output_count(); ++i)
      outputs.push_back(port_of(view, view.output_layer(i), known.model_outputs, i));
  }

  void run(const std::vector<Array>& arrays, std::size_t run) {
    const std::uint32_t samples = batch_of(arrays, inputs);
    require_one_by_one(model_, samples, arrays.front().path);
    if (samples != batch) {
      if (run > 0 && detail::has_state(model_.view()))
        throw data_error(fmt::format("run {} has {} samples, the runs before it {}", run, samples, batch),
                         "a model with states keeps one for each sample: give as many in every run")
            .in(arrays.front().path);
      batch = samples;
      const PlanOptions options{.batch = batch, .alignment = 64};
      arena_ = AlignedBytes(plan_of(model_, options).arena_bytes());
      session = Session::create(model_.view(), arena_.span(), options);
      if (!session.ok()) throw status_error(session.status(), model_);
      session->set_threads(lent_threads());
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) fill(*session, inputs[i], i, arrays[i]);
    session->run();
  }
  void write(std::size_t output, const std::string& path) {
    write_npy(path, outputs[output].element, dims_of(model_.view(), outputs[output], batch),
              taken(*session, outputs[output], output));
  }

  std::vector<Port> inputs, outputs;
  Result<Session> session = Status{Code::not_created};
  std::uint32_t batch = 0;

 private:
  OwnedModel model_;
  AlignedBytes arena_;
};

std::string counted(std::size_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

/// The names of a model's ports, for a remedy: "0 (left), 1 (right)".
std::string names_of(const std::vector<Port>& ports) {
  constexpr std::size_t kMost = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(kMost, ports.size()); ++i)
    out +=
        fmt::format("{}{}{}", i == 0 ? "" : ", ", i, ports[i].name.empty() ? "" : fmt::format(" ({})", ports[i].name));
  return out + (ports.size() > kMost ? " …" : "");
}

/// Which of the ports is called so: by name, else by number.
std::size_t port_called(const std::string& called, const std::vector<Port>& ports, const char* what) {
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (!ports[i].name.empty() && ports[i].name == called) return i;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(called.data(), called.data() + called.size(), number);
  if (error == std::errc{} && end == called.data() + called.size() && number < ports.size()) return number;
  throw usage_error(fmt::format("the model has no {} {}", what, in_quotes(called)),
                    fmt::format("its {}s are {}", what, names_of(ports)));
}

}  // namespace

Json run_folder(const std::string& model_path, const FolderJob& job, std::string& text) {
  if (!std::filesystem::is_directory(job.inputs))
    throw usage_error(fmt::format("--inputs: {} is no folder", in_quotes(job.inputs)),
                      "name the folder with in0_0.npy and its like");
  ArrayShapes first;
  for (std::size_t i = 0; i == 0 || std::filesystem::exists(path_in(job.inputs, "in", 0, i)); ++i)
    first[std::to_string(i)] = read_npy(path_in(job.inputs, "in", 0, i)).dims;
  ArrayRunner runner(model_path, first);
  std::size_t run = 0;
  for (; std::filesystem::exists(path_in(job.inputs, "in", run, 0)); ++run) {
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < runner.inputs.size(); ++i)
      arrays.push_back(read_npy(path_in(job.inputs, "in", run, i)));
    if (job.reset && run > 0) runner.session->reset_state();
    runner.run(arrays, run);
    std::filesystem::create_directories(job.outputs);
    for (std::size_t i = 0; i < runner.outputs.size(); ++i) runner.write(i, path_in(job.outputs, "out", run, i));
  }
  const std::size_t arena = runner.session->plan().arena_bytes;
  text = fmt::format("{} of {} from {} to {} in {}, arena {} bytes, kernels {}\n", counted(run, "run"),
                     counted(runner.inputs.size(), "input"), job.inputs, counted(runner.outputs.size(), "output"),
                     job.outputs, grouped(arena), runner.session->isa());
  return {{"command", "run"}, {"model", model_path},     {"inputs", job.inputs}, {"outputs", job.outputs},
          {"runs", run},      {"samples", runner.batch}, {"arena_bytes", arena}, {"isa", runner.session->isa()}};
}

PortFile port_file(const std::string& value) {
  const std::size_t equals = value.find('=');
  std::error_code ignored;
  if (equals == std::string::npos || equals == 0 || std::filesystem::exists(value, ignored)) return {"", value};
  return {value.substr(0, equals), value.substr(equals + 1)};
}

Json run_named(const std::string& model_path, const std::vector<PortFile>& inputs, const std::vector<PortFile>& outputs,
               std::string& text) {
  std::vector<Array> given, ordered;
  ArrayShapes shapes;
  for (const PortFile& input : inputs) {
    given.push_back(read_npy(input.path));
    shapes[input.port] = given.back().dims;
  }
  ArrayRunner runner(model_path, shapes);
  std::vector<std::size_t> places;
  for (const PortFile& input : inputs) places.push_back(port_called(input.port, runner.inputs, "input"));
  for (std::size_t i = 0; i < runner.inputs.size(); ++i) {
    const auto hits = std::count(places.begin(), places.end(), i);
    if (hits != 1)
      throw usage_error(fmt::format("input {} ({}) is given {}", i, runner.inputs[i].name,
                                    hits == 0 ? "not at all" : "more than once"),
                        fmt::format("give each once: {}", names_of(runner.inputs)));
    ordered.push_back(given[static_cast<std::size_t>(std::find(places.begin(), places.end(), i) - places.begin())]);
  }
  std::vector<std::size_t> to;
  for (const PortFile& output : outputs) {
    if (output.port.empty() && runner.outputs.size() != 1)
      throw usage_error(fmt::format("the model has {} outputs, and {} is for none by name", runner.outputs.size(),
                                    in_quotes(output.path)),
                        fmt::format("write --output NAME=FILE; its outputs are {}", names_of(runner.outputs)));
    to.push_back(output.port.empty() ? 0 : port_called(output.port, runner.outputs, "output"));
  }
  runner.run(ordered, 0);
  Json written = Json::object();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    runner.write(to[i], outputs[i].path);
    written[runner.outputs[to[i]].name.empty() ? std::to_string(to[i]) : runner.outputs[to[i]].name] = outputs[i].path;
    text += fmt::format("output {} ({}) to {}\n", to[i], runner.outputs[to[i]].name, outputs[i].path);
  }
  const std::size_t arena = runner.session->plan().arena_bytes;
  text += fmt::format("arena {} bytes, kernels {}\n", grouped(arena), runner.session->isa());
  return {{"command", "run"},        {"model", model_path},  {"outputs", written},
          {"samples", runner.batch}, {"arena_bytes", arena}, {"isa", runner.session->isa()}};
}

}  // namespace mote::tool
