#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Accuracy on small tables of `mote train` beside scikit-learn's MLPClassifier and MLPRegressor, defaults on both sides.

  cmake --workflow --preset release
  python3 -m venv build/tables-venv && build/tables-venv/bin/pip install scikit-learn
  build/tables-venv/bin/python bench/compare/tables.py

Every table is parted 30 times into 70 % for training and 30 % for the test, with equal shares of the classes, and both
sides get the same rows. mote gets two CSV files as they are, words included, and no options but those that cut windows.
scikit-learn gets the numbers, with words as OneHotEncoder makes them, once as they are and once, targets too, through
StandardScaler, which its manual recommends; whoever wants that has to write it. The last two tables are made by the
formulas below, and recordings stay whole when they are parted. Accuracy in percent, or R2; mean and standard deviation
over the splits, and mote's difference to the better of the two, mean and standard error.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


class Table:
    """Columns with names, the last one to be predicted. `group`: rows with one value in this column stay together, and
    samples are windows of 50 rows, one every 25."""

    def __init__(self, names, rows, classes, options=(), group=None):
        self.names, self.rows, self.classes, self.options, self.group = names, rows, classes, list(options), group

    def split(self, seed):
        if self.group is None:
            labels = [row[-1] for row in self.rows] if self.classes else None
            return train_test_split(self.rows, test_size=0.3, random_state=seed, stratify=labels)
        column = self.names.index(self.group)
        label_of = {row[column]: row[-1] for row in self.rows}
        _, test = train_test_split(list(label_of), test_size=0.3, random_state=seed, stratify=list(label_of.values()))
        return ([row for row in self.rows if row[column] not in test], [row for row in self.rows if row[column] in test])

    def samples(self, rows):
        """What scikit-learn gets: inputs and what is to be predicted."""
        if self.group is None:
            return np.array([row[:-1] for row in rows], dtype=object), np.array([row[-1] for row in rows])
        column, inputs, wanted, recordings = self.names.index(self.group), [], [], {}
        for row in rows:
            recordings.setdefault(row[column], []).append(row)
        for recording in recordings.values():
            for first in range(0, len(recording) - 49, 25):
                window = recording[first:first + 50]
                inputs.append([value for row in window for i, value in enumerate(row[:-1]) if i != column])
                wanted.append(window[0][-1])
        return np.array(inputs, dtype=object), np.array(wanted)


def packaged(loader, classes, **options):
    data = loader(**options)
    names = [str(name).replace(',', ' ') for name in data.feature_names]
    wanted = [str(data.target_names[k]) for k in data.target] if classes else [float(y) for y in data.target]
    return Table(names + ['target'], [[*map(float, x), y] for x, y in zip(data.data, wanted)], classes)


def houses():
    """600 houses: price = district x (3000 area + 12000 rooms + 25000 garden) x (1 + 0.002 (year - 1950)) x noise of 8 %,
    in whole euros."""
    random = np.random.RandomState(1)
    factor = {'North': 0.9, 'East': 0.8, 'South': 1.1, 'West': 1.0, 'Centre': 1.6}
    rows = []
    for _ in range(600):
        district = list(factor)[random.randint(5)]
        area, year, garden = round(random.uniform(25, 240), 1), 1890 + random.randint(134), random.randint(2)
        rooms = int(np.clip(round(area / 25 + random.normal()), 1, 9))
        price = (factor[district] * (3000 * area + 12000 * rooms + 25000 * garden) * (1 + 0.002 * (year - 1950)) *
                 np.exp(0.08 * random.normal()))
        rows.append([district, area, rooms, year, 'yes' if garden else 'no', int(price)])
    return Table(['district', 'area', 'rooms', 'year', 'garden', 'price'], rows, False)


def accelerometer():
    """Four activities, 12 recordings of 8 seconds each at 50 Hz, in m/s2: gravity along a direction that differs between
    wearers, and a swing with its first overtone whose rate and strength differ too, and noise."""
    random = np.random.RandomState(2)
    kinds = {'rest': (0.3, 0.15), 'walk': (1.8, 2.0), 'stairs': (1.5, 2.3), 'run': (2.7, 6.0)}
    rows = []
    for number in range(48):
        kind = list(kinds)[number % 4]
        rate, strength = kinds[kind][0] * random.uniform(0.85, 1.15), kinds[kind][1] * random.uniform(0.7, 1.3)
        tilt = random.normal(size=3) * 0.25 + (0, 0, 1)
        gravity, phase, share = 9.81 * tilt / np.linalg.norm(tilt), random.uniform(0, 2 * np.pi, 3), (0.5, 0.7, 1.0)
        overtone = 0.8 if kind == 'stairs' else 0.3
        for t in np.arange(400) / 50:
            swing = [a * (np.sin(2 * np.pi * rate * t + p) + overtone * np.sin(4 * np.pi * rate * t + 2 * p))
                     for a, p in zip(share, phase)]
            rows.append([f'r{number}', *(round(float(g + strength * s + 0.5 * random.normal()), 3)
                                         for g, s in zip(gravity, swing)), kind])
    return Table(['recording', 'ax', 'ay', 'az', 'activity'], rows, True,
                 ['--window', '50', '--hop', '25', '--group', 'recording'], 'recording')


