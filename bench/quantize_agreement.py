#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often int8 models choose the class that their float32 model chooses: published ones and mote quantize's.

  cmake --workflow --preset release
  bench/quantize_agreement.py --models FOLDER --data /usr/share/datasets/fashion-mnist

FOLDER has the eight files of MLPerf Tiny v1. Their data sets are not needed: a third of the pictures are Fashion-MNIST's,
enlarged, in two colours of their own each and with noise; the others, and spectra and features, are noise whose power
falls with the square of the frequency, as that of photographs does. Of eight times as many inputs as are compared those
are taken that the float32 model is least sure of, so that its classes all come up. 200 others calibrate. Of the
autoencoder, which has no classes, the signal-to-noise ratio of the outputs counts. Needs NumPy.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import tempfile

import numpy as np

MODELS = [('keywords', 'kws_ref_model_float32', 'kws_ref_model'),
          ('ResNet-8', 'pretrainedResnet', 'pretrainedResnet_quant'),
          ('persons', 'vww_96_float', 'vww_96_int8'),
          ('anomalies', 'ad01_fp32', 'ad01_int8')]
RULES = ('min-max', 'percentile', 'mse', 'kl')


def clothes(folder, shape, count, random):
    with gzip.open(next(pathlib.Path(folder).glob('t10k-images*'))) as file:
        grey = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:count] / 255.0
    rows, columns = (np.arange(n) * 28 // n for n in shape[:2])
    grey = grey[:, rows][:, :, columns][..., None]
    colours = random.uniform(0, 1, (2, count, 1, 1, shape[2]))
    return grey * colours[0] + (1 - grey) * colours[1] + random.normal(0, 0.04, (count, *shape))


def smooth(shape, count, random):
    """Channels share most of what they show; mean 0, deviation 1."""
    height, width, channels = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1 / max(height, width)
    out = np.fft.ifft2(np.fft.fft2(random.normal(size=(count, channels, height, width))) / frequency ** 2).real
    out /= out.std(axis=(2, 3), keepdims=True)
    return np.moveaxis(0.8 * out[:, :1] + 0.2 * out, 1, 3)


def inputs(name, folder, shape, count, random):
    """In [0, 1]: the range of the int8 input."""
    if shape[2] == 3:
        third = count // 3
        noise = smooth(shape, count - third, random) * random.uniform(0.1, 0.3, (count - third, 1, 1, 1))
        noise += random.uniform(0.2, 0.8, (count - third, 1, 1, 3))
        made = np.concatenate([clothes(folder, shape, third, random), noise])
    elif name == 'keywords':
        made = 0.83 + smooth(shape, count, random) * random.uniform(0.02, 0.25, (count, 1, 1, 1))
    else:
        made = 0.5 + smooth((5, 128, 1), count, random) * random.uniform(0.05, 0.2, (count, 1, 1, 1))
    return np.clip(random.permutation(made), 0, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--tool', default='build/release/mote')
    parser.add_argument('--models', required=True)
    parser.add_argument('--data', required=True)
    parser.add_argument('--samples', type=int, default=300)
    parser.add_argument('--rules', nargs='*', default=RULES)
    a = parser.parse_args()
    random = np.random.default_rng(1)

    def mote(*words):
        done = subprocess.run([a.tool, *map(str, words)], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def outputs(model, x):
            np.save(folder / 'x.npy', x)
            mote('run', model, '--input', folder / 'x.npy', '--output', folder / 'y.npy', '--force')
            return np.load(folder / 'y.npy').astype(float)

        print(f'{"":10} {"published":>14} ' + ' '.join(f'{rule:>14}' for rule in a.rules), ' most frequent class')
        for name, real, published in MODELS:
            real, published = (pathlib.Path(a.models) / f'{m}.tflite' for m in (real, published))
            layers = json.loads(mote('info', published, '--json'))['layers']
            shape, scale, zero = layers[0]['shape'], layers[0]['scale'], layers[0]['zero_point']
            x = inputs(name, a.data, shape, 8 * a.samples + 200, random)
            whole = np.round(x * 255 - 128).reshape(len(x), -1)
            values = ((whole - zero) * scale).astype(np.float32)
            np.save(folder / 'calibration.npy', values[-200:])
            sure = np.sort(outputs(real, values[:-200]), axis=1)
            unsure = np.argsort(sure[:, -1] - sure[:, -2])[:a.samples]
            whole, values = whole[unsure], values[unsure]
            wanted = outputs(real, values)

            def score(got):
                ratio = f'{10 * np.log10((wanted ** 2).sum() / ((wanted - got) ** 2).sum()):.1f} dB'
                agreed = f'{100 * np.mean(got.argmax(1) == wanted.argmax(1)):.1f}% '
                return ratio if name == 'anomalies' else agreed + ratio

            got = outputs(published, whole.astype(np.int8))
            row = [score((got - layers[-1]['zero_point']) * layers[-1]['scale'])]
            for rule in a.rules:
                mote('quantize', real, '--input', folder / 'calibration.npy', '--range', rule, '--alone', 0, '--out',
                     folder / 'q.mote', '--force')
                row.append(score(outputs(folder / 'q.mote', values)))
            most = np.bincount(wanted.argmax(1)).max() / len(wanted)
            print(f'{name:10} ' + ' '.join(f'{cell:>14}' for cell in row) + f'  {100 * most:.0f}%', flush=True)


main()
