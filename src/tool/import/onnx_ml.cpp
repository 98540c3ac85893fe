// SPDX-License-Identifier: Apache-2.0
// Models of the domain ai.onnx.ml, as scikit-learn, XGBoost and LightGBM are converted: linear ones and what stands
// around them. Trees are in onnx_trees.cpp.
#include "tool/import/onnx_ml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

Literal literal_of(const std::vector<float>& values, const Dims& dims) {
  if (count_of(dims) != static_cast<std::int64_t>(values.size()))
    unsupported(fmt::format("{} values for {}", values.size(), text_of(dims)), "export the model again");
  Literal out(Type::f32, dims);
  for (std::size_t i = 0; i < values.size(); ++i) out.set(static_cast<std::int64_t>(i), static_cast<double>(values[i]));
  return out;
}

/// The features as (rows, F).
Value features_of(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  const Value x = make.cast(call[0], Type::f32);
  if (own.empty() || own.size() > 2) unsupported(fmt::format("features {}", text_of(own)));
  return own.size() == 2 ? x : make.reshape(x, {1, own[0]});
}

/// x times the transpose of `coefficients` (rows, F), plus intercepts.
Value affine(Call& call, std::int64_t rows) {
  Maker& make = call.make;
  const Value x = features_of(call);
  const std::vector<float> intercepts = call.node.reals("intercepts");
  const Literal weights = transposed(literal_of(call.node.reals("coefficients"), {rows, make.dims(x)[1]}), {1, 0});
  const Value out = make.matmul(x, make.constant(weights));
  return intercepts.empty() ? out : make.binary("add", out, make.constant(literal_of(intercepts, {rows})));
}

void linear_regressor(Call& call) {
  const std::int64_t targets = call.node.whole("targets", 1);
  if (targets < 1 || targets > Literal::kMostElements) unsupported(fmt::format("{} targets", targets));
  call.give(ml_transformed(call, affine(call, targets)));
}

void linear_classifier(Call& call) {
  const std::size_t classes = std::max<std::size_t>(1, ml_classes(call));
  const std::size_t rows = call.node.reals("coefficients").size() /
                           static_cast<std::size_t>(std::max<std::int64_t>(1, call.make.dims(features_of(call))[1]));
  if (rows != classes)
    unsupported(fmt::format("{} rows of coefficients for {} classes", rows, classes),
                "convert the model again, so that each class has its own");
  const Value scores = affine(call, static_cast<std::int64_t>(classes));
  give_classes(call, call.make.arg("argmax", scores, 1, false), ml_transformed(call, scores));
}

void scaler(Call& call) {
  Maker& make = call.make;
  const std::vector<float> offset = call.node.reals("offset"), scale = call.node.reals("scale");
  Value out = make.cast(call[0], Type::f32);
  const auto each = [&](const std::vector<float>& v) {
    return make.constant(literal_of(v, {static_cast<std::int64_t>(v.size())}));
  };
  if (!offset.empty()) out = make.binary("sub", out, each(offset));
  call.give(scale.empty() ? out : make.binary("mul", out, each(scale)));
}

/// Rows of zeros stay what they are.
void normalizer(Call& call) {
  Maker& make = call.make;
  const std::string norm = call.node.text("norm", "MAX");
  const Value x = make.cast(call[0], Type::f32);
  const Dims last{-1};
  Value length;
  if (norm == "L1")
    length = make.reduce("reduce_sum", make.unary("abs", x), last, true);
  else if (norm == "L2")
    length = make.unary("sqrt", make.reduce("reduce_sum", make.unary("square", x), last, true));
  else
    unsupported(fmt::format("norm {}, of which runtimes take the sign in different ways", tame(norm)),
                "use the norm L1 or L2");
  call.give(make.binary("div", x, make.binary("maximum", length, make.scalar(1e-30))));
}

void binarizer(Call& call) {
  Maker& make = call.make;
  const Value x = make.cast(call[0], Type::f32);
  const Value above = make.binary("greater", x, make.scalar(static_cast<double>(call.node.real("threshold", 0.0F))));
  call.give(make.select(above, make.scalar(1.0), make.scalar(0.0)));
}

