// SPDX-License-Identifier: Apache-2.0
// Recursive: a body is unrolled first, then copied. A word is a name of the body where the body's own lines say "as" to
// it; words of the language cannot be names, so every such word is one.
#include "tool/models/model_repeat.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <set>

#include "mote/types.hpp"
#include "tool/models/model_parser.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr unsigned kMostDepth = 64;  // two of each already make more layers than there may be
constexpr const char* kRepeatRemedy = "write for example repeat 3 { dense 8; relu }";

class Unroller {
 public:
  Unroller(const std::vector<Line>& lines, const std::string& place) : lines_(lines), place_(place) {}

  std::vector<Line> operator()() {
    std::vector<Line> out = body(nullptr);
    if (at_ < lines_.size()) fail_at(place_, lines_[at_][0], "there is a } without its {", "drop it");
    return out;
  }

 private:
  /// Lines up to the brace that closes `open` (null: to the end), without it.
  std::vector<Line> body(const Word* open) {
    std::vector<Line> out;
    while (at_ < lines_.size() && lines_[at_][0].text != "}") {
      const Line& line = lines_[at_++];
      std::vector<Line> more{line};
      if (line[0].text == "repeat") {
        more = repetition(line);
      } else if (line.back().text == "{") {
        for (const Word& word : line)
          if (word.text == "repeat")
            fail_at(place_, word, "a repetition begins in the middle", "put ; or a new line before it");
        fail_at(place_, line.back(), "a { opens a repetition only", kRepeatRemedy);
      }
      out.insert(out.end(), more.begin(), more.end());
      if (out.size() > kMaxLayers)
        fail_at(place_, line[0], fmt::format("more than {} layers", kMaxLayers), "repeat less often");
    }
    if (open != nullptr && at_ == lines_.size())
      fail_at(place_, *open, "a repetition's { has no }", "close it behind its last layer");
    return out;
  }

  std::vector<Line> repetition(const Line& head) {
    Word open = head.back();
    const bool brace = open.text == "{";
    const std::size_t words = head.size() - (brace ? 1 : 0);
    std::size_t count = 0;
    if (words >= 2) {
      const std::string& text = head[1].text;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
      if (error == std::errc::result_out_of_range)
        count = kMaxLayers + 1;  // any number that large: the message has the person's own
      else if (error != std::errc{} || end != text.data() + text.size())
        count = 0;
    }
    if (words != 2 || count == 0)
      fail_at(place_, head[words >= 2 ? 1 : 0], "a repetition takes how often, at least 1, and its layers in braces",
              kRepeatRemedy);
    if (!brace) {  // on the next line
      if (at_ == lines_.size() || lines_[at_][0].text != "{")
        fail_at(place_, head[0], "a repetition has no {", kRepeatRemedy);
      open = lines_[at_++][0];
    }
    if (++depth_ > kMostDepth)
      fail_at(place_, head[0], fmt::format("more than {} repetitions inside each other", kMostDepth),
              "the outer numbers multiply: repeat the product");
    const std::vector<Line> once = body(&open);
    --depth_;
    ++at_;  // the closing brace
    if (once.empty()) fail_at(place_, open, "a repetition of nothing", kRepeatRemedy);
    if (count > kMaxLayers / once.size())
      fail_at(place_, head[1],
              fmt::format("{} times {} layers are more than {}", head[1].text, once.size(), kMaxLayers),
              "repeat less often");
    return copies(once, count);
  }

  std::vector<Line> copies(const std::vector<Line>& once, std::size_t count) {
    std::set<std::string> names;
    for (const Line& line : once)
      for (std::size_t i = 1; i < line.size(); ++i)
        if (line[i - 1].text == "as" && line[i].scope == 0) names.insert(line[i].text);
    std::vector<Line> out;
    for (std::size_t copy = 0; copy < count; ++copy) {
      std::map<unsigned, unsigned> fresh;  // scopes of this copy, for names of the body (0) and of copies within it
      for (Line line : once) {
        for (Word& word : line)
          if (word.scope != 0 || names.count(word.text) != 0) {
            unsigned& scope = fresh[word.scope];
            if (scope == 0) scope = ++scope_;
            word.scope = scope;
          }
        out.push_back(std::move(line));
      }
    }
    return out;
  }

  const std::vector<Line>& lines_;
  const std::string& place_;
  std::size_t at_ = 0;
  unsigned scope_ = 0, depth_ = 0;
};

}  // namespace

std::vector<Line> unroll_repetitions(const std::vector<Line>& lines, const std::string& place) {
  return Unroller(lines, place)();
}

}  // namespace mote::tool
