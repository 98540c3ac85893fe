// SPDX-License-Identifier: Apache-2.0
// Ensembles of decision trees: all trees go down one level at a time. A vector holds the node at which each tree
// stands; tables of features, thresholds and children, which are constants, are read at it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "tool/import/onnx_common.hpp"
#include "tool/import/onnx_ml.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::int64_t kMostNodes = std::int64_t{1} << 22, kMostDepth = 512, kMostRows = 64;

/// An attribute that is a list of numbers, or a tensor of another name.
std::vector<double> numbers(const FileNode& node, const std::string& name) {
  std::vector<double> out;
  if (const Setting* tensor = node.find(name + "_as_tensor");
      tensor != nullptr && std::holds_alternative<FileTensor>(*tensor)) {
    const Literal values(std::get<FileTensor>(*tensor));
    for (std::int64_t i = 0; i < values.count(); ++i) out.push_back(values.real(i));
  } else {
    for (const float value : node.reals(name)) out.push_back(static_cast<double>(value));
  }
  return out;
}

/// How a node chooses: yes is taken where `feature less threshold`, or less_equal, or equal.
enum class Test : std::uint8_t { leaf, less, less_equal, equal };

struct TreeNode {
  Test test = Test::leaf;
  std::int64_t tree = 0, feature = 0, yes = 0, no = 0;
  float threshold = 0.0F;
  bool missing = false;  // what is not a number goes to yes
};

class Forest {
 public:
  Forest(const FileNode& node, std::int64_t features) : node_(node), features_(features) {
    read_nodes();
    find_roots();
    order();
  }

  /// Scores of (F) features: sums over trees of the leaves' weights, (targets).
  Value scores(Maker& make, const Value& x, const Literal& weights) const {
    const auto table = [&](auto member, Type type) {
      Literal out(type, {static_cast<std::int64_t>(nodes_.size())});
      for (std::size_t i = 0; i < nodes_.size(); ++i)
        out.set(static_cast<std::int64_t>(i), static_cast<double>(nodes_[i].*member));
      return make.constant(std::move(out));
    };
    const bool missing = std::ranges::any_of(nodes_, &TreeNode::missing);
    const Value features = table(&TreeNode::feature, Type::s32), thresholds = table(&TreeNode::threshold, Type::f32),
                yes = table(&TreeNode::yes, Type::s32), no = table(&TreeNode::no, Type::s32),
                absent = missing ? table(&TreeNode::missing, Type::boolean) : Value{};
    const char* test = test_ == Test::less ? "less" : test_ == Test::equal ? "equal" : "less_equal";
    Value at = make.constant(Literal::of(roots_, Type::s32));
    for (std::int64_t level = 0; level < depth_; ++level) {
      const Value value = make.gather(x, make.gather(features, at, 0), 0);
      Value goes = make.binary(test, value, make.gather(thresholds, at, 0));
      if (missing)
        goes =
            make.binary("logical_or", goes,
                        make.binary("logical_and", make.binary("not_equal", value, value), make.gather(absent, at, 0)));
      at = make.select(goes, make.gather(yes, at, 0), make.gather(no, at, 0));
    }
    return make.reduce("reduce_sum", make.gather(make.constant(weights), at, 0), {0}, false);
  }

  /// Weights of the leaves (leaves, targets), by the attributes that begin with `prefix`; `ids` gets the targets named.
  Literal leaf_weights(const std::string& prefix, std::int64_t targets, std::set<std::int64_t>& ids,
                       bool& all_positive) const {
    const std::vector<std::int64_t> trees = node_.wholes(prefix + "_treeids"),
                                    places = node_.wholes(prefix + "_nodeids"), which = node_.wholes(prefix + "_ids");
    const std::vector<double> weights = numbers(node_, prefix + "_weights");
    if (places.size() != trees.size() || which.size() != trees.size() || weights.size() != trees.size())
      unsupported("its leaves' weights are incomplete", "export the model again");
    Literal out(Type::f32, {leaves_, targets});
    for (std::size_t i = 0; i < trees.size(); ++i) {
      const auto found = index_.find({trees[i], places[i]});
      if (found == index_.end() || which[i] < 0 || which[i] >= targets)
        unsupported(fmt::format("weight {} is of node {} of tree {} and target {}", i, places[i], trees[i], which[i]));
      const std::int64_t leaf = place_[static_cast<std::size_t>(found->second)];
      if (leaf >= leaves_) continue;  // a node that is no leaf adds nothing
      const std::int64_t to = leaf * targets + which[i];
      out.set(to, out.real(to) + weights[i]);
      ids.insert(which[i]);
      all_positive = all_positive && weights[i] >= 0.0;
    }
    return out;
  }
  [[nodiscard]] std::size_t trees() const { return roots_.size(); }

