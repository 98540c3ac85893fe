// SPDX-License-Identifier: Apache-2.0
// What form each value has, and the records that follow from that.
#include "quantize/form.hpp"

#include <algorithm>
#include <cstring>

#include "model/model_file.hpp"
#include "mote/model/int8_units.hpp"
#include "mote/port.hpp"
#include "quantize/rules.hpp"
#include "quantize/weights.hpp"

namespace mote::detail {
namespace {

bool is_real(const Layer& layer) { return layer.dtype == DType::f32; }

RealRange range_of_values(const float* values, std::uint64_t count) {
  RealRange out;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!finite(values[i])) continue;
    out.low = std::min(out.low, values[i]), out.high = std::max(out.high, values[i]);
  }
  return out;
}

std::int8_t int8_of(float value, const Quantization& units) {
  return static_cast<std::int8_t>(quantize_value(value, units, {}));
}

/// Applies an activation's own float32 kernel to 256 values.
void apply(const Layer& function, std::array<float, kTableBytes>& values) {
  std::array<Layer, 2> layers{};
  layers[0].shape = {1, 1, kTableBytes};
  layers[1] = function;
  layers[1].dtype = DType::f32, layers[1].param_dtype = DType::none, layers[1].quantization = {};
  layers[1].input_count = 1, layers[1].inputs = {}, layers[1].shape = layers[0].shape;
  layers[1].param_offset = layers[1].param_bytes = 0;
  Model model;
  model.layers = layers;
  std::array<Step, 2> steps{};
  std::array<Buffer, 4> buffers{};
  const Result<Plan> plan = make_plan(model, {}, steps, buffers);
  alignas(16) std::array<std::byte, 2 * sizeof(values) + 64> arena{};
  if (!plan.ok() || plan->arena_bytes > arena.size()) panic("a table's activation does not fit its memory");
  Memory memory;
  memory.arena = arena.data();
  std::memcpy(memory.arena + plan->buffers[plan->input].offset, values.data(), sizeof(values));
  for (const Step& step : plan->steps) run_forward_step(Binding(model, *plan, step, memory));
  std::memcpy(values.data(), memory.arena + plan->buffers[plan->output].offset, sizeof(values));
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- decisions

/// The layer's part in a folded batch norm is done by the layer before it.
bool FormMaker::folded(std::size_t i) const {
  if (layers_[i].op != Op::batch_norm) return false;
  const LayerNote& source = notes_[model_.operand(i)];
  return source.norm == i && source.is_whole;
}

/// The form in which a layer takes the operands that are float32.
FormMaker::Form FormMaker::wanted(std::size_t reader) const {
  if (folded(reader)) return Form::whole;
  if (gives_range(layers_[reader].op)) return notes_[model_.operand(reader)].is_whole ? Form::whole : Form::real;
  return notes_[reader].is_whole ? Form::whole : Form::real;
}

/// From the last layer on: which values all their readers take as int8, so that what only moves them moves int8.
void FormMaker::find_wishes() {
  for (std::size_t i = 0; i < layers_.size(); ++i) notes_[i].wanted_whole = true;
  LayerSet read{};
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    LayerNote& note = notes_[i];
    if (!contains(read, i)) note.wanted_whole = form_.integer_outputs && !is_valueless(layer.op);
    if (layer.op == Op::output) note.wanted_whole = note.wanted_whole && form_.integer_outputs;
    const bool passes = (passes_values(layer.op) || gives_range(layer.op)) && !note.both;
    const bool takes = note.is_whole || (passes && note.wanted_whole);
    for (std::size_t k = 0; k < layer.input_count; ++k) {
      const std::size_t operand = model_.operand(i, k);
      insert(read, operand);
      notes_[operand].wanted_whole = notes_[operand].wanted_whole && takes;
    }
  }
}

