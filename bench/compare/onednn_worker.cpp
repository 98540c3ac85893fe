// SPDX-License-Identifier: Apache-2.0
// oneDNN's side: `onednn_worker FOLDER own|plain`. own: oneDNN chooses every layout, and what reorders cost is not
// timed; plain: activations NHWC and weights as mote has them, as data lie in a model that is being trained.
#include <dnnl.hpp>
#include <unordered_map>

#include "worker.hpp"

namespace {

using namespace dnnl;
using compare::Floats;
using compare::Job;
using compare::read_floats;
using compare::Words;
using Tag = memory::format_tag;
using Dims = memory::dims;

std::string folder;
bool own_layouts = true;
engine cpu(engine::kind::cpu, 0);
stream queue(cpu);

template <class P, class... Args>
typename P::primitive_desc describe_with(const primitive_attr& attributes, const Args&... args) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu, args..., attributes};
#else
  return {typename P::desc(args...), attributes, cpu};
#endif
}
template <class P, class... Args>
typename P::primitive_desc describe(const Args&... args) {
  return describe_with<P>(primitive_attr(), args...);
}
template <class P, class Hint, class... Args>
typename P::primitive_desc describe_backward(const Hint& hint, const Args&... args) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu, args..., hint};
#else
  return {typename P::desc(args...), cpu, hint};
#endif
}