 private:
  void read_nodes() {
    const std::vector<std::string> modes = node_.texts("nodes_modes");
    const std::vector<std::int64_t> trees = node_.wholes("nodes_treeids"), ids = node_.wholes("nodes_nodeids"),
                                    features = node_.wholes("nodes_featureids"),
                                    yes = node_.wholes("nodes_truenodeids"), no = node_.wholes("nodes_falsenodeids"),
                                    missing = node_.wholes("nodes_missing_value_tracks_true");
    const std::vector<double> values = numbers(node_, "nodes_values");
    const std::size_t n = modes.size();
    if (n == 0 || trees.size() != n || ids.size() != n || features.size() != n || yes.size() != n || no.size() != n ||
        values.size() != n || (!missing.empty() && missing.size() != n))
      unsupported("its lists of nodes have different lengths", "export the model again");
    if (static_cast<std::int64_t>(n) > kMostNodes) unsupported(fmt::format("{} nodes of trees", n));
    for (std::size_t i = 0; i < n; ++i)
      if (!index_.try_emplace({trees[i], ids[i]}, static_cast<std::int64_t>(i)).second)
        unsupported(fmt::format("node {} of tree {} is there twice", ids[i], trees[i]));
    nodes_.resize(n);
    std::vector<bool> strict(n);
    std::set<Test> tests;
    for (std::size_t i = 0; i < n; ++i) {
      TreeNode& made = nodes_[i];
      made.tree = trees[i];
      made.yes = made.no = static_cast<std::int64_t>(i);
      if (modes[i] == "LEAF") continue;
      const auto y = index_.find({trees[i], yes[i]}), f = index_.find({trees[i], no[i]});
      if (y == index_.end() || f == index_.end() || features[i] < 0 || features[i] >= features_)
        unsupported(fmt::format("node {} of tree {} leads to feature {} of {}, nodes {} and {}", ids[i], trees[i],
                                features[i], features_, yes[i], no[i]));
      made.feature = features[i];
      made.threshold = static_cast<float>(values[i]);
      made.yes = y->second, made.no = f->second;
      made.missing = !missing.empty() && missing[i] != 0;
      const std::string& mode = modes[i];
      const bool turned = mode == "BRANCH_GT" || mode == "BRANCH_GTE" || mode == "BRANCH_NEQ";
      if (mode == "BRANCH_LEQ" || mode == "BRANCH_GT")
        made.test = Test::less_equal;
      else if (mode == "BRANCH_LT" || mode == "BRANCH_GTE")
        made.test = Test::less;
      else if (mode == "BRANCH_EQ" || mode == "BRANCH_NEQ")
        made.test = Test::equal;
      else
        unsupported(fmt::format("a node of the mode {}", tame(mode)));
      if (turned) std::swap(made.yes, made.no), made.missing = mode == "BRANCH_NEQ" ? false : !made.missing;
      tests.insert(made.test);
    }
    if (tests.size() > 1 && tests.contains(Test::equal)) unsupported("trees that ask both for order and for equality");
    test_ = tests.empty() ? Test::less_equal : *tests.begin();
    if (tests.size() < 2) return;
    test_ = Test::less_equal;  // below a number is at most the number before it
    for (TreeNode& node : nodes_)
      if (node.test == Test::less)
        node.threshold = std::nextafter(node.threshold, -std::numeric_limits<float>::infinity());
  }

  /// Nodes that no other leads to, one for each tree; every node is reached once.
  void find_roots() {
    std::vector<bool> child(nodes_.size(), false);
    for (const TreeNode& node : nodes_) {
      if (node.test == Test::leaf) continue;
      for (const std::int64_t to : {node.yes, node.no}) {
        if (child[static_cast<std::size_t>(to)]) unsupported("two nodes of a tree lead to the same one");
        child[static_cast<std::size_t>(to)] = true;
      }
    }
    std::set<std::int64_t> seen;
    std::vector<std::pair<std::int64_t, std::int64_t>> open;  // node, level
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (child[i]) continue;
      if (!seen.insert(nodes_[i].tree).second) unsupported(fmt::format("tree {} has two roots", nodes_[i].tree));
      roots_.push_back(static_cast<std::int64_t>(i));
      open.emplace_back(static_cast<std::int64_t>(i), 0);
    }
    std::size_t reached = 0;
    while (!open.empty()) {
      const auto [at, level] = open.back();
      open.pop_back();
      ++reached;
      const TreeNode& node = nodes_[static_cast<std::size_t>(at)];
      if (node.test == Test::leaf) continue;
      depth_ = std::max(depth_, level + 1);
      open.emplace_back(node.yes, level + 1);
      open.emplace_back(node.no, level + 1);
    }
    if (reached != nodes_.size()) unsupported("its trees run in a circle");
    if (depth_ > kMostDepth) unsupported(fmt::format("a tree of {} levels", depth_));
  }

  /// Leaves come first, so that the table of their weights has no row for other nodes.
  void order() {
    place_.resize(nodes_.size());
    leaves_ = std::ranges::count(nodes_, Test::leaf, &TreeNode::test);
    std::int64_t leaf = 0, other = leaves_;
    for (std::size_t i = 0; i < nodes_.size(); ++i) place_[i] = nodes_[i].test == Test::leaf ? leaf++ : other++;
    std::vector<TreeNode> ordered(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      TreeNode node = nodes_[i];
      node.yes = place_[static_cast<std::size_t>(node.yes)], node.no = place_[static_cast<std::size_t>(node.no)];
      ordered[static_cast<std::size_t>(place_[i])] = node;
    }
    nodes_ = std::move(ordered);
    for (std::int64_t& root : roots_) root = place_[static_cast<std::size_t>(root)];
  }

  const FileNode& node_;
  std::int64_t features_ = 0, depth_ = 0, leaves_ = 0;
  std::vector<TreeNode> nodes_;
  std::vector<std::int64_t> roots_, place_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> index_;  // of tree and node, as the file orders them
  Test test_ = Test::less_equal;
};