/// `kept`: layers that stay float32. note.is_whole: int8 is what the layer makes.
void FormMaker::find_forms(const LayerSet& kept) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerNote& note = notes_[i];
    note.both = contains(kept, i);  // until conversions are looked for
    note.is_whole = !note.both && may_compute(model_, i) && (note.norm == kNoLayer || !contains(kept, note.norm));
  }
  // A norm goes with its layer.
  for (std::size_t i = 0; i < layers_.size(); ++i)
    if (notes_[i].norm != kNoLayer) notes_[notes_[i].norm].is_whole = notes_[i].is_whole;
  find_wishes();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    LayerNote& note = notes_[i];
    if ((layer.op == Op::input || layer.op == Op::constant) && is_real(layer))
      note.is_whole = !note.both && note.wanted_whole;
    if (gives_range(layer.op)) note.is_whole = !note.both && (notes_[model_.operand(i)].is_whole || note.wanted_whole);
    const bool points = (layer.op == Op::argmax || layer.op == Op::argmin) && is_real(layers_[model_.operand(i)]);
    if (note.both || !((passes_values(layer.op) && is_real(layer)) || points)) continue;
    if (layer.op == Op::output && !form_.integer_outputs) continue;
    for (std::size_t k = first_value(layer.op); k < value_count(layer); ++k)
      note.is_whole = note.is_whole || notes_[model_.operand(i, k)].is_whole;
  }
}

/// Which values are wanted in the other form too, and sources in which at all.
void FormMaker::find_conversions() {
  LayerSet real{}, whole{};
  bool outputs = false;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    outputs = outputs || layers_[i].op == Op::output;
    for (std::size_t k = 0; k < layers_[i].input_count; ++k)
      insert(wanted(i) == Form::whole ? whole : real, model_.operand(i, k));
  }
  const std::size_t last = layers_.size() - 1;
  if (!outputs && !form_.integer_outputs) insert(real, last);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerNote& note = notes_[i];
    const Op op = layers_[i].op;
    if (is_real(layers_[i]) && (op == Op::input || op == Op::constant)) note.is_whole = contains(whole, i);
    const bool real_input = op == Op::input && !form_.integer_inputs;
    note.both = is_real(layers_[i]) && (note.is_whole ? contains(real, i) || real_input : contains(whole, i));
  }
}

/// Whether the units of value `i` are free for its only reader to choose, up to where it is made.
bool FormMaker::takes_units(std::size_t i) const {
  for (;;) {
    const Layer& layer = layers_[i];
    if (gives_range(layer.op)) return false;
    if (notes_[i].reader == kNoLayer || fixed_units(layer.op).scale != 0.0F) return false;
    if (!notes_[i].is_whole) return notes_[i].holder == i;
    const bool clamp = clamps(layer.op) && notes_[model_.operand(i)].holder == notes_[i].holder;
    if (!clamp && !keeps_units(layer.op)) return true;
    if (!clamp && !commutes_with_clamps(layer.op)) return false;  // what it is made of may need a wider range
    i = model_.operand(i);
  }
}

/// Operands of layers that share units are made in these where nothing else reads them; others are requantised.
void FormMaker::join_units() {
  for (LayerNote& note : notes_) note.joined = kNoLayer;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    if (!shares_units(layer.op) || !notes_[i].is_whole) continue;
    for (std::size_t k = first_value(layer.op); k < layer.input_count; ++k) {
      const std::size_t operand = model_.operand(i, k);
      if (takes_units(operand) && root(operand) != root(i)) notes_[root(operand)].joined = notes_[i].holder;
    }
  }
}

/// The layer whose units value `i` has.
std::size_t FormMaker::root(std::size_t i) const {
  std::size_t holder = notes_[i].holder;
  while (notes_[holder].joined != kNoLayer) holder = notes_[holder].joined;
  return holder;
}

Quantization FormMaker::units_of(std::size_t i) const {
  const std::size_t holder = root(i);
  const Layer& layer = layers_[holder];
  if (const Quantization fixed = fixed_units(layer.op); fixed.scale != 0.0F) return fixed;
  if (layer.op == Op::constant)
    return int8_units(
        range_of_values(reinterpret_cast<const float*>(layer_params(model_, holder)), layer.shape.elements()));
  return int8_units(notes_[holder].range);
}

/// Whether layer `i`, a clamp, only narrows the range of its operand's units.
bool FormMaker::narrows(std::size_t i) const { return clamps(layers_[i].op) && root(model_.operand(i)) == root(i); }