TABLES = {
    'iris': lambda: packaged(datasets.load_iris, True),
    'wine': lambda: packaged(datasets.load_wine, True),
    'breast cancer': lambda: packaged(datasets.load_breast_cancer, True),
    'diabetes': lambda: packaged(datasets.load_diabetes, False, scaled=False),
    'house prices': houses,
    'accelerometer windows': accelerometer,
}


def write_csv(path, names, rows):
    path.write_text('\n'.join(','.join(map(str, row)) for row in [names, *rows]) + '\n')


def mote_score(arguments, folder, table, train, test, seed):
    write_csv(folder / 'train.csv', table.names, train)
    write_csv(folder / 'test.csv', table.names, test)
    command = [arguments.mote, 'train', '--data', folder / 'train.csv', '--test', folder / 'test.csv', *table.options,
               '--seed', str(seed), '--json', *arguments.options.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f'tables.py: {done.stdout.strip()} {done.stderr.strip()}')
    scores = json.loads(done.stdout)['test']
    return 100 * scores['accuracy'] if table.classes else scores['targets'][0]['r2']


def sklearn_score(scaled, table, train, test, seed):
    model = (MLPClassifier if table.classes else MLPRegressor)(random_state=seed)
    x, y = table.samples(train)
    words = [i for i, value in enumerate(x[0]) if isinstance(value, str)]
    steps = [make_column_transformer((OneHotEncoder(handle_unknown='ignore', sparse_output=False), words),
                                     remainder='passthrough')] if words else []
    pipeline = make_pipeline(*steps, *([StandardScaler()] if scaled else []), model)
    if scaled and not table.classes:
        pipeline = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # it says that 200 epochs, its default, are too few
        pipeline.fit(x if words else x.astype(float), y)
    x, y = table.samples(test)
    return (100 if table.classes else 1) * pipeline.score(x if words else x.astype(float), y)


SIDES = ('mote', 'scikit-learn', 'scikit-learn scaled')


def measure(arguments, name):
    table = TABLES[name]()
    scores, seconds = {side: [] for side in SIDES}, dict.fromkeys(SIDES, 0.0)
    for seed in range(1, arguments.splits + 1):
        train, test = table.split(seed)
        for side in SIDES:
            begin = time.perf_counter()
            if side == 'mote':
                with tempfile.TemporaryDirectory() as folder:
                    score = mote_score(arguments, pathlib.Path(folder), table, train, test, seed)
            else:
                score = sklearn_score(side.endswith('scaled'), table, train, test, seed)
            scores[side].append(score)
            seconds[side] += (time.perf_counter() - begin) / arguments.splits
    return {'table': name, 'unit': '%' if table.classes else 'R2', 'scores': scores, 'seconds': seconds}


def row(result):
    digits = 2 if result['unit'] == '%' else 4
    scores = {side: np.array(values) for side, values in result['scores'].items()}
    better = max(SIDES[1:], key=lambda side: scores[side].mean())
    difference = scores['mote'] - scores[better]
    cells = [f'{scores[side].mean():.{digits}f} ± {scores[side].std(ddof=1):.{digits}f}' for side in SIDES]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return (f'| {result["table"]}, {result["unit"]} | {" | ".join(cells)} | '
            f'{difference.mean():+.{digits}f} ± {error:.{digits}f} | {result["seconds"]["mote"]:.2f} s | '
            f'{result["seconds"][better]:.2f} s |')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument('--mote', default=str(root / 'build/release/mote'), help='the tool (%(default)s)')
    parser.add_argument('--rows', default='', help='tables whose name matches this regular expression')
    parser.add_argument('--splits', type=int, default=30, help='how often each table is parted, 2 or more (%(default)s)')
    parser.add_argument('--options', default='', help='more options for mote train, such as "--optimizer adam"')
    parser.add_argument('--json', action='store_true', help='print every score as JSON instead of the table')
    arguments = parser.parse_args()
    if arguments.splits < 2:
        parser.error('--splits: a deviation needs 2 or more')
    if not pathlib.Path(arguments.mote).is_file():
        sys.exit(f'tables.py: there is no {arguments.mote}; build it with: cmake --workflow --preset release')
    results = []
    for name in TABLES:
        if re.search(arguments.rows, name):
            results.append(measure(arguments, name))
            print(row(results[-1]), file=sys.stderr, flush=True)
    if arguments.json:
        return print(json.dumps(results, indent=1))
    print('| table | mote | scikit-learn | scikit-learn, StandardScaler | mote − the better | time | its time |')
    print('|---|--:|--:|--:|--:|--:|--:|')
    for result in results:
        print(row(result))


if __name__ == '__main__':
    main()
