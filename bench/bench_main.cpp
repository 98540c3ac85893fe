// SPDX-License-Identifier: Apache-2.0
// mote_bench: measures the core's ceilings, then every row, and prints one line a row with a column group for each
// instruction set. --benchmark_out=FILE writes Google Benchmark's JSON with the shares added; --roofline=FILE the
// picture.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "mote/kernels/isa.hpp"
#include "roofline.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"

namespace mote::bench {
namespace {

using Runs = std::vector<benchmark::BenchmarkReporter::Run>;

const Row* row_of(const benchmark::BenchmarkReporter::Run& run) {
  for (const Row& row : all_rows())
    if (run.run_name.function_name == row.name + "/" + row.isa) return &row;
  return nullptr;
}

const Roof& roof_of(const std::vector<Roof>& roofs, const std::string& isa) {
  for (const Roof& roof : roofs)
    if (roof.isa == isa) return roof;
  return roofs[0];
}

/// Keeps what was measured; on a terminal tells how far it is.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const Runs& runs) override {
    for (const Run& run : runs) {
      const Row* row = row_of(run);
      if (row == nullptr || run.iterations == 0) continue;
      rows.push_back({row, run.GetAdjustedRealTime()});
      if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{:>5} of {} ", rows.size(), all_rows().size());
    }
  }
  std::vector<Measured> rows;
};

/// JSON with the counters that need the ceilings.
class Writer : public benchmark::JSONReporter {
 public:
  explicit Writer(const std::vector<Roof>& roofs) : roofs_(roofs) {}
  void ReportRuns(const Runs& runs) override {
    Runs with = runs;
    for (Run& run : with) {
      const Row* row = row_of(run);
      if (row == nullptr || run.iterations == 0) continue;
      const Measured measured{row, run.GetAdjustedRealTime()};
      if (row->work.flops != 0.0) run.counters["FLOP/s"] = measured.flops();
      run.counters["B/s"] = measured.bandwidth();
      run.counters["FLOP"] = row->work.flops;
      run.counters["bytes"] = row->work.bytes;
      run.counters["share_of_ceiling"] = share(roof_of(roofs_, row->isa), measured);
      if (row->work.samples != 0.0) run.counters["samples/s"] = row->work.samples / measured.ns * 1e9;
    }
    JSONReporter::ReportRuns(with);
  }

 private:
  const std::vector<Roof>& roofs_;
};

std::string cell(const Measured& measured, const Roof& roof) {
  const bool computes = measured.row->work.flops != 0.0;
  return fmt::format("{:>11.0f} {:>7.1f} {:<5}{:>4.0f} %", measured.ns,
                     (computes ? measured.flops() : measured.bandwidth()) * 1e-9, computes ? "GF/s" : "GB/s",
                     100.0 * share(roof, measured));
}

void print_table(const std::vector<Measured>& rows, const std::vector<Roof>& roofs) {
  fmt::print("Ceilings of this core:\n");
  for (const Roof& roof : roofs) {
    fmt::print("  {:<9} multiply-adds {:6.1f} GFLOP/s; reads", roof.isa, roof.flops * 1e-9);
    for (const MemoryLevel& level : memory_levels())
      fmt::print(" {} {:.0f} GB/s", level.name, roof.bandwidth(level.typical_bytes) * 1e-9);
    fmt::print("\n");
  }
  fmt::print(
      "\nShare: of the smaller of the multiply-adds and of what reading the row's working set (each array once) can "
      "feed;\nGB/s where a row's work is not multiplications and additions. Taps in the padding count as work, as is "
      "usual.\n\n{:<58}",
      "row");
  for (const Roof& roof : roofs) fmt::print(" |{:>11} ns    rate     share", roof.isa);
  fmt::print("\n");
  std::map<std::string, std::map<std::string, const Measured*>> by_name;
  std::vector<std::string> order;
  for (const Measured& m : rows) {
    auto& of_row = by_name[m.row->name];
    if (of_row.empty()) order.push_back(m.row->name);
    of_row[m.row->isa] = &m;
  }
  for (const std::string& name : order) {
    fmt::print("{:<58}", name);
    for (const Roof& roof : roofs) {
      const auto found = by_name[name].find(roof.isa);
      fmt::print(" |{:>31}", found == by_name[name].end() ? "" : cell(*found->second, roof));
    }
    fmt::print("\n");
  }
}

/// Stays on the core that it is on: caches stay warm, and the ceilings are those of the rows.
void pin() {
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(sched_getcpu(), &core);
  sched_setaffinity(0, sizeof core, &core);  // where it is not allowed, rows are noisier
}

int run(int argc, char** argv) {
  std::string picture;
  bool writes = false;
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--roofline=")) {
      picture = word.substr(11);
    } else {
      writes = writes || word.starts_with("--benchmark_out=");
      rest.push_back(argv[i]);
    }
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;

  pin();
  add_network_rows();
  add_kernel_rows();
  const std::vector<Roof> roofs = measure_roofs();
  for (const Roof& roof : roofs) {
    benchmark::AddCustomContext("fma_peak_" + roof.isa, fmt::format("{:.4g} FLOP/s", roof.flops));
    for (const MemoryLevel& level : memory_levels())
      benchmark::AddCustomContext("read_" + level.name + "_" + roof.isa,
                                  fmt::format("{:.4g} B/s", roof.bandwidth(level.typical_bytes)));
  }
  Collector collector;
  Writer writer(roofs);
  benchmark::RunSpecifiedBenchmarks(&collector, writes ? &writer : nullptr);
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{:20}\r", "");
  print_table(collector.rows, roofs);
  if (picture.empty()) return 0;
  if (!tool::can_plot()) {
    fmt::print(stderr, "{}\n", tool::kNoGnuplot);
    return 0;
  }
  draw_roofline(picture, roofs[0], collector.rows);
  fmt::print("\npicture {}\n", picture);
  return 0;
}

}  // namespace
}  // namespace mote::bench

int main(int argc, char** argv) {
  try {
    return mote::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "mote_bench: {}\n", error.what());
    return 1;
  }
}