void imputer(Call& call) {
  Maker& make = call.make;
  if (call.node.find("imputed_value_floats") == nullptr) unsupported("it puts in whole numbers");
  const std::vector<float> values = call.node.reals("imputed_value_floats");
  const float missing = call.node.real("replaced_value_float", 0.0F);
  const Value x = make.cast(call[0], Type::f32);
  const Value hit = std::isnan(missing) ? make.binary("not_equal", x, x)
                                        : make.binary("equal", x, make.scalar(static_cast<double>(missing)));
  call.give(make.select(hit, make.constant(literal_of(values, {static_cast<std::int64_t>(values.size())})), x));
}

/// Chosen features, along the last axis.
void array_feature_extractor(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  if (own.empty()) unsupported("a scalar");
  const std::int64_t count = count_of(call.dims(1));
  Dims out(own.begin(), own.end() - 1);
  if (out.empty()) out.push_back(1);
  out.push_back(count);
  call.give(make.reshape(
      make.gather(call[0], make.reshape(call[1], {count}), static_cast<std::int64_t>(own.size()) - 1), out));
}

void feature_vectorizer(Call& call) {
  std::vector<Value> parts;
  for (std::size_t i = 0; i < call.in.size(); ++i) {
    const Dims own = call.dims(i);
    const Value real = call.make.cast(call[i], Type::f32);
    parts.push_back(own.size() == 1 ? call.make.reshape(real, {own[0], 1}) : real);
  }
  call.give(call.make.concat(parts, 1));
}

void one_hot_encoder(Call& call) {
  Maker& make = call.make;
  const std::vector<std::int64_t> categories = call.node.wholes("cats_int64s");
  if (categories.empty()) unsupported("its categories are texts", "convert the texts to numbers before the model");
  Dims dims = call.dims(0);
  dims.push_back(1);
  Literal known(Type::f32, {static_cast<std::int64_t>(categories.size())});
  for (std::size_t i = 0; i < categories.size(); ++i) known.set(static_cast<std::int64_t>(i), categories[i]);
  const Value x = make.reshape(make.cast(call[0], Type::f32), dims);
  call.give(make.select(make.binary("equal", x, make.constant(known)), make.scalar(1.0), make.scalar(0.0)));
}

/// Whole numbers to numbers, where the keys are 0, 1, 2 …
void label_encoder(Call& call) {
  Maker& make = call.make;
  const std::vector<std::int64_t> keys = call.node.wholes("keys_int64s");
  const std::vector<std::int64_t> wholes = call.node.wholes("values_int64s");
  const std::vector<float> reals = call.node.reals("values_floats");
  bool counted = !keys.empty();
  for (std::size_t i = 0; i < keys.size(); ++i) counted = counted && keys[i] == static_cast<std::int64_t>(i);
  if (!counted || (wholes.size() != keys.size() && reals.size() != keys.size()))
    unsupported("keys or values that are texts, or keys that do not count from 0",
                "export the model without its encoding of labels");
  const Literal table =
      reals.empty() ? Literal::of(wholes) : literal_of(reals, {static_cast<std::int64_t>(reals.size())});
  call.give(make.gather(make.constant(table), call[0], 0));
}

/// What a dictionary of classes would hold, as an array.
void zip_map(Call& call) {
  ml_classes(call);
  call.give(call[0]);
}

/// Sum of a kernel between x and each support vector, weighed.
void svm_regressor(Call& call) {
  Maker& make = call.make;
  const Value x = features_of(call);
  const Dims own = make.dims(x);
  const std::int64_t supports = call.node.whole("n_supports", 0), width = own[1];
  const std::vector<float> parameters = call.node.reals("kernel_params"), rho = call.node.reals("rho");
  const std::string kernel = supports == 0 ? "LINEAR" : call.node.text("kernel_type", "LINEAR");
  if (call.node.whole("one_class", 0) != 0) unsupported("it tells one class from all others");
  if (rho.empty() || (kernel != "LINEAR" && parameters.size() < 3)) unsupported("its parameters are incomplete");
  if (supports < 0 || supports > Literal::kMostElements) unsupported(fmt::format("{} support vectors", supports));
  const Value bias = make.scalar(static_cast<double>(rho.front()));
  const std::vector<float> coefficients = call.node.reals("coefficients");
  if (supports == 0) {
    const Value sum = make.matmul(x, make.constant(literal_of(coefficients, {width, 1})));
    return call.give(ml_transformed(call, make.binary("add", sum, bias)));
  }
  const Literal vectors = literal_of(call.node.reals("support_vectors"), {supports, width});
  Value k;
  if (kernel == "RBF") {
    const Value difference = make.binary("squared_difference", make.reshape(x, {own[0], 1, width}),
                                         make.constant(vectors.reshaped({1, supports, width})));
    const Value distance = make.reduce("reduce_sum", difference, {2}, false);
    k = make.unary("exp", make.binary("mul", distance, make.scalar(-static_cast<double>(parameters[0]))));
  } else {
    k = make.matmul(x, make.constant(transposed(vectors, {1, 0})));
    if (kernel != "LINEAR") {
      k = make.binary("mul", k, make.scalar(static_cast<double>(parameters[0])));
      k = make.binary("add", k, make.scalar(static_cast<double>(parameters[1])));
    }
    if (kernel == "SIGMOID") k = make.unary("tanh", k);
    if (kernel == "POLY") k = make.binary("pow", k, make.scalar(static_cast<double>(parameters[2])));
    if (kernel != "LINEAR" && kernel != "SIGMOID" && kernel != "POLY")
      unsupported(fmt::format("kernel {}", tame(kernel)));
  }
  const Value sum = make.matmul(k, make.constant(literal_of(coefficients, {supports, 1})));
  call.give(ml_transformed(call, make.binary("add", sum, bias)));
}

