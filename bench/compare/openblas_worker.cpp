// SPDX-License-Identifier: Apache-2.0
// OpenBLAS' side: `openblas_worker FOLDER LIBRARY`. The library is loaded at run time, so that Debian's and the one
// from PyPI (whose names have a prefix) can both be asked.
#include <dlfcn.h>

#include "worker.hpp"

namespace {

using compare::Floats;
using compare::Job;
using compare::read_floats;
using compare::Words;

enum Order : int { row_major = 101 };
enum Transpose : int { as_is = 111, transposed = 112 };
using Sgemm = void (*)(Order, Transpose, Transpose, int m, int n, int k, float alpha, const float* a, int lda,
                       const float* b, int ldb, float beta, float* c, int ldc);

std::string folder;
Sgemm sgemm;

template <class Function>
Function symbol(void* library, const std::string& name) {
  void* found = dlsym(library, name.c_str());
  if (found == nullptr) found = dlsym(library, ("scipy_" + name).c_str());
  return reinterpret_cast<Function>(found);
}

/// Biases are added by beginning with them, their gradient is a loop: BLAS knows neither.
Job make(Words& words) {
  if (words.text() != "dense") throw std::runtime_error("not for this worker");
  const compare::Dense sizes(words);
  const std::string& pass = sizes.pass;
  const unsigned batch = sizes.batch, fan_in = sizes.fan_in, fan_out = sizes.fan_out;
  const int m = static_cast<int>(batch), k = static_cast<int>(fan_in), n = static_cast<int>(fan_out);
  const compare::DenseArrays arrays(folder, sizes);
  const Floats &input = arrays.input, &weights = arrays.weights, &bias = arrays.bias, &grad_output = arrays.grad_output;
  if (pass == "forward") {
    const Floats output(grad_output.size());
    return {[=] {
              for (unsigned row = 0; row < batch; ++row)
                for (unsigned i = 0; i < fan_out; ++i) output.data()[row * fan_out + i] = bias.data()[i];
              sgemm(row_major, as_is, as_is, m, n, k, 1.0F, input.data(), k, weights.data(), n, 1.0F, output.data(), n);
            },
            [=] { return output.copy(); }};
  }
  if (pass == "grad_input") {
    const Floats grad_input(input.size());
    return {[=] {
              sgemm(row_major, as_is, transposed, m, k, n, 1.0F, grad_output.data(), n, weights.data(), n, 0.0F,
                    grad_input.data(), k);
            },
            [=] { return grad_input.copy(); }};
  }
  const Floats grads(weights.size()), bias_grads(fan_out);
  return {[=] {
            sgemm(row_major, transposed, as_is, k, n, m, 1.0F, input.data(), k, grad_output.data(), n, 1.0F,
                  grads.data(), n);
            for (unsigned row = 0; row < batch; ++row)
              for (unsigned i = 0; i < fan_out; ++i) bias_grads.data()[i] += grad_output.data()[row * fan_out + i];
          },
          [=] { return compare::joined(grads, bias_grads); }};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  folder = argv[1];
  void* library = dlopen(argv[2], RTLD_NOW);
  if (library == nullptr) {
    std::cerr << dlerror() << '\n';
    return 3;
  }
  sgemm = symbol<Sgemm>(library, "cblas_sgemm");
  if (const auto threads = symbol<void (*)(int)>(library, "openblas_set_num_threads"); threads != nullptr) threads(1);
  if (const auto core = symbol<char* (*)()>(library, "openblas_get_corename"); core != nullptr)
    std::cerr << "OpenBLAS core: " << core() << '\n';
  return sgemm == nullptr ? 4 : compare::serve(make);
}