/// Whether int8 is made of value `i` with units that nobody knows.
bool FormMaker::unknown(std::size_t i) const {
  return (notes_[i].is_whole || notes_[i].both) && is_real(layers_[i]) && notes_[root(i)].observed;
}

/// Adds what makes or wants such values. False: there are none.
bool FormMaker::keep_unknown(LayerSet& kept) const {
  bool found = false;
  const auto keep = [&](std::size_t i) {
    found = found || !contains(kept, i);
    insert(kept, i);
  };
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (!unknown(i)) continue;
    if (notes_[i].is_whole) keep(i);
    for (std::size_t j = i + 1; j < layers_.size(); ++j)
      for (std::size_t k = 0; k < layers_[j].input_count && !notes_[i].is_whole; ++k)
        if (model_.operand(j, k) == i && wanted(j) == Form::whole) keep(j);
  }
  return found;
}

bool FormMaker::says_ranges() const {
  return std::ranges::any_of(layers_, [](const Layer& layer) { return gives_range(layer.op); });
}

Status FormMaker::decide(bool sampled) {
  LayerSet kept{};
  for (const std::uint16_t layer : form_.keep) {
    if (layer >= layers_.size()) return {Code::bad_input_index, kNoLayer, layer};
    insert(kept, layer);
  }
  for (std::size_t i = 0; i < layers_.size() && says_ranges(); ++i) {
    const bool rounds = rounds_weights(layers_[i]) || layers_[i].param_dtype != DType::f32;
    if (may_round_weights(layers_[i].op) && !rounds) insert(kept, i);
  }
  do {
    find_forms(kept);
    find_conversions();
    join_units();
  } while (!sampled && says_ranges() && keep_unknown(kept));
  return {};
}

// ------------------------------------------------------------------------------------------------------ records

std::byte* FormMaker::append(Layer layer, std::uint64_t bytes, std::size_t named) {
  layer.param_offset = 0, layer.param_bytes = static_cast<std::uint32_t>(bytes);
  if (bytes != 0) {
    param_bytes_ = align_up(param_bytes_, kAlignment);
    layer.param_offset = static_cast<std::uint32_t>(param_bytes_);
    param_bytes_ += static_cast<std::size_t>(bytes);
  }
  const std::string_view given = named == kNobody ? std::string_view{} : name(model_, named);
  if (records_ != nullptr) {
    records_[record_count_] = layer;
    if (!model_.names.empty()) *std::copy(given.begin(), given.end(), names_ + name_bytes_) = '\0';
  }
  if (!model_.names.empty()) name_bytes_ += given.size() + 1;
  ++record_count_;
  return records_ != nullptr && bytes != 0 ? params_ + layer.param_offset : nullptr;
}

/// One without parameters.
std::uint16_t FormMaker::add(const Layer& layer, std::size_t like, std::size_t named) {
  return add(layer, like, named, [](const Layer&, std::byte*) { return Status{}; });
}

std::uint16_t FormMaker::conversion(Op op, std::size_t i, std::uint16_t from, const Quantization& units,
                                    std::size_t named) {
  Layer made;
  made.op = op;
  made.shape = layers_[i].shape;
  made.input_count = 1, made.inputs[0] = from;
  if (op != Op::dequantize) made.dtype = DType::s8, made.quantization = units;
  if (op != Op::requantize) return add(made, i, named);
  made.param_dtype = DType::s32;
  return add(made, i, named, [&](const Layer& layer, std::byte* params) {
    return put_multipliers(layer, record(from), record(from), params), Status{};
  });
}

/// Operands of layer `i` as records of the form; those of layers that share units are in these.
void FormMaker::emit_operands(std::size_t i, Form form, Layer& made) {
  const Layer& layer = layers_[i];
  std::array<std::uint16_t, kMaxInputs> few{};
  for (std::size_t k = 0; k < layer.input_count; ++k) {
    const std::size_t operand = model_.operand(i, k);
    const bool whole = form == Form::whole && is_real(layers_[operand]);
    std::uint16_t at = whole ? notes_[operand].whole : notes_[operand].real;
    if (whole && kind_ == Kind::int8 && shares_units(layer.op) && root(operand) != root(i))
      at = conversion(Op::requantize, operand, at, units_of(i), kNobody);
    if (layer.input_count <= kMaxInputs)
      few[k] = at;
    else if (operands_ != nullptr)
      operands_[layer.inputs[0] + k] = at;
  }
  if (layer.input_count <= kMaxInputs) made.inputs = few;
}