constexpr std::array kRows = {
    OperatorRow{"ai.onnx.ml:LinearRegressor", linear_regressor, "dense"},
    OperatorRow{"ai.onnx.ml:LinearClassifier", linear_classifier, "dense"},
    OperatorRow{"ai.onnx.ml:SVMRegressor", svm_regressor, "dense"},
    OperatorRow{"ai.onnx.ml:TreeEnsembleRegressor", tree_regressor, "gather"},
    OperatorRow{"ai.onnx.ml:TreeEnsembleClassifier", tree_classifier, "gather"},
    OperatorRow{"ai.onnx.ml:Scaler", scaler, "mul"},
    OperatorRow{"ai.onnx.ml:Normalizer", normalizer, "div"},
    OperatorRow{"ai.onnx.ml:Binarizer", binarizer, "greater"},
    OperatorRow{"ai.onnx.ml:Imputer", imputer, "select"},
    OperatorRow{"ai.onnx.ml:ArrayFeatureExtractor", array_feature_extractor, "gather"},
    OperatorRow{"ai.onnx.ml:FeatureVectorizer", feature_vectorizer, "concat"},
    OperatorRow{"ai.onnx.ml:OneHotEncoder", one_hot_encoder, "equal"},
    OperatorRow{"ai.onnx.ml:LabelEncoder", label_encoder, "gather"},
    OperatorRow{"ai.onnx.ml:ZipMap", zip_map, "identity"},
};

}  // namespace

std::span<const OperatorRow> onnx_ml() { return kRows; }

Value ml_transformed(Call& call, const Value& scores) {
  const std::string how = call.node.text("post_transform", "NONE");
  if (how == "NONE") return scores;
  if (how == "LOGISTIC") return call.make.unary("sigmoid", scores);
  if (how == "SOFTMAX") return call.make.along("softmax", scores, -1);
  unsupported(fmt::format("scores transformed by {}", tame(how)), "export the model with LOGISTIC or SOFTMAX");
}

std::size_t ml_classes(Call& call) {
  Network& network = call.make.network;
  for (const char* attribute : {"classlabels_strings", "classlabels_int64s", "classlabels_ints"}) {
    if (call.node.find(attribute) == nullptr) continue;
    std::vector<std::string> names;
    if (std::string_view(attribute) == "classlabels_strings")
      for (const std::string& label : call.node.texts(attribute)) names.push_back(tame(label));
    else
      for (const std::int64_t label : call.node.wholes(attribute)) names.push_back(std::to_string(label));
    if (names.empty()) continue;
    network.classes = names;
    return names.size();
  }
  return 0;
}

void give_classes(Call& call, const Value& index, const Value& scores) {
  Maker& make = call.make;
  std::vector<std::int64_t> labels = call.node.wholes("classlabels_int64s");
  if (labels.empty()) labels = call.node.wholes("classlabels_ints");
  bool counted = true;
  for (std::size_t i = 0; i < labels.size(); ++i) counted = counted && labels[i] == static_cast<std::int64_t>(i);
  call.give(counted ? index : make.gather(make.constant(Literal::of(labels)), index, 0));
  if (call.out.size() > 1) call.out[1] = scores;
}

}  // namespace mote::tool::foreign
