// SPDX-License-Identifier: Apache-2.0
// The picture is one grey image of all samples with white between them: gnuplot draws it in one piece.
#include "tool/commands/reconstruction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "mote/kernels/kernels.hpp"
#include "mote/run/session.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

constexpr std::size_t kRows = 5;  // of a part
std::size_t columns_of(std::size_t panels) { return panels == 2 ? 10 : 7; }

/// A canvas of grey values; NaN stays white.
class Canvas {
 public:
  Canvas(std::size_t height, std::size_t width) : width_(width), values_(height * width, std::nanf("")) {}

  void draw(std::size_t top, std::size_t left, const Shape& picture, const float* sample, float low, float range) {
    for (std::size_t y = 0; y < picture.h; ++y)
      for (std::size_t x = 0; x < picture.w; ++x)
        values_[(top + y) * width_ + left + x] =
            std::clamp((sample[(y * picture.w + x) * picture.c] - low) / range, 0.0F, 1.0F);
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      out += std::isnan(values_[i]) ? "NaN" : fmt::format("{:.3g}", values_[i]);
      out += (i + 1) % width_ == 0 ? '\n' : ' ';
    }
    return out;
  }

 private:
  std::size_t width_;
  std::vector<float> values_;
};

/// The noise that a denoising model meets in training; false for other models.
bool corrupt(const OwnedModel& model, std::span<float> sample, std::uint64_t number) {
  if (model.layers.size() < 2) return false;
  const Layer& first = model.layers[1];
  const auto count = static_cast<std::uint32_t>(sample.size());
  if (first.op == Op::gaussian_noise)
    kernels::gaussian_noise_f32({sample.data(), sample.data(), first.alpha, 1, number, count});
  if (first.op == Op::dropout) kernels::dropout_f32({sample.data(), sample.data(), first.alpha, 1, number, count});
  return is_regularizer(first.op);
}

}  // namespace

Reconstructions reconstruct(const OwnedModel& model, const DataSet& data, std::size_t count, const std::string& name) {
  const PlanOptions options{.alignment = 64};
  const OwnedPlan plan = plan_of(model, options);
  AlignedBytes arena(plan.arena_bytes());
  Result<Session> session = Session::create(model.view(), arena.span(), options);
  if (!session.ok()) throw status_error(session.status(), model);
  session->set_threads(lent_threads());
  Reconstructions out{name, data.features(), {}, {}, {}};
  count = std::min(count, data.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<float> input = session->input<float>();
    data.copy_sample(i * data.size() / count, input);
    out.originals.insert(out.originals.end(), input.begin(), input.end());
    if (corrupt(model, input, i)) out.noisy.insert(out.noisy.end(), input.begin(), input.end());
    session->run();
    const std::span<const float> output = session->output<float>();
    out.reconstructed.insert(out.reconstructed.end(), output.begin(), output.end());
  }
  return out;
}

Shape picture_shape(const DataSet& data) {
  std::vector<std::uint64_t> dims = data.sample_dims();
  if (dims.size() == 3 && (dims[2] == 1 || dims[2] == 3))
    return {static_cast<std::uint32_t>(dims[0]), static_cast<std::uint32_t>(dims[1]),
            static_cast<std::uint32_t>(dims[2])};
  if (dims.size() == 2 && dims[0] > 1 && dims[1] > 1)
    return {static_cast<std::uint32_t>(dims[0]), static_cast<std::uint32_t>(dims[1]), 1};
  const auto side = static_cast<std::uint32_t>(std::lround(std::sqrt(static_cast<double>(data.features()))));
  return side > 1 && std::size_t{side} * side == data.features() ? Shape{side, side, 1} : Shape{0, 0, 0};
}

void plot_reconstructions(const std::string& path, const std::string& title, const Shape& picture,
                          const std::vector<Reconstructions>& parts) {
  const bool noisy = !parts.empty() && !parts.front().noisy.empty();
  const std::size_t panels = noisy ? 3 : 2, columns = columns_of(panels);
  const std::size_t cell_h = picture.h + 2, cell_w = picture.w + 2;
  const std::size_t panel_w = columns * cell_w + picture.w, part_h = kRows * cell_h + picture.h;  // with a gap
  const std::size_t width = panels * panel_w - picture.w, height = parts.size() * part_h;
  Canvas canvas(height, width);
  std::string labels;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const Reconstructions& part = parts[p];
    const auto ends = std::minmax_element(part.originals.begin(), part.originals.end());
    const float low = *ends.first;
    const float range = *ends.second > low ? *ends.second - low : 1.0F;
    const std::size_t top = p * part_h + picture.h;
    std::size_t left = 0;
    const auto panel = [&](const std::vector<float>& values, const std::string& name) {
      const std::size_t count = std::min(values.size() / part.features, kRows * columns);
      for (std::size_t i = 0; i < count; ++i)
        canvas.draw(top + i / columns * cell_h, left + i % columns * cell_w, picture, values.data() + i * part.features,
                    low, range);
      labels += fmt::format("set label {} at first {},{} left font ',15' front\n", gnuplot_text(name), left,
                            static_cast<double>(top) - 0.45 * static_cast<double>(picture.h));
      left += panel_w;
    };
    panel(part.originals, part.name);
    if (noisy) panel(part.noisy, "with noise, as the model gets them");
    panel(part.reconstructed, "what the model makes of them");
  }
  std::string script = gnuplot_head(1000, static_cast<unsigned>(70 + 960 * height / width));
  script += fmt::format("set title {}\n", gnuplot_text(title));
  script += "unset border\nunset tics\nunset key\nunset colorbox\nset palette gray negative\nset cbrange [0:1]\n";
  script += fmt::format("set xrange [-1:{}]\nset yrange [{}:-1]\nset lmargin 1\nset rmargin 1\nset bmargin 1\n", width,
                        height);
  script += labels + "$data << END\n" + canvas.text() + "END\nplot $data matrix with image\n";
  run_gnuplot(script, path);
}

void draw_reconstructions(const std::string& folder, const OwnedModel& model, const DataSet* train, const DataSet* test,
                          std::string& text) {
  const DataSet& any = train != nullptr ? *train : *test;
  const Shape picture = picture_shape(any);
  if (picture.h == 0) {
    text += "no picture      the samples are not images, so reconstructions are not drawn\n";
    return;
  }
  if (!can_plot()) {
    text += fmt::format("warning: {}\n", kNoGnuplot);
    return;
  }
  std::vector<Reconstructions> parts;
  if (train != nullptr) parts.push_back(reconstruct(model, *train, kRows * columns_of(2), "training samples"));
  if (test != nullptr) parts.push_back(reconstruct(model, *test, kRows * columns_of(2), "test samples"));
  const std::string path = (std::filesystem::path(folder) / "reconstructions.svg").string();
  plot_reconstructions(path, "Originals and reconstructions", picture, parts);
  text += fmt::format("picture         {}\n", path);
}

}  // namespace mote::tool