memory::desc floats_desc(const Dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

void copy(memory from, memory to) {  // handles: what they stand for is not copied
  reorder(from, to).execute(queue, from, to);
  queue.wait();
}

/// `values`, laid out as `plain`, in the layout that the primitive asked for.
memory laid_out(const Floats& values, const memory::desc& plain, const memory::desc& wanted) {
  const memory from(plain, cpu, values.data());
  memory to(wanted, cpu);
  copy(from, to);
  return to;
}

std::vector<float> plain_values(const memory& from, const memory::desc& plain) {
  std::vector<float> out(plain.get_size() / sizeof(float));
  const memory to(plain, cpu, out.data());
  copy(from, to);
  return out;
}

/// A layer as oneDNN sees it: descriptors in plain layout, and the same for the primitive to choose from.
struct Layer {
  memory::desc input, weights, bias, output;
  [[nodiscard]] static memory::desc asked(const memory::desc& plain, const Dims& dims) {
    return own_layouts ? floats_desc(dims, Tag::any) : plain;
  }
};

using Arguments = std::unordered_map<int, memory>;

Job job_of(const primitive& work, const Arguments& arguments,
           const std::vector<std::pair<int, memory::desc>>& results) {
  return {[=] {
            work.execute(queue, arguments);
            queue.wait();
          },
          [=] {
            std::vector<float> out;
            for (const auto& [id, plain] : results) {
              const std::vector<float> values = plain_values(arguments.at(id), plain);
              out.insert(out.end(), values.begin(), values.end());
            }
            return out;
          }};
}

/// The three passes of a primitive family. `make_*` close over what only it knows (strides, padding).
template <class Forward, class BackwardData, class BackwardWeights, class Describe, class DescribeData,
          class DescribeWeights>
Job passes(const std::string& pass, const Layer& plain, const Describe& forward_desc, const DescribeData& data_desc,
           const DescribeWeights& weights_desc, const Floats& input, const Floats& weights, const Floats& bias,
           const Floats& grad_output) {
  if (pass == "forward") {
    const auto pd = forward_desc(prop_kind::forward_inference);
    const memory output(pd.dst_desc(), cpu);
    return job_of(Forward(pd),
                  {{DNNL_ARG_SRC, laid_out(input, plain.input, pd.src_desc())},
                   {DNNL_ARG_WEIGHTS, laid_out(weights, plain.weights, pd.weights_desc())},
                   {DNNL_ARG_BIAS, laid_out(bias, plain.bias, pd.bias_desc())},
                   {DNNL_ARG_DST, output}},
                  {{DNNL_ARG_DST, plain.output}});
  }
  const auto hint = forward_desc(prop_kind::forward_training);
  if (pass == "grad_input") {
    const auto pd = data_desc(hint);
    const memory grad_input(pd.diff_src_desc(), cpu);
    return job_of(BackwardData(pd),
                  {{DNNL_ARG_DIFF_DST, laid_out(grad_output, plain.output, pd.diff_dst_desc())},
                   {DNNL_ARG_WEIGHTS, laid_out(weights, plain.weights, pd.weights_desc())},
                   {DNNL_ARG_DIFF_SRC, grad_input}},
                  {{DNNL_ARG_DIFF_SRC, plain.input}});
  }
  const auto pd = weights_desc(hint);
  const memory grads(pd.diff_weights_desc(), cpu), bias_grads(pd.diff_bias_desc(), cpu);
  return job_of(BackwardWeights(pd),
                {{DNNL_ARG_DIFF_DST, laid_out(grad_output, plain.output, pd.diff_dst_desc())},
                 {DNNL_ARG_SRC, laid_out(input, plain.input, pd.src_desc())},
                 {DNNL_ARG_DIFF_WEIGHTS, grads},
                 {DNNL_ARG_DIFF_BIAS, bias_grads}},
                {{DNNL_ARG_DIFF_WEIGHTS, plain.weights}, {DNNL_ARG_DIFF_BIAS, plain.bias}});
}

/// As mote has the arrays.
Layer plain_dense(const compare::Dense& d) {
  return {floats_desc({d.batch, d.fan_in}, Tag::ab), floats_desc({d.fan_out, d.fan_in}, Tag::ba),
          floats_desc({d.fan_out}, Tag::a), floats_desc({d.batch, d.fan_out}, Tag::ab)};
}
Layer plain_convolution(bool depthwise, const compare::Window& w) {
  const Dims filters =
      depthwise ? Dims{w.c, w.out_c / w.c, 1, w.filter_h, w.filter_w} : Dims{w.out_c, w.c, w.filter_h, w.filter_w};
  return {floats_desc({w.batch, w.c, w.h, w.w}, Tag::nhwc), floats_desc(filters, depthwise ? Tag::hwigo : Tag::hwio),
          floats_desc({w.out_c}, Tag::a), floats_desc({w.batch, w.out_c, w.out_h, w.out_w}, Tag::nhwc)};
}

Job dense(const compare::Dense& sizes) {
  const std::string& pass = sizes.pass;
  const unsigned batch = sizes.batch, fan_in = sizes.fan_in, fan_out = sizes.fan_out;
  const Layer plain = plain_dense(sizes);
  const memory::desc weights = Layer::asked(plain.weights, plain.weights.dims());
  return passes<inner_product_forward, inner_product_backward_data, inner_product_backward_weights>(
      pass, plain,
      [&](prop_kind kind) {
        return describe<inner_product_forward>(kind, plain.input, weights, plain.bias, plain.output);
      },
      [&](const auto& hint) {
        return describe_backward<inner_product_backward_data>(hint, plain.input, weights, plain.output);
      },
      [&](const auto& hint) {
        return describe_backward<inner_product_backward_weights>(hint, plain.input, weights, plain.bias, plain.output);
      },
      read_floats(folder, "input", std::size_t{batch} * fan_in),
      read_floats(folder, "weights", std::size_t{fan_in} * fan_out), read_floats(folder, "bias", fan_out),
      read_floats(folder, "grad", std::size_t{batch} * fan_out));
}

Job convolution(bool depthwise, const std::string& pass, const compare::Window& w) {
  const Layer plain = plain_convolution(depthwise, w);
  const memory::desc input = Layer::asked(plain.input, plain.input.dims());
  const memory::desc output = Layer::asked(plain.output, plain.output.dims());
  // Weights in oneDNN's layout in both modes: its NHWC kernels have none for mote's.
  const memory::desc weights = floats_desc(plain.weights.dims(), Tag::any);
  const Dims strides{w.stride, w.stride}, first{w.pad_top, w.pad_left}, last{w.pad_bottom, w.pad_right};
  const algorithm direct = algorithm::convolution_direct;
  return passes<convolution_forward, convolution_backward_data, convolution_backward_weights>(
      pass, plain,
      [&](prop_kind kind) {
        return describe<convolution_forward>(kind, direct, input, weights, plain.bias, output, strides, first, last);
      },
      [&](const auto& hint) {
        return describe_backward<convolution_backward_data>(hint, direct, input, weights, output, strides, first, last);
      },
      [&](const auto& hint) {
        return describe_backward<convolution_backward_weights>(hint, direct, input, weights, plain.bias, output,
                                                               strides, first, last);
      },
      read_floats(folder, "input", w.inputs()), read_floats(folder, "weights", w.weights(depthwise)),
      read_floats(folder, "bias", w.out_c), read_floats(folder, "grad", w.outputs()));
}

#if DNNL_VERSION_MAJOR < 3  // where scales of the output apply to the bias too
/// An int8 layer: signed bytes, a scale for each output, the bias in the sums' units. `forward_desc` makes the
/// primitive's description of attributes, input, weights, bias and output.
template <class Forward, class Describe>
Job int8_layer(const Layer& plain, Tag activations, const Describe& forward_desc, const Floats& input,
               const Floats& weights, const Floats& bias) {
  using Type = memory::data_type;
  const auto typed = [](const memory::desc& like, Type type, Tag tag) { return memory::desc(like.dims(), type, tag); };
  const Tag asked = own_layouts ? Tag::any : activations;
  primitive_attr attributes;
  attributes.set_output_scales(2, read_floats(folder, "scale", bias.size()).copy());
  const auto pd =
      forward_desc(attributes, typed(plain.input, Type::s8, asked), typed(plain.weights, Type::s8, Tag::any),
                   typed(plain.bias, Type::s32, Tag::a), typed(plain.output, Type::s8, asked));
  const memory output(pd.dst_desc(), cpu);
  return job_of(Forward(pd),
                {{DNNL_ARG_SRC, laid_out(input, plain.input, pd.src_desc())},
                 {DNNL_ARG_WEIGHTS, laid_out(weights, plain.weights, pd.weights_desc())},
                 {DNNL_ARG_BIAS, laid_out(bias, plain.bias, pd.bias_desc())},
                 {DNNL_ARG_DST, output}},
                {{DNNL_ARG_DST, plain.output}});
}

Job int8_dense(const compare::Dense& d) {
  return int8_layer<inner_product_forward>(
      plain_dense(d), Tag::ab,
      [](const primitive_attr& attributes, const auto&... descriptions) {
        return describe_with<inner_product_forward>(attributes, prop_kind::forward_inference, descriptions...);
      },
      read_floats(folder, "input", std::size_t{d.batch} * d.fan_in),
      read_floats(folder, "weights", std::size_t{d.fan_in} * d.fan_out), read_floats(folder, "bias", d.fan_out));
}

Job int8_convolution(bool depthwise, const compare::Window& w) {
  return int8_layer<convolution_forward>(
      plain_convolution(depthwise, w), Tag::nhwc,
      [&](const primitive_attr& attributes, const auto&... descriptions) {
        return describe_with<convolution_forward>(
            attributes, prop_kind::forward_inference, algorithm::convolution_direct, descriptions...,
            Dims{w.stride, w.stride}, Dims{w.pad_top, w.pad_left}, Dims{w.pad_bottom, w.pad_right});
      },
      read_floats(folder, "input", w.inputs()), read_floats(folder, "weights", w.weights(depthwise)),
      read_floats(folder, "bias", w.out_c));
}
#endif

Job activation(const std::string& name, unsigned count) {
  static const std::unordered_map<std::string, algorithm> algorithms{
      {"relu", algorithm::eltwise_relu},  {"sigmoid", algorithm::eltwise_logistic},
      {"tanh", algorithm::eltwise_tanh},  {"gelu", algorithm::eltwise_gelu_erf},
      {"silu", algorithm::eltwise_swish}, {"elu", algorithm::eltwise_elu},
  };
  const Floats input = read_floats(folder, "input", count);
  const memory::desc plain = floats_desc({1, count}, Tag::ab);
  const Arguments arguments{{DNNL_ARG_SRC, laid_out(input, plain, plain)}, {DNNL_ARG_DST, memory(plain, cpu)}};
  if (name == "softmax") {
#if DNNL_VERSION_MAJOR >= 3
    const auto pd =
        describe<softmax_forward>(prop_kind::forward_inference, algorithm::softmax_accurate, plain, plain, 1);
#else
    const auto pd = describe<softmax_forward>(prop_kind::forward_inference, plain, 1);
#endif
    return job_of(softmax_forward(pd), arguments, {{DNNL_ARG_DST, plain}});
  }
  const float alpha = name == "silu" || name == "elu" ? 1.0F : 0.0F;
#if DNNL_VERSION_MAJOR >= 3
  const auto pd =
      describe<eltwise_forward>(prop_kind::forward_inference, algorithms.at(name), plain, plain, alpha, 0.0F);
#else
  const auto pd = describe<eltwise_forward>(prop_kind::forward_inference, algorithms.at(name), plain, alpha, 0.0F);
#endif
  return job_of(eltwise_forward(pd), arguments, {{DNNL_ARG_DST, plain}});
}

Job make(Words& words) {
  const std::string kind = words.text();
  if (kind == "dense") return dense(compare::Dense(words));
  if (kind == "conv2d" || kind == "depthwise") {
    const std::string pass = words.text();
    return convolution(kind == "depthwise", pass, compare::Window(words));
  }
#if DNNL_VERSION_MAJOR < 3
  if (kind == "int8") {
    const std::string layer = words.text();
    if (layer == "dense") return int8_dense(compare::Dense(words));
    words.text();  // the pass: forward
    return int8_convolution(layer == "depthwise", compare::Window(words));
  }
#endif
  if (kind == "activation" && own_layouts) {
    const std::string name = words.text();
    return activation(name, words.number());
  }
  throw std::runtime_error("not for this worker");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  folder = argv[1];
  own_layouts = std::string(argv[2]) == "own";
  return compare::serve(make);
}
