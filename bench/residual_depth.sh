#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# residual_depth.sh [DATA [FOLDER]]: trains three networks of 100 dense layers on a folder of MNIST files, a plain one
# (its gradients vanish), one with batch normalisation (they explode) and one with skip connections (they do neither),
# and draws the norms of all three into FOLDER/residual-depth.svg.
# Needs build/release/mote (cmake --workflow --preset release) or another in $MOTE, python3 and gnuplot.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
data=${1:-/usr/share/datasets/fashion-mnist}
folder=${2:-$root/build/residual-depth}
mote=${MOTE:-$root/build/release/mote}
mkdir -p "$folder"

train() { # name, layers
  "$mote" train --json --model "input 28x28x1; flatten; dense 32; $2; dense 10" --data "$data" \
    --optimizer momentum --lr 0.002 --epochs 3 --gradient-norms >"$folder/$1.json"
}
train plain 'repeat 98 { dense 32; sigmoid }'
train normed 'repeat 98 { dense 32; batch_norm; relu }'
train skip 'repeat 98 { identity as x; dense 32; sigmoid; add x }'

cd "$folder"
python3 - <<'PYTHON'
import json
for name in ('plain', 'normed', 'skip'):
    report = json.load(open(name + '.json'))
    norms = report['gradient_norms']
    dense = [i for i, layer in enumerate(norms['layers']) if layer['name'] == 'dense']
    first, last = ([run[i] for i in dense] for run in (norms['first_update'], norms['epochs'][-1]))
    with open(name + '.dat', 'w') as out:
        for i, (a, b) in enumerate(zip(first, last)):
            out.write(f'{i + 1} {a or "NaN"} {b or "NaN"}\n')
    text = f"test accuracy {100 * report['test']['accuracy']:.2f} %, loss {report['test']['loss']:.4f}"
    at = '; '.join(f'layer {i}: {first[i - 1]:.1e}' for i in (1, 25, 50, 75, 100))
    print(f'{name:6}  {text}; norms of the first update: {at}')
    open(name + '.txt', 'w').write(text)
PYTHON
gnuplot <<'GNUPLOT'
set encoding utf8
set terminal svg noenhanced size 900,640 dynamic font 'DejaVu Sans,Arial,sans-serif,15' background rgb 'white'
set output 'residual-depth.svg'
set border 3 lc rgb '#444444'
set tics nomirror out scale 0.6
set grid xtics ytics lc rgb '#dddddd' lt 1 lw 0.8
set title '100 dense layers: the gradient that arrives in each' font ',18'
set xlabel 'dense layer, from the input on'
set ylabel 'norm of its gradient'
set logscale y
set format y '1e%T'
set xrange [0.5:100.5]
set key below left Left reverse vertical maxrows 6 samplen 2
set lmargin 12
plain = system('cat plain.txt')
normed = system('cat normed.txt')
skip = system('cat skip.txt')
plot 'plain.dat' using 1:2 with lines lw 2 dt (7,4) lc rgb '#d1601c' title 'plain, first update', \
     'plain.dat' using 1:3 with lines lw 2 lc rgb '#d1601c' title 'plain, last epoch: '.plain, \
     'normed.dat' using 1:2 with lines lw 2 dt (7,4) lc rgb '#7a4fa3' title 'batch normalised, first update', \
     'normed.dat' using 1:3 with lines lw 2 lc rgb '#7a4fa3' title 'batch normalised, last epoch: '.normed, \
     'skip.dat' using 1:2 with lines lw 2 dt (7,4) lc rgb '#1f6fb4' title 'with skip connections, first update', \
     'skip.dat' using 1:3 with lines lw 2 lc rgb '#1f6fb4' title 'with skip connections, last epoch: '.skip
GNUPLOT
echo "picture: $folder/residual-depth.svg"
