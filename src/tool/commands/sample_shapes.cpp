// SPDX-License-Identifier: Apache-2.0
// See sample_shapes.hpp.
#include "tool/commands/sample_shapes.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "tool/data/npz.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {

void add_shape_options(Options& options, DataArguments& data) {
  const char* const heading = "Data";
  const Condition windows{"--window", {}};
  options
      .text("--image-size", data.image_size, "SIZE",
            "pictures: HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS (1 grey, 3 colour) to bring them to (default: the model's "
            "input)")
      .under(heading);
  options
      .whole("--window", data.window, {1, kMaxDimension},
             "CSV: time series: each sample is so many rows after one another", "ROWS")
      .under(heading);
  options
      .whole("--hop", data.hop, {1, kMaxDimension},
             "CSV: rows from one window's first to the next one's (default: the window's length)", "ROWS")
      .under(heading)
      .only_with({windows});
  options
      .word("--window-label", data.window_label, {"majority", "last"},
            "CSV: a window's label: that of most of its rows, or its last row's (targets are the last row's)")
      .under(heading)
      .only_with({windows})
      .not_with({{"--targets", {}}});
  options
      .text("--group", data.group_column, "COLUMN",
            "CSV: column that separates recordings: a window has rows of one value in it, after one another")
      .under(heading)
      .only_with({windows});
}

Windows windows_called(const DataArguments& data) {
  return {data.window, data.hop != 0 ? data.hop : data.window, data.window_label == "last", data.group_column};
}

Shape picture_called(const DataArguments& data, const Shape& input, const std::optional<Description>& known) {
  const bool flat = input.h == 1 && input.w == 1;
  const Shape trained = known ? known->picture : Shape{0, 0, 0};
  Shape out = !flat ? input : trained;
  if (data.image_size.empty()) return out;
  std::array<std::uint32_t, 3> sizes{0, 0, 0};
  std::size_t count = 0;
  const char* at = data.image_size.data();
  const char* const end = at + data.image_size.size();
  for (bool more = true; more && count < 3; ++count) {
    const auto [next, error] = std::from_chars(at, end, sizes[count]);
    if (error != std::errc{} || sizes[count] == 0 || sizes[count] > kMaxDimension) break;
    more = next != end && *next == 'x';
    at = more ? next + 1 : next;
  }
  if (count < 2 || at != end || (count == 3 && sizes[2] != 1 && sizes[2] != 3))
    throw usage_error(fmt::format("--image-size {} is no size of pictures", in_quotes(data.image_size)),
                      "give HEIGHTxWIDTH such as 28x28, or HEIGHTxWIDTHxCHANNELS with 1 or 3 channels");
  out.h = sizes[0], out.w = sizes[1];
  const std::uint64_t pixels = std::uint64_t{out.h} * out.w;
  if (count == 3) {
    out.c = sizes[2];
  } else if (out.c == 0) {
    out.c = flat && input.elements() == pixels ? 1 : 3;
  }
  return out;
}

SampleFiles files_of_archive(const std::string& path) {
  const Npz archive(path);
  const auto named = [&](std::initializer_list<const char*> names) -> std::string {
    for (const char* name : names)
      if (archive.has(name)) return path + ":" + name;
    return "";
  };
  SampleFiles out{named({"x_train", "X_train"}), named({"y_train"}), named({"x_test", "X_test"}), named({"y_test"})};
  if (out.train_samples.empty()) out = {named({"x", "X"}), named({"y"}), "", ""};
  if (out.train_samples.empty())
    throw data_error(fmt::format("the archive has no array x_train or x; it has {}", list_of(archive.names())),
                     fmt::format("name the arrays: --train {}:NAME --labels {}:NAME", path, path))
        .in(path);
  return out;
}

}  // namespace mote::tool
