// SPDX-License-Identifier: Apache-2.0
// What every worker of the comparison has in common: a process that does one row's work on request and times itself.
// The driver (compare.py) talks to it in lines on the standard streams; arrays lie as raw float32 files in a folder.
//   prepare WORDS…  ->  ok | cannot REASON     the row's work, made ready; WORDS as in compare.py
//   output FILE     ->  ok                     runs once and writes what was computed
//   run N           ->  NANOSECONDS            of N runs together, on the steady clock
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace compare {

/// A row's work. `output` is called after one run.
struct Job {
  std::function<void()> run;
  std::function<std::vector<float>()> output;
};

/// Floats at an address that suits every kernel.
class Floats {
 public:
  explicit Floats(std::size_t count) : count_(count) {
    const std::size_t bytes = (count * sizeof(float) + 127) / 64 * 64;
    values_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)), std::free);
    for (std::size_t i = 0; i < bytes / sizeof(float); ++i) values_.get()[i] = 0.0F;
  }
  [[nodiscard]] float* data() const { return values_.get(); }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::vector<float> copy() const { return {data(), data() + count_}; }

 private:
  std::shared_ptr<float> values_;
  std::size_t count_;
};

/// The words of a row: "dense forward 32 784 512". Throws where one is missing.
class Words {
 public:
  explicit Words(const std::string& line) {
    std::istringstream in(line);
    words_.assign(std::istream_iterator<std::string>(in), {});
  }
  std::string text() {
    if (at_ == words_.size()) throw std::runtime_error("the row ends early");
    return words_[at_++];
  }
  unsigned number() { return static_cast<unsigned>(std::stoul(text())); }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

/// FOLDER/NAME.f32 with `count` floats.
inline Floats read_floats(const std::string& folder, const std::string& name, std::size_t count) {
  Floats out(count);
  std::ifstream file(folder + "/" + name + ".f32", std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(count * sizeof(float))))
    throw std::runtime_error("cannot read " + name);
  return out;
}

/// Every float of FOLDER/NAME.f32.
inline Floats read_all(const std::string& folder, const std::string& name) {
  std::ifstream file(folder + "/" + name + ".f32", std::ios::binary | std::ios::ate);
  return read_floats(folder, name, static_cast<std::size_t>(file.tellg()) / sizeof(float));
}

/// A dense layer's sizes: "PASS BATCH FAN_IN FAN_OUT".
struct Dense {
  std::string pass;
  unsigned batch, fan_in, fan_out;

  explicit Dense(Words& words)
      : pass(words.text()), batch(words.number()), fan_in(words.number()), fan_out(words.number()) {}
};

/// Its arrays out of FOLDER.
struct DenseArrays {
  Floats input, weights, bias, grad_output;

  DenseArrays(const std::string& folder, const Dense& d)
      : input(read_floats(folder, "input", std::size_t{d.batch} * d.fan_in)),
        weights(read_floats(folder, "weights", std::size_t{d.fan_in} * d.fan_out)),
        bias(read_floats(folder, "bias", d.fan_out)),
        grad_output(read_floats(folder, "grad", std::size_t{d.batch} * d.fan_out)) {}
};

/// The gradient of weights and bias, as one output.
inline std::vector<float> joined(const Floats& grads, const Floats& bias_grads) {
  std::vector<float> out = grads.copy();
  const std::vector<float> more = bias_grads.copy();
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// Answers the driver until it closes the pipe. `make(words)` throws what it cannot do.
template <class Make>
int serve(const Make& make) {
  Job job;
  for (std::string line; std::getline(std::cin, line);) try {
      Words words(line);
      const std::string what = words.text();
      if (what == "prepare") {
        job = {};
        job = make(words);
        std::cout << "ok" << std::endl;
      } else if (what == "output") {
        job.run();
        const std::vector<float> values = job.output();
        std::ofstream(words.text(), std::ios::binary)
            .write(reinterpret_cast<const char*>(values.data()),
                   static_cast<std::streamsize>(values.size() * sizeof(float)));
        std::cout << "ok" << std::endl;
      } else {
        const unsigned count = words.number();
        const auto start = std::chrono::steady_clock::now();
        for (unsigned i = 0; i < count; ++i) job.run();
        const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
        std::cout << time.count() << std::endl;
      }
    } catch (const std::exception& error) {
      std::cout << "cannot " << error.what() << std::endl;
    }
  return 0;
}

/// A convolution's sizes, "same" padding: "BATCH H W C OUT_C FILTER_H FILTER_W STRIDE".
struct Window {
  unsigned batch, h, w, c, out_c, filter_h, filter_w, stride, out_h, out_w, pad_top, pad_left, pad_bottom, pad_right;

  explicit Window(Words& words)
      : batch(words.number()),
        h(words.number()),
        w(words.number()),
        c(words.number()),
        out_c(words.number()),
        filter_h(words.number()),
        filter_w(words.number()),
        stride(words.number()),
        out_h((h + stride - 1) / stride),
        out_w((w + stride - 1) / stride) {
    const auto padding = [&](unsigned size, unsigned out, unsigned filter) {
      const unsigned covered = (out - 1) * stride + filter;
      return covered > size ? covered - size : 0;
    };
    const unsigned rows = padding(h, out_h, filter_h), columns = padding(w, out_w, filter_w);
    pad_top = rows / 2, pad_bottom = rows - rows / 2;
    pad_left = columns / 2, pad_right = columns - columns / 2;
  }
  [[nodiscard]] std::size_t inputs() const { return std::size_t{batch} * h * w * c; }
  [[nodiscard]] std::size_t outputs() const { return std::size_t{batch} * out_h * out_w * out_c; }
  [[nodiscard]] std::size_t weights(bool depthwise) const {
    return std::size_t{filter_h} * filter_w * (depthwise ? 1 : c) * out_c;
  }
};

}  // namespace compare
