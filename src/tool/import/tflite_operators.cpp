// SPDX-License-Identifier: Apache-2.0
#include "tool/import/tflite_operators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace mote::tool::foreign {
namespace {

constexpr const char* kOperators[] = {"ADD",
                                      "AVERAGE_POOL_2D",
                                      "CONCATENATION",
                                      "CONV_2D",
                                      "DEPTHWISE_CONV_2D",
                                      "DEPTH_TO_SPACE",
                                      "DEQUANTIZE",
                                      "EMBEDDING_LOOKUP",
                                      "FLOOR",
                                      "FULLY_CONNECTED",
                                      "HASHTABLE_LOOKUP",
                                      "L2_NORMALIZATION",
                                      "L2_POOL_2D",
                                      "LOCAL_RESPONSE_NORMALIZATION",
                                      "LOGISTIC",
                                      "LSH_PROJECTION",
                                      "LSTM",
                                      "MAX_POOL_2D",
                                      "MUL",
                                      "RELU",
                                      "RELU_N1_TO_1",
                                      "RELU6",
                                      "RESHAPE",
                                      "RESIZE_BILINEAR",
                                      "RNN",
                                      "SOFTMAX",
                                      "SPACE_TO_DEPTH",
                                      "SVDF",
                                      "TANH",
                                      "CONCAT_EMBEDDINGS",
                                      "SKIP_GRAM",
                                      "CALL",
                                      "CUSTOM",
                                      "EMBEDDING_LOOKUP_SPARSE",
                                      "PAD",
                                      "UNIDIRECTIONAL_SEQUENCE_RNN",
                                      "GATHER",
                                      "BATCH_TO_SPACE_ND",
                                      "SPACE_TO_BATCH_ND",
                                      "TRANSPOSE",
                                      "MEAN",
                                      "SUB",
                                      "DIV",
                                      "SQUEEZE",
                                      "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                      "STRIDED_SLICE",
                                      "BIDIRECTIONAL_SEQUENCE_RNN",
                                      "EXP",
                                      "TOPK_V2",
                                      "SPLIT",
                                      "LOG_SOFTMAX",
                                      "DELEGATE",
                                      "BIDIRECTIONAL_SEQUENCE_LSTM",
                                      "CAST",
                                      "PRELU",
                                      "MAXIMUM",
                                      "ARG_MAX",
                                      "MINIMUM",
                                      "LESS",
                                      "NEG",
                                      "PADV2",
                                      "GREATER",
                                      "GREATER_EQUAL",
                                      "LESS_EQUAL",
                                      "SELECT",
                                      "SLICE",
                                      "SIN",
                                      "TRANSPOSE_CONV",
                                      "SPARSE_TO_DENSE",
                                      "TILE",
                                      "EXPAND_DIMS",
                                      "EQUAL",
                                      "NOT_EQUAL",
                                      "LOG",
                                      "SUM",
                                      "SQRT",
                                      "RSQRT",
                                      "SHAPE",
                                      "POW",
                                      "ARG_MIN",
                                      "FAKE_QUANT",
                                      "REDUCE_PROD",
                                      "REDUCE_MAX",
                                      "PACK",
                                      "LOGICAL_OR",
                                      "ONE_HOT",
                                      "LOGICAL_AND",
                                      "LOGICAL_NOT",
                                      "UNPACK",
                                      "REDUCE_MIN",
                                      "FLOOR_DIV",
                                      "REDUCE_ANY",
                                      "SQUARE",
                                      "ZEROS_LIKE",
                                      "FILL",
                                      "FLOOR_MOD",
                                      "RANGE",
                                      "RESIZE_NEAREST_NEIGHBOR",
                                      "LEAKY_RELU",
                                      "SQUARED_DIFFERENCE",
                                      "MIRROR_PAD",
                                      "ABS",
                                      "SPLIT_V",
                                      "UNIQUE",
                                      "CEIL",
                                      "REVERSE_V2",
                                      "ADD_N",
                                      "GATHER_ND",
                                      "COS",
                                      "WHERE",
                                      "RANK",
                                      "ELU",
                                      "REVERSE_SEQUENCE",
                                      "MATRIX_DIAG",
                                      "QUANTIZE",
                                      "MATRIX_SET_DIAG",
                                      "ROUND",
                                      "HARD_SWISH",
                                      "IF",
                                      "WHILE",
                                      "NON_MAX_SUPPRESSION_V4",
                                      "NON_MAX_SUPPRESSION_V5",
                                      "SCATTER_ND",
                                      "SELECT_V2",
                                      "DENSIFY",
                                      "SEGMENT_SUM",
                                      "BATCH_MATMUL",
                                      "PLACEHOLDER",
                                      "CUMSUM",
                                      "CALL_ONCE",
                                      "BROADCAST_TO",
                                      "RFFT2D",
                                      "CONV_3D",
                                      "IMAG",
                                      "REAL",
                                      "COMPLEX_ABS",
                                      "HASHTABLE",
                                      "HASHTABLE_FIND",
                                      "HASHTABLE_IMPORT",
                                      "HASHTABLE_SIZE",
                                      "REDUCE_ALL",
                                      "CONV_3D_TRANSPOSE",
                                      "VAR_HANDLE",
                                      "READ_VARIABLE",
                                      "ASSIGN_VARIABLE",
                                      "BROADCAST_ARGS",
                                      "RANDOM_STANDARD_NORMAL",
                                      "BUCKETIZE",
                                      "RANDOM_UNIFORM",
                                      "MULTINOMIAL",
                                      "GELU",
                                      "DYNAMIC_UPDATE_SLICE",
                                      "RELU_0_TO_1",
                                      "UNSORTED_SEGMENT_PROD",
                                      "UNSORTED_SEGMENT_MAX",
                                      "UNSORTED_SEGMENT_SUM",
                                      "ATAN2",
                                      "UNSORTED_SEGMENT_MIN",
                                      "SIGN",
                                      "BITCAST",
                                      "BITWISE_XOR",
                                      "RIGHT_SHIFT",
                                      "STABLEHLO_LOGISTIC",
                                      "STABLEHLO_ADD",
                                      "STABLEHLO_DIVIDE",
                                      "STABLEHLO_MULTIPLY",
                                      "STABLEHLO_MAXIMUM",
                                      "STABLEHLO_RESHAPE",
                                      "STABLEHLO_CLAMP",
                                      "STABLEHLO_CONCATENATE",
                                      "STABLEHLO_BROADCAST_IN_DIM",
                                      "STABLEHLO_CONVOLUTION",
                                      "STABLEHLO_SLICE",
                                      "STABLEHLO_CUSTOM_CALL",
                                      "STABLEHLO_REDUCE",
                                      "STABLEHLO_ABS",
                                      "STABLEHLO_AND",
                                      "STABLEHLO_COSINE",
                                      "STABLEHLO_EXPONENTIAL",
                                      "STABLEHLO_FLOOR",
                                      "STABLEHLO_LOG",
                                      "STABLEHLO_MINIMUM",
                                      "STABLEHLO_NEGATE",
                                      "STABLEHLO_OR",
                                      "STABLEHLO_POWER",
                                      "STABLEHLO_REMAINDER",
                                      "STABLEHLO_RSQRT",
                                      "STABLEHLO_SELECT",
                                      "STABLEHLO_SUBTRACT",
                                      "STABLEHLO_TANH",
                                      "STABLEHLO_SCATTER",
                                      "STABLEHLO_COMPARE",
                                      "STABLEHLO_CONVERT",
                                      "STABLEHLO_DYNAMIC_SLICE",
                                      "STABLEHLO_DYNAMIC_UPDATE_SLICE",
                                      "STABLEHLO_PAD",
                                      "STABLEHLO_IOTA",
                                      "STABLEHLO_DOT_GENERAL",
                                      "STABLEHLO_REDUCE_WINDOW",
                                      "STABLEHLO_SORT",
                                      "STABLEHLO_WHILE",
                                      "STABLEHLO_GATHER",
                                      "STABLEHLO_TRANSPOSE",
                                      "DILATE",
                                      "STABLEHLO_RNG_BIT_GENERATOR",
                                      "REDUCE_WINDOW",
                                      "STABLEHLO_COMPOSITE"};

constexpr Type kTypes[] = {Type::f32,     Type::f16,      Type::s32,     Type::u8,  Type::s64, Type::string,
                           Type::boolean, Type::s16,      Type::complex, Type::s8,  Type::f64, Type::complex,
                           Type::u64,     Type::resource, Type::variant, Type::u32, Type::u16, Type::s4};

using Kind = OptionField::Kind;
constexpr OptionField kConv2d[] = {{"padding", 0, Kind::byte},        {"stride_w", 1, Kind::whole},
                                   {"stride_h", 2, Kind::whole},      {"activation", 3, Kind::byte},
                                   {"dilation_w", 4, Kind::whole, 1}, {"dilation_h", 5, Kind::whole, 1}};
constexpr OptionField kDepthwiseConv2d[] = {{"padding", 0, Kind::byte},       {"stride_w", 1, Kind::whole},
                                            {"stride_h", 2, Kind::whole},     {"depth_multiplier", 3, Kind::whole, 1},
                                            {"activation", 4, Kind::byte},    {"dilation_w", 5, Kind::whole, 1},
                                            {"dilation_h", 6, Kind::whole, 1}};
constexpr OptionField kAveragePool2d[] = {{"padding", 0, Kind::byte},   {"stride_w", 1, Kind::whole},
                                          {"stride_h", 2, Kind::whole}, {"filter_w", 3, Kind::whole},
                                          {"filter_h", 4, Kind::whole}, {"activation", 5, Kind::byte}};
constexpr OptionField kSvdf[] = {{"rank", 0, Kind::whole}, {"activation", 1, Kind::byte}};
constexpr OptionField kFullyConnected[] = {
    {"activation", 0, Kind::byte}, {"weights_format", 1, Kind::byte}, {"keep_num_dims", 2, Kind::byte}};
constexpr OptionField kSoftmax[] = {{"beta", 0, Kind::real}};
constexpr OptionField kConcatenation[] = {{"axis", 0, Kind::whole}, {"activation", 1, Kind::byte}};
constexpr OptionField kAdd[] = {{"activation", 0, Kind::byte}};
constexpr OptionField kLocalResponseNormalization[] = {
    {"radius", 0, Kind::whole}, {"bias", 1, Kind::real}, {"alpha", 2, Kind::real}, {"beta", 3, Kind::real}};
constexpr OptionField kResizeBilinear[] = {{"align_corners", 2, Kind::byte}, {"half_pixel_centers", 3, Kind::byte}};
constexpr OptionField kResizeNearestNeighbor[] = {{"align_corners", 0, Kind::byte},
                                                  {"half_pixel_centers", 1, Kind::byte}};
constexpr OptionField kReshape[] = {{"new_shape", 0, Kind::wholes}};
constexpr OptionField kSpaceToDepth[] = {{"block_size", 0, Kind::whole}};
constexpr OptionField kGather[] = {{"axis", 0, Kind::whole}, {"batch_dims", 1, Kind::whole}};
constexpr OptionField kMean[] = {{"keep_dims", 0, Kind::byte}};
constexpr OptionField kSqueeze[] = {{"squeeze_dims", 0, Kind::wholes}};
constexpr OptionField kSplit[] = {{"num_splits", 0, Kind::whole}};
constexpr OptionField kStridedSlice[] = {{"begin_mask", 0, Kind::whole},       {"end_mask", 1, Kind::whole},
                                         {"ellipsis_mask", 2, Kind::whole},    {"new_axis_mask", 3, Kind::whole},
                                         {"shrink_axis_mask", 4, Kind::whole}, {"offset", 5, Kind::byte}};
constexpr OptionField kCast[] = {{"in_type", 0, Kind::byte}, {"out_type", 1, Kind::byte}};
constexpr OptionField kArgMax[] = {{"output_type", 0, Kind::byte}};
constexpr OptionField kShape[] = {{"out_type", 0, Kind::byte}};
constexpr OptionField kTransposeConv[] = {{"padding", 0, Kind::byte},
                                          {"stride_w", 1, Kind::whole},
                                          {"stride_h", 2, Kind::whole},
                                          {"activation", 3, Kind::byte}};
constexpr OptionField kFakeQuant[] = {
    {"min", 0, Kind::real}, {"max", 1, Kind::real}, {"num_bits", 2, Kind::whole}, {"narrow_range", 3, Kind::byte}};
constexpr OptionField kPack[] = {{"values_count", 0, Kind::whole}, {"axis", 1, Kind::whole}};
constexpr OptionField kUnpack[] = {{"num", 0, Kind::whole}, {"axis", 1, Kind::whole}};
constexpr OptionField kOneHot[] = {{"axis", 0, Kind::whole}};
constexpr OptionField kLeakyRelu[] = {{"alpha", 0, Kind::real}};
constexpr OptionField kMirrorPad[] = {{"mode", 0, Kind::byte}};
constexpr OptionField kReverseSequence[] = {{"seq_dim", 0, Kind::whole}, {"batch_dim", 1, Kind::whole}};
constexpr OptionField kUnidirectionalSequenceLstm[] = {{"activation", 0, Kind::byte},
                                                       {"cell_clip", 1, Kind::real},
                                                       {"projection_clip", 2, Kind::real},
                                                       {"time_major", 3, Kind::byte},
                                                       {"diagonal", 5, Kind::byte}};
constexpr OptionField kBidirectionalSequenceLstm[] = {{"activation", 0, Kind::byte},
                                                      {"cell_clip", 1, Kind::real},
                                                      {"projection_clip", 2, Kind::real},
                                                      {"merge_outputs", 3, Kind::byte},
                                                      {"time_major", 4, Kind::byte, 1}};
constexpr OptionField kUnidirectionalSequenceRnn[] = {{"time_major", 0, Kind::byte}, {"activation", 1, Kind::byte}};
constexpr OptionField kBidirectionalSequenceRnn[] = {
    {"time_major", 0, Kind::byte}, {"activation", 1, Kind::byte}, {"merge_outputs", 2, Kind::byte}};
constexpr OptionField kLstm[] = {{"activation", 0, Kind::byte},
                                 {"cell_clip", 1, Kind::real},
                                 {"projection_clip", 2, Kind::real},
                                 {"kernel_type", 3, Kind::byte}};
constexpr OptionField kIf[] = {{"then_subgraph", 0, Kind::whole}, {"else_subgraph", 1, Kind::whole}};
constexpr OptionField kWhile[] = {{"cond_subgraph", 0, Kind::whole}, {"body_subgraph", 1, Kind::whole}};
constexpr OptionField kCall[] = {{"subgraph", 0, Kind::whole}};
constexpr OptionField kCallOnce[] = {{"init_subgraph", 0, Kind::whole}};
constexpr OptionField kBatchMatmul[] = {{"adj_x", 0, Kind::byte}, {"adj_y", 1, Kind::byte}};
constexpr OptionField kCumsum[] = {{"exclusive", 0, Kind::byte}, {"reverse", 1, Kind::byte}};
constexpr OptionField kStablehloComposite[] = {{"name", 0, Kind::text}, {"subgraph", 1, Kind::whole}};
constexpr OptionField kVarHandle[] = {{"container", 0, Kind::text}, {"shared_name", 1, Kind::text}};
constexpr OptionField kGelu[] = {{"approximate", 0, Kind::byte}};

struct OptionRow {
  std::string_view op;
  std::span<const OptionField> fields;
};
constexpr OptionRow kOptions[] = {
    {"CONV_2D", kConv2d},
    {"DEPTHWISE_CONV_2D", kDepthwiseConv2d},
    {"AVERAGE_POOL_2D", kAveragePool2d},
    {"MAX_POOL_2D", kAveragePool2d},
    {"L2_POOL_2D", kAveragePool2d},
    {"SVDF", kSvdf},
    {"FULLY_CONNECTED", kFullyConnected},
    {"SOFTMAX", kSoftmax},
    {"CONCATENATION", kConcatenation},
    {"ADD", kAdd},
    {"SUB", kAdd},
    {"MUL", kAdd},
    {"DIV", kAdd},
    {"L2_NORMALIZATION", kAdd},
    {"RNN", kAdd},
    {"LOCAL_RESPONSE_NORMALIZATION", kLocalResponseNormalization},
    {"RESIZE_BILINEAR", kResizeBilinear},
    {"RESIZE_NEAREST_NEIGHBOR", kResizeNearestNeighbor},
    {"RESHAPE", kReshape},
    {"SPACE_TO_DEPTH", kSpaceToDepth},
    {"DEPTH_TO_SPACE", kSpaceToDepth},
    {"GATHER", kGather},
    {"MEAN", kMean},
    {"SUM", kMean},
    {"REDUCE_PROD", kMean},
    {"REDUCE_MAX", kMean},
    {"REDUCE_MIN", kMean},
    {"REDUCE_ANY", kMean},
    {"REDUCE_ALL", kMean},
    {"SQUEEZE", kSqueeze},
    {"SPLIT", kSplit},
    {"SPLIT_V", kSplit},
    {"STRIDED_SLICE", kStridedSlice},
    {"CAST", kCast},
    {"ARG_MAX", kArgMax},
    {"ARG_MIN", kArgMax},
    {"SHAPE", kShape},
    {"TRANSPOSE_CONV", kTransposeConv},
    {"FAKE_QUANT", kFakeQuant},
    {"PACK", kPack},
    {"UNPACK", kUnpack},
    {"ONE_HOT", kOneHot},
    {"LEAKY_RELU", kLeakyRelu},
    {"MIRROR_PAD", kMirrorPad},
    {"REVERSE_SEQUENCE", kReverseSequence},
    {"UNIDIRECTIONAL_SEQUENCE_LSTM", kUnidirectionalSequenceLstm},
    {"BIDIRECTIONAL_SEQUENCE_LSTM", kBidirectionalSequenceLstm},
    {"UNIDIRECTIONAL_SEQUENCE_RNN", kUnidirectionalSequenceRnn},
    {"BIDIRECTIONAL_SEQUENCE_RNN", kBidirectionalSequenceRnn},
    {"LSTM", kLstm},
    {"IF", kIf},
    {"WHILE", kWhile},
    {"CALL", kCall},
    {"CALL_ONCE", kCallOnce},
    {"BATCH_MATMUL", kBatchMatmul},
    {"CUMSUM", kCumsum},
    {"VAR_HANDLE", kVarHandle},
    {"GELU", kGelu},
    {"STABLEHLO_COMPOSITE", kStablehloComposite},
};

}  // namespace

std::string tflite_operator(std::int32_t code) {
  if (code >= 0 && static_cast<std::size_t>(code) < std::size(kOperators)) return kOperators[code];
  return fmt::format("operator {}", code);
}

Type tflite_type(int number) {
  return number >= 0 && static_cast<std::size_t>(number) < std::size(kTypes) ? kTypes[number] : Type::other;
}

std::span<const OptionField> tflite_options(const std::string& op) {
  const auto* row = std::ranges::find(kOptions, op, &OptionRow::op);
  return row == std::end(kOptions) ? std::span<const OptionField>{} : row->fields;
}

}  // namespace mote::tool::foreign
