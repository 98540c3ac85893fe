// SPDX-License-Identifier: Apache-2.0
// Layers by the longest way from an input; the order in each by the middle of the neighbours, swept up and down; places
// by least squares in that order. An arrow that passes a line has a place of its own there.
#include "tool/pictures/graph_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

constexpr double kHeadSize = 18.0, kTitleSize = 13.0, kTextSize = 11.0, kLine = 15.0, kMargin = 24.0, kHead = 44.0;
constexpr double kGap = 22.0, kBetween = 30.0, kPassing = 14.0;  // between boxes, lines, and for an arrow that passes
constexpr std::size_t kMostCharacters = 34;

/// A box, or where an arrow passes a line of boxes.
struct Place {
  std::size_t box = 0;
  bool passes = false;
  std::size_t line = 0;
  double width = kPassing, x = 0.0;  // x: of the middle
  std::vector<std::size_t> above, below;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

class Drawing {
 public:
  explicit Drawing(const std::vector<GraphBox>& boxes) : boxes_(boxes) {
    choose_lines();
    make_places();
    for (int sweep = 0; sweep < 8; ++sweep) sort_lines(sweep % 2 == 0);
    for (int sweep = 0; sweep < 16; ++sweep) settle(sweep % 2 == 0, sweep >= 6);
  }

  std::string svg(const std::string& title) const {
    double left = 0.0, right = 0.0;
    for (const Place& p : places_) left = std::min(left, p.x - p.width / 2), right = std::max(right, p.x + p.width / 2);
    right = std::max(right, left + text_width(title, kHeadSize));
    const double width = right - left + 2 * kMargin, height = top(lines_.size()) + kMargin;
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"{2:.1f} 0 {0:.0f} "
        "{1:.0f}\" font-family=\"DejaVu Sans,Arial,sans-serif\">\n<rect x=\"{2:.1f}\" width=\"{0:.0f}\" "
        "height=\"{1:.0f}\" fill=\"white\"/>\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
        "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#555555\"/></marker>"
        "</defs>\n<text x=\"{3:.1f}\" y=\"28\" font-size=\"18\" fill=\"#111111\">{4}</text>\n",
        width, height, left - kMargin, left, escaped(title));
    for (std::size_t i = 0; i < boxes_.size(); ++i) out += arrows_to(i);
    for (std::size_t i = 0; i < boxes_.size(); ++i) out += box(i);
    return out + "</svg>\n";
  }

 private:
  [[nodiscard]] double height_of(std::size_t i) const {
    return 12.0 + kTitleSize + kLine * static_cast<double>(boxes_[i].lines.size());
  }
  [[nodiscard]] double top(std::size_t line) const { return tops_[line]; }

