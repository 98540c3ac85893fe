// SPDX-License-Identifier: Apache-2.0
#include "tool/commands/quantizing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "mote/run/session.hpp"
#include "tool/commands/compare.hpp"
#include "tool/data/description.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

/// Sample `sample` of an array into an input; integers that stand for real numbers are made of these.
template <class Runs>
void put_sample(Runs& runs, const Model& model, std::size_t input, const Array& array, std::uint64_t sample) {
  const Layer& layer = model.layers[model.input_layer(input)];
  const std::uint64_t elements = layer.shape.elements();
  const QuantizedRange range = range_of(layer.dtype);
  const auto put = [&]<class T>(Values<T> to) {
    for (std::uint64_t i = 0; i < elements; ++i) {
      if constexpr (std::is_same_v<T, float>) {
        to[i] = array.at<float>(sample * elements + i);
      } else {
        double value = array.at(sample * elements + i);
        if (quantized(layer.dtype) && is_real(array.element))
          value = std::round(value / static_cast<double>(layer.quantization.scale)) + layer.quantization.zero_point;
        to[i] = static_cast<T>(std::clamp(value, static_cast<double>(range.low), static_cast<double>(range.high)));
      }
    }
  };
  switch (layer.dtype) {
    case DType::s8: return put(runs.template input<std::int8_t>(input));
    case DType::u8:
    case DType::boolean: return put(runs.template input<std::uint8_t>(input));
    case DType::s16: return put(runs.template input<std::int16_t>(input));
    case DType::s32: return put(runs.template input<std::int32_t>(input));
    default: return put(runs.template input<float>(input));
  }
}

/// The float32 outputs of the first samples, one behind the other, and of int8 ones the real numbers.
std::vector<double> outputs_of(const OwnedModel& owned_model, const std::vector<Array>& inputs, std::uint64_t samples) {
  const Model model = owned_model.view();
  const PlanOptions options{.alignment = 64};
  AlignedBytes arena(plan_of(owned_model, options).arena_bytes());
  Result<Session> session = Session::create(model, arena.span(), options);
  if (!session.ok()) throw status_error(session.status(), owned_model);
  session->set_threads(lent_threads());
  std::vector<double> out;
  for (std::uint64_t sample = 0; sample < samples; ++sample) {
    session->reset_state();
    for (std::size_t i = 0; i < inputs.size(); ++i) put_sample(*session, model, i, inputs[i], sample);
    session->run();
    for (std::size_t i = 0; i < model.output_count(); ++i) {
      const Layer& layer = model.layers[model.output_layer(i)];
      if (layer.dtype == DType::f32)
        for (const float v : session->output<float>(i)) out.push_back(static_cast<double>(v));
      if (layer.dtype == DType::s8)
        for (const std::int8_t v : session->output<std::int8_t>(i))
          out.push_back((v - layer.quantization.zero_point) * static_cast<double>(layer.quantization.scale));
    }
  }
  return out;
}

}  // namespace

Array samples_array(const DataSet& data, std::span<const std::uint32_t> indices) {
  Array out;
  out.dims = {indices.size()};
  out.dims.insert(out.dims.end(), data.sample_dims().begin(), data.sample_dims().end());
  out.path = data.path();
  out.bytes.resize(indices.size() * data.features() * sizeof(float));
  std::vector<float> sample(data.features());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    data.copy_sample(indices[i], sample);
    std::memcpy(out.bytes.data() + i * data.features() * sizeof(float), sample.data(), sample.size() * sizeof(float));
  }
  return out;
}

OwnedQuantizer::OwnedQuantizer(const OwnedModel& model, const QuantizeConfig& config) : model_(model) {
  const Model view = model.view();
  AlignedBytes tables(plan_of(model, {.unjoined = true}).table_bytes + 64);
  const Result<std::size_t> bytes = required_arena_bytes(view, config, tables.span());
  if (!bytes.ok()) throw status_error(bytes.status(), model);
  arena_ = AlignedBytes(*bytes);
  const Result<Quantizer> made = Quantizer::create(view, arena_.span(), config);
  if (!made.ok()) throw status_error(made.status(), model);
  quantizer_ = *made;
  quantizer_.set_threads(lent_threads());
}

void OwnedQuantizer::observe(const std::vector<Array>& inputs, std::uint64_t samples,
                             const std::function<void(std::uint64_t)>& tick) {
  const Model view = model_.view();
  for (std::uint64_t sample = 0; sample < samples; ++sample) {
    quantizer_.reset_state();
    for (std::size_t i = 0; i < inputs.size(); ++i) put_sample(quantizer_, view, i, inputs[i], sample);
    if (const Status seen = quantizer_.observe(); !seen.ok()) {
      const bool given = view.layers[seen.layer].op == Op::input;
      throw data_error(fmt::format("sample {}: {} {} is infinite, not a number or beyond 10^30", sample,
                                   given ? "value" : layer_name(view, seen.layer) + " makes a value that", seen.detail),
                       given ? "repair the data or leave the sample out" : "keep that layer's part out of the model");
    }
    tick(sample + 1);
  }
}