std::uint16_t FormMaker::copy(std::size_t i) {
  Layer made = layers_[i];
  made.flags &= static_cast<std::uint8_t>(~Layer::kRoundedWeights);
  emit_operands(i, Form::real, made);
  const std::size_t like = made.input_count == 0 ? kNobody : model_.operand(i);
  return add(made, like, i, [&](const Layer& layer, std::byte* params) {
    return std::memcpy(params, layer_params(model_, i), layer.param_bytes), Status{};
  });
}

std::uint16_t FormMaker::constant(std::size_t i, std::size_t named) {
  Layer made = layers_[i];
  made.dtype = made.param_dtype = DType::s8;
  made.quantization = units_of(i);
  return add(made, kNobody, named, [&](const Layer& layer, std::byte* params) {
    const auto* const values = reinterpret_cast<const float*>(layer_params(model_, i));
    for (std::uint32_t k = 0; k < layer.param_bytes; ++k)
      params[k] = static_cast<std::byte>(int8_of(values[k], layer.quantization));
    return Status{};
  });
}

std::uint16_t FormMaker::product(std::size_t i, Layer made) {
  std::size_t norm = notes_[i].norm;
  made.param_dtype = DType::s8;
  if (made.op == Op::batch_norm) {
    norm = i;
    made.op = Op::depthwise_conv2d;
    made.filter_h = made.filter_w = made.stride_h = made.stride_w = made.dilation_h = made.dilation_w = 1;
    made.depth_multiplier = 1;
    made.alpha = made.beta = 0.0F;
  }
  // An operand's zero point is in the bias.
  made.flags = made.op != Op::conv2d_transpose || layers_[i].has_bias() ? Layer::kHasBias : 0;
  return add(made, model_.operand(i), i, [&](const Layer& layer, std::byte* params) {
    const Layer& in = record(layer.inputs[0]);
    return put_products(layer, in, QuantizedWeights(model_, i, norm, in, layer, notes_[i].means), params);
  });
}

std::uint16_t FormMaker::table(std::size_t i, Layer made) {
  made.param_dtype = DType::s8;
  return add(made, model_.operand(i), i, [&](const Layer& layer, std::byte* params) {
    const Quantization in = record(layer.inputs[0]).quantization;
    LookupTable table{};
    if (!own_table(layer, in, table)) {
      std::array<float, kTableBytes> values;
      for (std::int32_t x = -128; x <= 127; ++x)
        values[static_cast<std::size_t>(x + 128)] = in.scale * static_cast<float>(x - in.zero_point);
      apply(layer, values);
      const float* next = values.data();  // which are asked for in their order
      table = function_table(in, layer.quantization, [&](float) { return *next++; });
    }
    return std::memcpy(params, table.data(), table.size()), Status{};
  });
}

std::uint16_t FormMaker::on_int8(std::size_t i) {
  const Layer& layer = layers_[i];
  if (layer.op == Op::constant) return constant(i, i);
  Layer made = layer;
  made.flags = 0;
  made.param_dtype = DType::none;
  if (is_real(layer)) made.dtype = DType::s8, made.quantization = units_of(i);
  emit_operands(i, Form::whole, made);
  if (layer.op == Op::batch_norm || applies_weights(layer.op)) return product(i, made);
  if (is_regularizer(layer.op)) made.op = Op::identity, made.alpha = 0.0F;
  const auto rule = static_cast<PadRule>(layer.args[2]);
  if (layer.op == Op::pad && rule == PadRule::constant)
    made.alpha = static_cast<float>(int8_of(layer.alpha, made.quantization));
  const std::size_t like = model_.operand(i, first_value(layer.op));
  if (passes_values(layer.op) || narrows(i)) return add(made, like, i);
  if (is_activation(layer.op) || is_unary(layer.op)) return table(i, made);
  if (multiplier_count(made) == 0) return add(made, like, i);
  made.param_dtype = DType::s32;
  return add(made, like, i, [&](const Layer& one, std::byte* params) {
    put_multipliers(one, record(one.inputs[0]), record(one.inputs[one.input_count - 1U]), params);
    return Status{};
  });
}