  void choose_lines() {
    line_of_.assign(boxes_.size(), 0);
    for (std::size_t i = 0; i < boxes_.size(); ++i)
      for (const std::size_t read : boxes_[i].reads)
        if (!boxes_[read].beside) line_of_[i] = std::max(line_of_[i], line_of_[read] + 1);
    // What stands beside others needs a line above the first of them, which there may not be yet.
    std::vector<std::size_t> first(boxes_.size(), boxes_.size());
    bool above_all = false;
    for (std::size_t i = 0; i < boxes_.size(); ++i)
      for (const std::size_t read : boxes_[i].reads)
        if (boxes_[read].beside) {
          first[read] = std::min(first[read], line_of_[i]);
          above_all = above_all || line_of_[i] == 0;
        }
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if (above_all) ++line_of_[i];
      if (boxes_[i].beside && first[i] < boxes_.size()) line_of_[i] = first[i] + (above_all ? 1 : 0) - 1;
    }
  }

  void make_places() {
    const std::size_t count = boxes_.empty() ? 0 : *std::ranges::max_element(line_of_) + 1;
    lines_.resize(count);
    std::vector<double> heights(count, 0.0);
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      Place made;
      made.box = i, made.line = line_of_[i];
      made.width = text_width(shortened(boxes_[i].title, kMostCharacters), kTitleSize * 1.05);
      for (const std::string& line : boxes_[i].lines)
        made.width = std::max(made.width, text_width(shortened(line, kMostCharacters), kTextSize));
      made.width = std::max(made.width + 18.0, 70.0);
      heights[made.line] = std::max(heights[made.line], height_of(i));
      lines_[made.line].push_back(places_.size());
      places_.push_back(std::move(made));
    }
    tops_.push_back(kHead);
    for (std::size_t k = 0; k < count; ++k) tops_.push_back(tops_.back() + heights[k] + kBetween);
    heights_ = heights;
    ways_.resize(boxes_.size());
    for (std::size_t i = 0; i < boxes_.size(); ++i)
      for (const std::size_t read : boxes_[i].reads) ways_[i].push_back(way(read, i));
  }

  /// Places from one box to the other, one a line.
  std::vector<std::size_t> way(std::size_t from, std::size_t to) {
    std::vector<std::size_t> out{from};
    for (std::size_t line = line_of_[from] + 1; line < line_of_[to]; ++line) {
      Place made;
      made.box = to, made.passes = true, made.line = line;
      lines_[line].push_back(places_.size());
      out.push_back(places_.size());
      places_.push_back(std::move(made));
    }
    out.push_back(to);
    for (std::size_t k = 1; k < out.size(); ++k)
      places_[out[k - 1]].below.push_back(out[k]), places_[out[k]].above.push_back(out[k - 1]);
    return out;
  }

  /// The order in a line is that of the means of the neighbours' places.
  void sort_lines(bool downwards) {
    std::vector<double> rank(places_.size());
    const auto number = [&](const std::vector<std::size_t>& line) {
      for (std::size_t k = 0; k < line.size(); ++k)
        rank[line[k]] = static_cast<double>(k) - 0.5 * static_cast<double>(line.size());
    };
    for (const auto& line : lines_) number(line);
    for (std::size_t n = 0; n < lines_.size(); ++n) {
      auto& line = lines_[downwards ? n : lines_.size() - 1 - n];
      std::vector<std::pair<double, std::size_t>> keyed;
      for (const std::size_t p : line) {
        const auto& near = downwards ? places_[p].above : places_[p].below;
        double sum = 0.0;
        for (const std::size_t q : near) sum += rank[q];
        keyed.emplace_back(near.empty() ? rank[p] : sum / static_cast<double>(near.size()), p);
      }
      std::ranges::stable_sort(keyed, {}, &std::pair<double, std::size_t>::first);
      for (std::size_t k = 0; k < line.size(); ++k) line[k] = keyed[k].second;
      number(line);
    }
  }

  /// Moves each line's places towards their neighbours, above, below or on both sides, as far as the order and the
  /// widths allow: least squares, by joining those that would overlap.
  void settle(bool downwards, bool both) {
    for (std::size_t n = 0; n < lines_.size(); ++n) {
      const auto& line = lines_[downwards ? n : lines_.size() - 1 - n];
      struct Group {
        double sum, weight;
        std::size_t count;
        [[nodiscard]] double mean() const { return sum / weight; }
      };
      std::vector<Group> groups;
      std::vector<double> offset(line.size(), 0.0);
      for (std::size_t k = 0; k < line.size(); ++k) {
        const Place& p = places_[line[k]];
        if (k > 0) offset[k] = offset[k - 1] + (places_[line[k - 1]].width + p.width) / 2 + kGap;
        std::vector<std::size_t> near = downwards || both ? p.above : p.below;
        if (both) near.insert(near.end(), p.below.begin(), p.below.end());
        double wanted = p.x;
        if (!near.empty()) {
          wanted = 0.0;
          for (const std::size_t q : near) wanted += places_[q].x;
          wanted /= static_cast<double>(near.size());
        }
        const double weight = near.empty() ? 0.05 : 1.0;
        groups.push_back({(wanted - offset[k]) * weight, weight, 1});
        while (groups.size() > 1 && groups[groups.size() - 2].mean() > groups.back().mean()) {
          const Group last = groups.back();
          groups.pop_back();
          groups.back().sum += last.sum, groups.back().weight += last.weight, groups.back().count += last.count;
        }
      }
      std::size_t k = 0;
      for (const Group& group : groups)
        for (std::size_t of = 0; of < group.count; ++of, ++k) places_[line[k]].x = group.mean() + offset[k];
    }
  }

  [[nodiscard]] std::string arrows_to(std::size_t i) const {
    std::string out;
    for (const auto& way : ways_[i]) {
      std::string path;
      double x = 0.0, y = 0.0;
      for (std::size_t k = 0; k < way.size(); ++k) {
        const Place& p = places_[way[k]];
        const double from_top = top(p.line), next = from_top - (k + 1 == way.size() ? 2.0 : 0.0);
        if (k == 0) {
          x = p.x, y = from_top + height_of(p.box);
          path = fmt::format("M{:.1f} {:.1f}", x, y);
          continue;
        }
        const double middle = (std::max(y, from_top - kBetween) + next) / 2;
        if (y < from_top - kBetween) path += fmt::format(" L{:.1f} {:.1f}", x, y = from_top - kBetween);
        path += fmt::format(" C{0:.1f} {1:.1f} {2:.1f} {1:.1f} {2:.1f} {3:.1f}", x, middle, p.x, next);
        x = p.x, y = next;
        if (p.passes) path += fmt::format(" L{:.1f} {:.1f}", x, y = from_top + heights_[p.line]);
      }
      out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#777777\" marker-end=\"url(#head)\"/>\n", path);
    }
    return out;
  }

  [[nodiscard]] std::string box(std::size_t i) const {
    const GraphBox& b = boxes_[i];
    const Place& p = places_[i];
    double y = top(p.line);
    std::string out = fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"5\" fill=\"{}\" "
        "stroke=\"#666666\"/>\n",
        p.x - p.width / 2, y, p.width, height_of(i), b.colour);
    y += 5.0 + kTitleSize;
    out += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" font-weight=\"bold\" text-anchor=\"middle\">{}</text>\n", p.x,
        y, kTitleSize, escaped(shortened(b.title, kMostCharacters)));
    for (const std::string& line : b.lines)
      out += fmt::format(
          "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" text-anchor=\"middle\" fill=\"#222222\">{}</text>\n", p.x,
          y += kLine, kTextSize, escaped(shortened(line, kMostCharacters)));
    return out;
  }

  const std::vector<GraphBox>& boxes_;
  std::vector<std::size_t> line_of_;
  std::vector<Place> places_;                    // the boxes', then where arrows pass
  std::vector<std::vector<std::size_t>> lines_;  // places from left to right
  std::vector<double> tops_, heights_;
  std::vector<std::vector<std::vector<std::size_t>>> ways_;  // to each box, of each that it reads
};

}  // namespace

std::string graph_picture(const std::string& title, const std::vector<GraphBox>& boxes) {
  return Drawing(boxes).svg(title);
}

}  // namespace mote::tool
