// SPDX-License-Identifier: Apache-2.0
#include "tool/import/import.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mote/model/validate.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/file_kind.hpp"
#include "tool/import/lower.hpp"
#include "tool/import/samples.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/number.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 30) + 1;

bool begins_as_tflite(std::string_view start) { return start.size() >= 8 && start.substr(4, 4) == "TFL3"; }

/// Refusals of the same operator for the same reason are one line.
struct Line {
  Refusal refusal;
  std::vector<std::string> places;
};

std::string place_of(const Refusal& refusal) {
  if (!refusal.index) return {};
  return refusal.name.empty() ? std::to_string(*refusal.index) : fmt::format("{} \"{}\"", *refusal.index, refusal.name);
}

std::string text_of(const Line& line, bool with_remedy) {
  const Refusal& r = line.refusal;
  std::string out;
  if (!r.op.empty()) {
    constexpr std::size_t kMostPlaces = 5;
    std::string places;
    for (std::size_t i = 0; i < std::min(kMostPlaces, line.places.size()); ++i)
      places += (i == 0 ? "" : ", ") + line.places[i];
    if (line.places.size() > kMostPlaces) places += fmt::format(", … {} in all", line.places.size());
    out = fmt::format("{} (operator{} {}): ", r.op, line.places.size() == 1 ? "" : "s", places);
  }
  out += r.why;
  if (with_remedy && !r.remedy.empty()) out += "; " + r.remedy;
  return out;
}

/// What a person can do: of one reason that has a remedy, this. Of several, each has its own beside it, if any.
std::string remedy_of(const std::vector<Line>& lines) {
  const auto helped = [](const Line& line) { return !line.refusal.remedy.empty(); };
  if (lines.size() == 1 && helped(lines.front())) return lines.front().refusal.remedy;
  if (std::ranges::all_of(lines, helped)) return "do what each asks for, and import the model again";
  const bool operators =
      std::ranges::any_of(lines, [&](const Line& line) { return !helped(line) && !line.refusal.op.empty(); });
  if (!operators) return "change that where the model is made, and export it again";
  return lines.size() == 1 ? "put other operators in its place where the model is made, or cut the model there and "
                             "compute that part in your program"
                           : "put other operators in their places where the model is made, or cut the model there and "
                             "compute these parts in your program";
}

Error refused(const std::vector<Refusal>& refusals, const std::string& path) {
  std::vector<Line> lines;
  for (const Refusal& refusal : refusals) {
    const auto same = std::ranges::find_if(lines, [&](const Line& line) {
      return !refusal.op.empty() && line.refusal.op == refusal.op && line.refusal.why == refusal.why;
    });
    if (same == lines.end())
      lines.push_back({refusal, {place_of(refusal)}});
    else
      same->places.push_back(place_of(refusal));
  }
  constexpr std::size_t kMostLines = 40;
  std::string what = "unsupported: ";
  if (lines.size() == 1) {
    what += text_of(lines.front(), false);
  } else {
    what += fmt::format("{} reasons:", lines.size());
    for (std::size_t i = 0; i < std::min(kMostLines, lines.size()); ++i)
      what += fmt::format(" ({}) {}", i + 1, text_of(lines[i], true));
    if (lines.size() > kMostLines) what += fmt::format(" … and {} more", lines.size() - kMostLines);
  }
  return data_error(what, remedy_of(lines)).in(path);
}

std::vector<Refusal> as_refusals(const std::vector<NotLowered>& missing, const Network& network,
                                 const FileGraph& graph) {
  std::vector<Refusal> out;
  for (const NotLowered& one : missing) {
    const std::size_t origin = network.steps[one.step].origin;
    const bool operators = origin < graph.nodes.size() && network.steps[one.step].op != "input";
    out.push_back({operators ? graph.nodes[origin].op : network.steps[one.step].op,
                   operators ? graph.nodes[origin].name : "", origin, one.why, one.remedy});
  }
  return out;
}

/// For the model's description, with types as NumPy calls them.
std::vector<ArrayEnd> described(const std::vector<End>& ends) {
  std::vector<ArrayEnd> out;
  for (const End& end : ends) {
    ArrayEnd& made = out.emplace_back(ArrayEnd{end.name, name_of(end.type), {}});
    for (char& c : made.type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const std::int64_t dim : end.dims) made.shape.push_back(static_cast<std::uint64_t>(dim));
  }
  return out;
}

