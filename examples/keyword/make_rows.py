#!/usr/bin/env python3
"""Writes the Free Spoken Digit Dataset as rows of features: idx files, named as MNIST's are.

    python3 make_rows.py ../../../shared/fsdd OUT

reads the recordings from DIR/fsdd-8khz-s16le.pcm.gz (all of them end to end, signed 16-bit
little-endian, mono, 8 kHz) and which is which from DIR/fsdd-index.csv (file, split, digit,
speaker, take, offset and length in samples). Of 50 takes a speaker and digit, 0 to 4 are for
testing. The dataset (https://github.com/Jakobovski/free-spoken-digit-dataset) is CC BY-SA 4.0.

A recording gives 32 rows of 20 features. Its first second counts; silence is added to a shorter
one. A row is made of 256 samples, 250 after those of the row before: of their power spectrum under
a Hann window, p = the sum in each of 20 triangular mel bands from 100 to 4,000 Hz, and a feature is
28 (log10(p + 10^-6) + 6), a byte. Needs NumPy.
"""

import argparse
import csv
import gzip
import pathlib

import numpy as np

RATE_HERTZ = 8000
FRAME = 256
HOP = 250
ROWS = 32
BANDS = 20
LOWEST_HERTZ, HIGHEST_HERTZ = 100, 4000
BYTES = 2


def bands():
    """The weight of each frequency in each band, [band, frequency]."""
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    edges = np.linspace(mel(LOWEST_HERTZ), mel(HIGHEST_HERTZ), BANDS + 2)
    edges = 700 * (10 ** (edges / 2595) - 1)
    hertz = np.fft.rfftfreq(FRAME, 1 / RATE_HERTZ)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))


def rows(samples, weights):
    """The features of a recording, [row, band]."""
    second = np.zeros(max(RATE_HERTZ, (ROWS - 1) * HOP + FRAME))
    samples = samples[:RATE_HERTZ] / 32768
    second[: len(samples)] = samples
    frames = np.stack([second[row * HOP :][:FRAME] for row in range(ROWS)])
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    features = 28 * (np.log10(power @ weights.T + 1e-6) + 6)
    return np.clip(np.round(features), 0, 255).astype(np.uint8)


def write(path, array):
    """An idx file of bytes."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    path.write_bytes(header + array.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fsdd", type=pathlib.Path, metavar="DIR")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT")
    arguments = parser.parse_args()
    pcm = gzip.decompress((arguments.fsdd / "fsdd-8khz-s16le.pcm.gz").read_bytes())
    weights = bands()
    features = {"train": [], "test": []}
    labels = {"train": [], "test": []}
    with open(arguments.fsdd / "fsdd-index.csv", newline="") as index:
        for row in csv.DictReader(index):
            offset, length = int(row["offset_samples"]) * BYTES, int(row["length_samples"]) * BYTES
            samples = np.frombuffer(pcm[offset : offset + length], "<i2")
            features[row["split"]].append(rows(samples, weights))
            labels[row["split"]].append(int(row["digit"]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for split, name in [("train", "train"), ("test", "t10k")]:
        write(arguments.out / f"{name}-images-idx3-ubyte", np.stack(features[split]))
        write(arguments.out / f"{name}-labels-idx1-ubyte", np.array(labels[split], np.uint8))
    print(f"{len(labels['train'])} digits to train on and {len(labels['test'])} to test in {arguments.out}")


if __name__ == "__main__":
    main()