/// Scores of all rows, (rows, targets).
Value all_scores(Call& call, const Forest& forest, const Literal& weights, const Value& x) {
  Maker& make = call.make;
  const Dims own = make.dims(x);
  std::vector<Value> rows;
  for (std::int64_t row = 0; row < own[0]; ++row) {
    const Value one = make.reshape(make.slice(x, {row, 0}, {1, 1}, {1, own[1]}), {own[1]});
    rows.push_back(make.reshape(forest.scores(make, one, weights), {1, weights.dims()[1]}));
  }
  return make.concat(rows, 0);
}

Value rows_of_features(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  if (own.empty() || own.size() > 2) unsupported(fmt::format("features {}", text_of(own)));
  if (own.size() == 2 && own[0] > kMostRows) unsupported(fmt::format("{} rows of features", own[0]), kOneSample);
  const Value x = make.cast(call[0], Type::f32);
  return own.size() == 2 ? x : make.reshape(x, {1, own[0]});
}

Value with_base(Call& call, const Value& scores, const std::vector<double>& base) {
  if (base.empty()) return scores;
  Literal values(Type::f32, {static_cast<std::int64_t>(base.size())});
  for (std::size_t i = 0; i < base.size(); ++i) values.set(static_cast<std::int64_t>(i), base[i]);
  return call.make.binary("add", scores, call.make.constant(std::move(values)));
}

}  // namespace

void tree_regressor(Call& call) {
  Maker& make = call.make;
  const Value x = rows_of_features(call);
  const Forest forest(call.node, make.dims(x)[1]);
  const std::int64_t targets = call.node.whole("n_targets", 1);
  if (targets < 1 || targets > 65536) unsupported(fmt::format("{} targets", targets));
  const std::string aggregate = call.node.text("aggregate_function", "SUM");
  if (aggregate != "SUM" && aggregate != "AVERAGE") unsupported(fmt::format("trees joined by {}", tame(aggregate)));
  std::set<std::int64_t> ids;
  bool positive = true;
  Value out = all_scores(call, forest, forest.leaf_weights("target", targets, ids, positive), x);
  if (aggregate == "AVERAGE") out = make.binary("mul", out, make.scalar(1.0 / static_cast<double>(forest.trees())));
  const std::vector<double> base = numbers(call.node, "base_values");
  if (!base.empty() && static_cast<std::int64_t>(base.size()) != targets)
    unsupported(fmt::format("{} base values of {} targets", base.size(), targets));
  call.give(ml_transformed(call, with_base(call, out, base)));
}

/// Two classes with the score of one: as ONNX Runtime has it, a probability where no leaf is negative, else a margin.
void tree_classifier(Call& call) {
  Maker& make = call.make;
  const Value x = rows_of_features(call);
  const Forest forest(call.node, make.dims(x)[1]);
  const auto classes = static_cast<std::int64_t>(ml_classes(call));
  if (classes < 1 || classes > 65536) unsupported(fmt::format("{} classes", classes));
  std::set<std::int64_t> ids;
  bool positive = true;
  Value scores = all_scores(call, forest, forest.leaf_weights("class", classes, ids, positive), x);
  const std::vector<double> base = numbers(call.node, "base_values");
  if (classes == 2 && ids.size() == 1) {
    if (*ids.begin() != 0 || base.size() > 1) unsupported("the score of one of its two classes in a form of its own");
    const std::int64_t rows = make.dims(x)[0];
    const Value one = with_base(call, make.slice(scores, {0, 0}, {1, 1}, {rows, 1}), base);
    const Value wins = make.binary("greater", one, make.scalar(positive ? 0.5 : 0.0));
    const Value index = make.select(wins, make.scalar(1.0, Type::s32), make.scalar(0.0, Type::s32));
    const Value other = positive ? make.binary("sub", make.scalar(1.0), one) : make.unary("neg", one);
    scores = make.concat({other, one}, 1);
    if (!positive) scores = ml_transformed(call, scores);
    return give_classes(call, make.reshape(index, {rows}), scores);
  }
  if (!base.empty() && static_cast<std::int64_t>(base.size()) != classes)
    unsupported(fmt::format("{} base values of {} classes", base.size(), classes));
  scores = with_base(call, scores, base);
  give_classes(call, make.arg("argmax", scores, 1, false), ml_transformed(call, scores));
}

}  // namespace mote::tool::foreign