/// Whether samples meet in the file's network, of which it leaves open how many there are. Where it is not made for
/// several, they do not: the records take them one by one.
bool samples_meet(const FileModel& file, const Fixed& fixed) {
  constexpr std::int64_t kSamples = 7;
  const FileGraph& graph = file.graphs.front();
  const bool open = std::ranges::any_of(graph.inputs, [&](int i) {
    const FileTensor& input = graph.tensors[static_cast<std::size_t>(i)];
    return !input.dims.empty() && input.dims.front() == kOpen && !fixed.inputs.contains(input.name);
  });
  if (!open || fixed.batch != 1 || !fixed.arrays.empty()) return false;
  Fixed several = fixed;
  several.batch = kSamples;
  Tracer tracer(file, several);
  tracer.trace_for_samples();
  try {
    tracer.run();
  } catch (const Unsupported&) {
    return false;
  }
  return tracer.refusals().empty() && !keeps_samples_apart(tracer.network(), kSamples);
}

}  // namespace

bool is_foreign_model(std::string_view start, const std::string& path) {
  if (begins_as_tflite(start) || path.ends_with(".tflite") || path.ends_with(".onnx")) return true;
  const std::optional<ForeignKind> kind = foreign_kind(start, path);
  return kind && kind->what == "an ONNX model";
}

Imported import_model(const std::string& path, const Fixed& fixed) {
  const AlignedBytes bytes = read_file(path, kMostBytes);
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kKindBytes));
  const bool tflite = begins_as_tflite(start) || path.ends_with(".tflite");
  if (!begins_as_tflite(start))
    if (const std::optional<ForeignKind> kind = foreign_kind(start, path); kind && kind->what != "an ONNX model")
      throw data_error(fmt::format("not {}: this is {}", tflite ? "a TFLite model" : "an ONNX model", kind->what),
                       "give a .tflite or .onnx file")
          .in(path);
  const FileModel file = tflite ? read_tflite(bytes.span(), path) : read_onnx(bytes.span(), path);
  Tracer tracer(file, fixed);
  try {
    tracer.run();
  } catch (const Unsupported& reason) {
    throw refused({{"", "", {}, reason.why, reason.remedy}}, path);
  }
  if (!tracer.refusals().empty()) throw refused(tracer.refusals(), path);
  Imported out;
  std::vector<NotLowered> missing;
  out.model = lower(tracer.network(), missing);
  if (!missing.empty()) throw refused(as_refusals(missing, tracer.network(), file.graphs.front()), path);
  out.model.source = path;
  out.inputs = tracer.network().inputs;
  out.outputs = tracer.network().outputs;
  out.operators = file.graphs.front().nodes.size();
  // Nothing is scaled: the network wants what the file's input says.
  Description known;
  known.scale = 1.0F;
  known.scale_of = ScaleOf::any;
  known.samples_meet = samples_meet(file, fixed);
  known.model_inputs = described(out.inputs), known.model_outputs = described(out.outputs);
  known.classes = tracer.network().classes;
  if (!known.classes.empty()) known.label = NamedColumn{};
  out.model.description = known.json();
  if (const Status status = validate(out.model.view()); !status.ok())
    throw data_error(
        fmt::format("the imported network breaks a rule of the records: {} (layer {})", describe(status), status.layer),
        "this is a mistake of mote's; report it with the model")
        .in(path);
  out.model = with_exact_weights(std::move(out.model));
  return out;
}

std::map<std::string, Dims> parse_input_shapes(const std::string& text) {
  std::map<std::string, Dims> out;
  const std::string usage = "write --input-shape name=1,49,10,1 (of several: name=1,49,10,1,other=1,3)";
  Dims* dims = nullptr;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string piece = text.substr(at, end - at);
    at = end + 1;
    if (const std::size_t equals = piece.rfind('='); equals != std::string::npos) {
      const auto [entry, fresh] = out.try_emplace(piece.substr(0, equals));
      if (!fresh || equals == 0)
        throw usage_error(fmt::format("--input-shape: {} has no name of its own", in_quotes(piece)), usage);
      dims = &entry->second;
      piece.erase(0, equals + 1);
    }
    if (dims == nullptr) throw usage_error(fmt::format("--input-shape: {} has no name", in_quotes(piece)), usage);
    constexpr std::size_t kMostRank = 16;
    if (dims->size() == kMostRank) throw usage_error("--input-shape: more than 16 extents", usage);
    dims->push_back(static_cast<std::int64_t>(read_number(piece, Whole{1, 1U << 28}, "--input-shape")));
  }
  return out;
}

}  // namespace mote::tool::foreign
