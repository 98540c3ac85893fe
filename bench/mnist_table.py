#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Test error on MNIST of four networks with three kinds of regularisation, beside a published table.

  cmake --workflow --preset release
  bench/mnist_table.py --data FOLDER            (the four MNIST files, plain or .gz)

Every cell is one run of `mote train`: 54 000 samples to train, 6 000 to choose the epoch, 10 000 to test. Twelve runs
take about half an hour on one core. Finished cells are kept in the output folder; a second call goes on after them.
Needs Python's standard library only.
"""
import argparse
import json
import pathlib
import subprocess
import sys

# What the lecture text reports: test error in percent of the model that validation chose.
PUBLISHED = {
    'MLP tanh 512-512-512': (1.8, 1.7, 1.5),
    'MLP ReLU 512-512-512': (1.5, 1.6, 1.4),
    'MLP ReLU 1024x4': (1.5, 1.4, 1.4),
    'ConvNet ReLU': (1.0, 1.0, 0.8),
}
REGULARIZATIONS = ('none', 'L2 1e-5', 'dropout 0.5')


def mlp(units, activation, hidden):
    def text(dropout):
        layer = f'dense {units}; {activation}; '
        return 'input 784; ' + layer * hidden + ('dropout 0.5; ' if dropout else '') + 'dense 10; softmax'
    return text


def convnet(dropout):
    drop = 'dropout 0.5; ' if dropout else ''
    return ('input 28x28x1; conv2d 32 3x3; relu; max_pool 2; conv2d 64 3x3; relu; max_pool 2; flatten; ' + drop +
            'dense 128; relu; ' + drop + 'dense 10; softmax')


# Network, its training, and its training with dropout: half of the units in front of the output layer (in front of
# every layer, networks of this size learn too little: 1.9 % test error), and samples shifted by up to one pixel, as is
# usual today. --plain leaves the shifts out.
SHIFT = ' --augment-shift 1'
MODELS = {
    'MLP tanh 512-512-512': (mlp(512, 'tanh', 3), '--optimizer sgd --lr 0.1 --batch 16 --epochs 20',
                             '--optimizer sgd --lr 0.1 --batch 16 --epochs 25' + SHIFT),
    'MLP ReLU 512-512-512': (mlp(512, 'relu', 3), '--optimizer momentum --lr 0.05 --batch 64 --epochs 20',
                             '--optimizer momentum --lr 0.05 --batch 64 --epochs 25' + SHIFT),
    'MLP ReLU 1024x4': (mlp(1024, 'relu', 4), '--optimizer sgd --lr 0.1 --batch 16 --epochs 12',
                        '--optimizer sgd --lr 0.1 --batch 16 --epochs 12' + SHIFT),
    'ConvNet ReLU': (convnet, '--optimizer adam --lr 0.001 --batch 64 --epochs 12',
                     '--optimizer adam --lr 0.001 --batch 64 --epochs 15'),
}


def run_cell(arguments, model, regularization):
    dropout = regularization.startswith('dropout')
    text, options = MODELS[model][0], MODELS[model][2 if dropout else 1]
    if arguments.plain:
        options = options.replace(SHIFT, '')
    command = [arguments.mote, 'train', '--model', text(dropout), '--data', arguments.data, '--validation-fraction',
               '0.1', '--keep-best', '--monitor', 'accuracy', '--schedule', 'cosine', '--seed', str(arguments.seed),
               '--json'] + options.split()
    if regularization.startswith('L2'):
        command += ['--l2', '1e-5']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        try:
            message = json.loads(done.stdout)['error']['message']
        except (ValueError, KeyError):
            message = done.stderr.strip() or done.stdout.strip()
        sys.exit(f'mnist_table.py: {message}')
    report = json.loads(done.stdout)
    best = report['epochs'][report['best_epoch'] - 1]
    return {'model': model, 'regularization': regularization, 'shifted': SHIFT.strip() in options,
            'test_error': 100 - 100 * report['test']['accuracy'],
            'validation_error': 100 - 100 * best['validation_accuracy'], 'best_epoch': report['best_epoch'],
            'epochs': len(report['epochs']), 'arena_bytes': report['arena_bytes'],
            'seconds_per_epoch': sum(e['seconds'] for e in report['epochs']) / len(report['epochs']),
            'samples_per_second': report['samples_per_second'], 'isa': report['isa'], 'command': command[1:]}


def table(cells):
    lines = ['| model | regularisation | validation error % | test error % | published | seconds/epoch | samples/s | '
             'arena bytes |', '|---|---|---|---|---|---|---|---|']
    for model, published in PUBLISHED.items():
        for regularization, wanted in zip(REGULARIZATIONS, published):
            cell = cells.get((model, regularization))
            if cell:
                shifted = ' and shifts' if cell['shifted'] else ''
                lines.append(f'| {model} | {regularization}{shifted} | {cell["validation_error"]:.2f} | '
                             f'{cell["test_error"]:.2f} | {wanted} | {cell["seconds_per_epoch"]:.1f} | '
                             f'{cell["samples_per_second"]:.0f} | {cell["arena_bytes"]} |')
    return '\n'.join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument('--data', required=True, help='folder with the four MNIST files')
    parser.add_argument('--mote', default=str(root / 'build/release/mote'), help='the tool (%(default)s)')
    parser.add_argument('--out', default=str(root / 'build/mnist_table'), help='folder for results (%(default)s)')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--plain', action='store_true', help='dropout without shifted samples too')
    parser.add_argument('--only', default='', help='cells whose name contains this, such as ConvNet or dropout')
    parser.add_argument('--json', action='store_true', help='print JSON instead of the table')
    arguments = parser.parse_args()
    if not pathlib.Path(arguments.mote).is_file():
        sys.exit(f'mnist_table.py: there is no {arguments.mote}; build it with: cmake --workflow --preset release')
    names = ['train-images', 'train-labels', 't10k-images', 't10k-labels']
    folder = pathlib.Path(arguments.data)
    missing = [name for name in names if not list(folder.glob(name + '*'))]
    if missing:
        sys.exit(f'mnist_table.py: {folder} has no {missing[0]}-… file; put train-images-idx3-ubyte, '
                 'train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte of MNIST there (plain or '
                 '.gz; the original files have 60 000 and 10 000 images)')
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    cells = {}
    wanted = [(m, r) for m in MODELS for r in REGULARIZATIONS if arguments.only in f'{m}, {r}']
    for number, (model, regularization) in enumerate(wanted, 1):
        kept = out / f'{model} {regularization}{" plain" if arguments.plain else ""} seed {arguments.seed}.json'.replace(' ', '_')
        if not kept.exists():
            print(f'[{number}/{len(wanted)}] {model}, {regularization} …', file=sys.stderr, flush=True)
            kept.with_suffix('.part').write_text(json.dumps(run_cell(arguments, model, regularization), indent=1))
            kept.with_suffix('.part').rename(kept)
        cell = cells[model, regularization] = json.loads(kept.read_text())
        print(f'[{number}/{len(wanted)}] {model}, {regularization}: test error {cell["test_error"]:.2f} %, '
              f'{cell["samples_per_second"]:.0f} samples/s', file=sys.stderr, flush=True)
    print(json.dumps(list(cells.values()), indent=1) if arguments.json else table(cells))


if __name__ == '__main__':
    main()