/// What says a range is no layer: the value before it, in these units. Which records there are must not depend on what
/// is learned; units that an operator has always may be said again.
void FormMaker::emit_given_range(std::size_t i) {
  LayerNote& note = notes_[i];
  const std::size_t operand = model_.operand(i);
  const LayerNote& source = notes_[operand];
  note.whole = note.real = source.is_whole ? source.whole : source.real;
  if (!note.is_whole) return;
  const Quantization units = units_of(i);
  if (!source.is_whole)
    note.whole = conversion(Op::quantize, operand, source.real, units, kNobody);
  else if (root(operand) != root(i) && !(fixed_units(layers_[root(operand)].op) == units))
    note.whole = conversion(Op::requantize, operand, source.whole, units, kNobody);
  note.real = note.whole;
  if (note.both) note.real = conversion(Op::dequantize, i, note.whole, {}, i + 1 == layers_.size() ? i : kNobody);
}

void FormMaker::emit_layer(std::size_t i) {
  const Layer& layer = layers_[i];
  if (kind_ == Kind::fake_quantized) return emit_rounded(i);
  if (gives_range(layer.op)) return emit_given_range(i);
  LayerNote& note = notes_[i];
  const bool last = i + 1 == layers_.size();
  if (folded(i)) {
    note.whole = note.real = notes_[model_.operand(i)].whole;
  } else if (layer.op == Op::input && note.is_whole) {
    Layer made = layer;
    if (form_.integer_inputs) made.dtype = DType::s8, made.quantization = units_of(i);
    note.whole = note.real = add(made, kNobody, i);
    if (!form_.integer_inputs) note.whole = conversion(Op::quantize, i, note.real, units_of(i), kNobody);
    if (form_.integer_inputs && note.both) note.real = conversion(Op::dequantize, i, note.whole, {}, kNobody);
    return;
  } else {
    note.whole = note.real = note.is_whole ? on_int8(i) : copy(i);
  }
  if (!note.both) return;
  if (layer.op == Op::constant && !note.is_whole)
    note.whole = constant(i, kNobody);
  else if (layer.op == Op::constant)
    note.real = copy(i);
  else if (note.is_whole)
    note.real = conversion(Op::dequantize, i, note.whole, {}, last ? i : kNobody);
  else
    note.whole = conversion(Op::quantize, i, note.real, units_of(i), kNobody);
}

bool FormMaker::widen(std::size_t index) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::size_t holder = root(i);
    if (fixed_units(layers_[holder].op).scale != 0.0F || layers_[holder].op == Op::constant) continue;
    if (!notes_[i].is_whole || !(units_of(i) == records_[index].quantization)) continue;
    RealRange& range = notes_[holder].range;
    range.high = 256.0F * std::max({range.high, -range.low, 0x1p-80F});
    return true;
  }
  return false;
}

Status FormMaker::emit() {
  status_ = {};
  record_count_ = param_bytes_ = name_bytes_ = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) emit_layer(i);
  if (record_count_ > kMaxLayers) return {Code::too_many_layers};
  if (file_bytes() > 0x7FFF'FFFFU) return {Code::plan_too_large};
  return status_;
}

Model FormMaker::made() const {
  Model out;
  out.layers = {records_, record_count_};
  out.operands = {operands_, model_.operands.size()};
  out.params = params_;
  out.param_bytes = static_cast<std::uint32_t>(param_bytes_);
  out.alignment = kAlignment;
  out.names = {names_, name_bytes_};
  return out;
}

std::size_t FormMaker::file_bytes() const { return file_layout(made(), 0).bytes; }

void FormMaker::write_to(std::span<std::byte> file) {
  std::fill(file.begin(), file.end(), std::byte{0});
  const FileLayout layout = file_layout(made(), 0);
  records_ = reinterpret_cast<Layer*>(file.data() + sizeof(FileHeader));
  operands_ = reinterpret_cast<std::uint16_t*>(records_ + record_count_);
  params_ = file.data() + layout.params;
  names_ = reinterpret_cast<char*>(file.data() + layout.names);
}

}  // namespace mote::detail