OwnedModel OwnedQuantizer::opened(const AlignedBytes& file) const {
  const Result<Model> model = open_model(file.span());
  if (!model.ok()) throw status_error(model.status(), model_);
  OwnedModel out = owned(*model);
  out.source = model_.source, out.description = model_.description;
  return out;
}

OwnedModel OwnedQuantizer::fake_quantized(const QuantizedForm& form) {
  const Result<std::size_t> bytes = quantizer_.fake_quantized_bytes(form);
  if (!bytes.ok()) throw status_error(bytes.status(), model_);
  AlignedBytes file(*bytes);
  const Result<std::size_t> written = quantizer_.write_fake_quantized(file.span(), form);
  if (!written.ok()) throw status_error(written.status(), model_);
  return opened(file);
}

OwnedModel OwnedQuantizer::model(const QuantizedForm& form) {
  const Result<std::size_t> bytes = quantizer_.file_bytes(form);
  if (!bytes.ok()) throw status_error(bytes.status(), model_);
  AlignedBytes file(*bytes);
  const Result<std::size_t> written = quantizer_.write(file.span(), form);
  if (!written.ok()) throw status_error(written.status(), model_);
  OwnedModel out = opened(file);
  // Ends that are int8 now are so in what people give and get.
  std::optional<Description> known = read_description(out.description);
  const Model view = out.view();
  const auto says_int8 = [](const Layer& layer, ArrayEnd& end) {
    if (layer.dtype == DType::s8) end.type = "int8";
  };
  if (known) {
    for (std::size_t i = 0; i < std::min(known->model_inputs.size(), view.input_count()); ++i)
      says_int8(view.layers[view.input_layer(i)], known->model_inputs[i]);
    for (std::size_t i = 0; i < std::min(known->model_outputs.size(), view.output_count()); ++i)
      says_int8(view.layers[view.output_layer(i)], known->model_outputs[i]);
    out.description = known->json();
  }
  return out;
}

std::vector<QuantizedLayer> look_at_layers(OwnedQuantizer& quantizer, const OwnedModel& model,
                                           const OwnedModel& quantized, const QuantizedForm& form,
                                           const std::vector<Array>& inputs, std::uint64_t alone,
                                           const std::function<void(std::uint64_t)>& tick) {
  const Model real = model.view(), whole = quantized.view();
  std::vector<QuantizedLayer> out;
  std::vector<ValuePair> pairs;
  std::vector<QuantizedValue> values;
  for (std::size_t i = 0; i < real.layers.size(); ++i) values.push_back(quantizer->value(i));
  std::vector<std::size_t> before;  // layers whose values a clamp or a norm to come decides
  for (std::size_t i = 0; i < real.layers.size(); ++i) {
    const std::uint16_t record = quantizer->written_as(i);
    const Op op = real.layers[i].op;
    if (record == kNoLayer || real.layers[i].dtype != DType::f32) continue;
    if (op != Op::input && (is_source(op) || is_alias(op) || is_regularizer(op))) continue;
    if (values[i].holder > i) {
      before.push_back(i);
      continue;
    }
    QuantizedLayer& made = out.emplace_back();
    const auto comes_here = [&](std::size_t j) { return values[j].holder == i; };
    std::ranges::copy_if(before, std::back_inserter(made.layers), comes_here);
    std::erase_if(before, comes_here);
    made.layers.push_back(i);
    made.record = record;
    made.value = values[i];
    made.units = whole.layers[record].quantization;
    pairs.push_back({.a = i, .b = record, .name = {}});
  }
  if (out.empty()) return out;
  const Comparison compared = compare_pairs(model, quantized, inputs, pairs, 20.0);
  for (std::size_t k = 0; k < out.size(); ++k) out[k].signal_to_noise = compared.pairs[k].signal_to_noise;
  if (alone == 0) return out;
  const std::vector<double> wanted = outputs_of(model, inputs, alone);
  double sum = 0.0;
  for (std::size_t k = 0; k < out.size(); ++k) {
    QuantizedLayer& one = out[k];
    if (real.layers[one.layers.back()].op != Op::input) {
      std::vector<std::uint16_t> others;
      for (std::size_t i = 0; i < real.layers.size(); ++i)
        if (std::ranges::find(one.layers, i) == one.layers.end()) others.push_back(static_cast<std::uint16_t>(i));
      QuantizedForm only = form;
      only.keep = others;
      const std::vector<double> got = outputs_of(quantizer.model(only), inputs, alone);
      for (std::size_t i = 0; i < wanted.size(); ++i) one.output_error += (wanted[i] - got[i]) * (wanted[i] - got[i]);
      one.output_error /= static_cast<double>(std::max<std::size_t>(wanted.size(), 1));
      sum += one.output_error;
    }
    tick(k + 1);
  }
  for (QuantizedLayer& one : out) one.share = sum > 0.0 ? one.output_error / sum : 0.0;
  return out;
}

}  // namespace mote::tool
