# SPDX-License-Identifier: Apache-2.0
"""Results of the comparison as lines, as Markdown and as a picture.

  report.py FOLDER FOLDER      bench/README.md's tables, of the --out folders for AVX-512 and AVX2
"""

import argparse
import json
import os
import shutil
import subprocess

import numpy as np

COLOURS = ("#9467bd", "#ff7f0e", "#1f77b4", "#d62728", "#2ca02c", "#7f7f7f")
UNCOMPARED = ("dlib", "FANN")  # peers that begin with weights of their own


def time_text(ns):
    return f"{ns:.0f} ns" if ns < 1e4 else f"{ns / 1e3:.1f} µs" if ns < 1e7 else f"{ns / 1e6:.2f} ms"


def line_of(result):
    rivals = sorted((ns, name) for name, ns in result["ns"].items() if name != "mote")
    ratio = f"{result['ratio']:.2f}" if "ratio" in result else "-"
    mark = "loses" if result.get("ratio", 0) > 1.03 else ""
    speed = f"{result['gflops']:.1f}" if "gflops" in result else ""
    share = f"{100 * result['share']:.0f} %" if "share" in result else ""
    others = ", ".join(f"{name}{'*' if name in UNCOMPARED else ''} {time_text(ns)}" for ns, name in rivals)
    notes = "; ".join(f"{name} {note}" for name, note in result["notes"].items())
    return [result["row"], time_text(result["ns"]["mote"]), speed, share, ratio, mark,
            others + (f" ({notes})" if notes else "")]


HEAD = ["row", "mote", "GFLOP/s", "of peak", "mote / best", "", "others, fastest first"]


def markdown(about, results):
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    out, kind = [f"## {about['isa']}", "",
                 f"Multiply-adds of the core in the same run: {about['fma_peak_gflops']:.0f} GFLOP/s. {versions}."], None
    for result in results:
        if result["kind"] != kind:
            kind = result["kind"]
            out += ["", f"### {kind}", "", "| " + " | ".join(HEAD) + " |", "|---|--:|--:|--:|--:|---|---|"]
        out.append("| " + " | ".join(line_of(result)) + " |")
    out += ["", "### mote / best peer, geometric mean", "", "| kind | rows | mean | lost (over 1.03) |", "|---|--:|--:|--:|"]
    for kind in dict.fromkeys(result["kind"] for result in results):
        ratios = [result["ratio"] for result in results if result["kind"] == kind and "ratio" in result]
        if ratios:
            lost = sum(ratio > 1.03 for ratio in ratios)
            out.append(f"| {kind} | {len(ratios)} | {np.exp(np.mean(np.log(ratios))):.2f} | {lost} |")
    return "\n".join(out) + "\n"


def picture(results, path, isa):
    """A dot for each row, rows of a kind sorted by their ratio."""
    if shutil.which("gnuplot") is None:
        return
    kinds = [kind for kind in dict.fromkeys(r["kind"] for r in results) if kind != "overhead"]
    blocks, ticks, at = [], [], 0
    for kind in kinds:
        ratios = sorted(r["ratio"] for r in results if r["kind"] == kind and "ratio" in r)
        if not ratios:
            continue
        width = max(len(ratios), 18)  # room for the word below
        first = at + (width - len(ratios)) / 2
        blocks.append("\n".join(f"{first + i} {ratio}" for i, ratio in enumerate(ratios)))
        ticks.append(f"'{kind}' {at + (width - 1) / 2}")
        at += width + 3
    lines = [
        "set encoding utf8",
        "set terminal svg noenhanced size 1000,520 dynamic font 'DejaVu Sans,Arial,sans-serif,15' background rgb 'white'",
        "set border 3 lc rgb '#444444'",
        "set tics nomirror out scale 0.6",
        f"set title 'mote against the fastest other library, {isa}, one core' noenhanced",
        "set ylabel 'time of mote / time of the fastest other'",
        "set logscale y 2",
        "set ytics ('1/128' 0.0078125, '1/64' 0.015625, '1/32' 0.03125, '1/16' 0.0625, '1/8' 0.125, '1/4' 0.25, '1/2' 0.5, '1' 1, '2' 2, '4' 4, '8' 8)",
        f"set xrange [-2:{at - 1}]",
        "set xtics (" + ", ".join(ticks) + ")",
        "set grid ytics lc rgb '#dddddd'",
        "unset key",
        f"set arrow from -2,1 to {at - 1},1 nohead lc rgb '#444444' lw 1.5",
        "set label 'mote is slower' at graph 0.3,0.97",
        "set label 'mote is faster' at graph 0.3,0.04",
    ]
    plots = ", ".join(f"$d{i} using 1:2 with points pt 7 ps 0.6 lc rgb '{COLOURS[i % 6]}'" for i in range(len(blocks)))
    data = [f"$d{i} << EOD\n{block}\nEOD" for i, block in enumerate(blocks)]
    script = "\n".join(data + lines + ["plot " + plots]) + "\n"
    svg = subprocess.run(["gnuplot", "-"], input=script, capture_output=True, text=True, check=True).stdout
    with open(path, "w") as file:
        file.write(svg)


def mean_and_lost(results, kind):
    ratios = [result["ratio"] for result in results if result["kind"] == kind and "ratio" in result]
    lost = sum(ratio > 1.03 for ratio in ratios)
    return f"{np.exp(np.mean(np.log(ratios))):.2f} | {lost} of {len(ratios)}"


def overview(wide, narrow):
    """Means, networks and training steps, and the rows that lose most, of two instruction sets."""
    kinds = [kind for kind in dict.fromkeys(result["kind"] for result in wide) if kind != "overhead"]
    out = ["| mote / best other, geometric mean | AVX-512 | lost | AVX2 | lost |", "|---|--:|--:|--:|--:|"]
    for kind in kinds:
        out.append(f"| {kind} | {mean_and_lost(wide, kind)} | {mean_and_lost(narrow, kind)} |")
    for title, results in (("AVX-512", wide), ("AVX2", narrow)):
        out += ["", f"Networks and training steps, {title}:", "", "| | mote | share of peak | ratio | others |",
                "|---|--:|--:|--:|---|"]
        for result in results:
            if result["kind"] in ("network", "training"):
                row, time, _, share, ratio, _, others = line_of(result)
                out.append(f"| {row} | {time} | {share} | {ratio} | {others} |")
    out += ["", "Rows lost by more than 15 % on either:", "",
            "| row | AVX-512 ratio | share of peak | AVX2 ratio | share of peak |", "|---|--:|--:|--:|--:|"]
    others = {result["row"]: result for result in narrow}
    for result in wide:
        other = others.get(result["row"], {})
        if result["kind"] != "overhead" and max(result.get("ratio", 0), other.get("ratio", 0)) > 1.15:
            cells = [f"{r['ratio']:.2f} | " + (f"{100 * r['share']:.0f} %" if "share" in r else "") for r in (result, other)]
            out.append(f"| {result['row']} | {' | '.join(cells)} |")
    return "\n".join(out)


def read_results(folder):
    with open(os.path.join(folder, "compare.json")) as file:
        return json.load(file)["results"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prints the overview of bench/README.md from two comparisons.")
    parser.add_argument("avx512", help="folder of compare.py --out")
    parser.add_argument("avx2", help="folder of compare.py --isa avx2 --out")
    folders = parser.parse_args()
    for folder in (folders.avx512, folders.avx2):
        if not os.path.isfile(os.path.join(folder, "compare.json")):
            parser.error(f"{folder} holds no compare.json: run bench/compare/compare.py --out {folder} first")
    print(overview(read_results(folders.avx512), read_results(folders.avx2)))
