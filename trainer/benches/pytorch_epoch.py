#!/usr/bin/env python3
"""Seconds that PyTorch takes for an epoch of quantisation-aware training, for comparison.

The published network, [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >, on
60,000 MNIST images, on the CPU with two threads: batches of 256, Adam, cross entropy, weights
and activations of 4 bits, biases of 16, power-of-two scales. First comes an epoch in floating
point, from which the scales are taken and which warms up; three quantised epochs are measured.

    pip install torch numpy
    python3 trainer/benches/pytorch_epoch.py ../shared/mnist [--json]
"""

import argparse
import gzip
import json
import math
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

IMAGES = 60_000
BATCH = 256
EPOCHS = 3
# Of 50 + 368 + 803 + 1,770, weights and biases.
PARAMETERS = 2_991


def idx(folder, name, magic):
    """An idx file, plain or gz: `magic` is what it starts with, its type and count of axes."""
    path = folder / name
    if not path.exists():
        path = folder / f"{name}.gz"
    if not path.exists():
        raise SystemExit(f"error: {folder} needs {name} or {name}.gz: give MNIST's folder")
    data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes + 1)[1:]
    if data[:4] != magic or len(data) != 4 + 4 * axes + math.prod(shape.tolist()):
        raise SystemExit(f"error: {path} is no idx file of bytes with {magic[3]} axes")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()


def power_of_two(largest, most):
    """The least power of two by which `largest` is at most `most`."""
    return 2.0 ** math.ceil(math.log2(largest / most))


def quantised(values, scale, least, most):
    """Multiples of `scale`: the clamp is on the tape, the rounding is not."""
    # A clamp whose gradient is one kernel, where that of `clamp` is three.
    clamped = functional.hardtanh(values, least * scale, most * scale)
    # Its gradient needs what it was given, not what it gave: that may be changed in place.
    clamped.data.mul_(1 / scale).round_().mul_(scale)
    return clamped


class Layer(nn.Module):
    """A convolution or dense layer with what follows its sums.

    Without scales it computes in floating point and keeps the largest output that it gave.
    """

    def __init__(self, sums, activation):
        super().__init__()
        self.sums = sums
        self.activation = activation
        self.scales = None
        self.largest = 0.0

    def forward(self, values):
        weight, bias = self.sums.weight, self.sums.bias
        if self.scales:
            of_weights, of_biases, of_outputs = self.scales
            weight = quantised(weight, of_weights, -8, 7)
            bias = quantised(bias, of_biases, -(2**15), 2**15 - 1)
        if isinstance(self.sums, nn.Conv2d):
            sums = functional.conv2d(values, weight, bias)
        else:
            sums = functional.linear(values, weight, bias)
        if not self.activation:
            return sums
        if self.scales:
            # ReLU is a part of the clamp.
            return quantised(sums, of_outputs, 0, 15)
        outputs = functional.relu(sums)
        if not self.training:
            self.largest = max(self.largest, outputs.max().item())
        return outputs


class Digits(nn.Module):
    """The network, of bytes [images, 1, 28, 28]."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                Layer(nn.Conv2d(1, 5, 3), activation=True),
                Layer(nn.Conv2d(5, 8, 3), activation=True),
                Layer(nn.Conv2d(8, 11, 3), activation=True),
                Layer(nn.Linear(11 * 4 * 4, 10), activation=False),
            ]
        )

    def forward(self, pixels):
        # floor(sum of 4 pixels * 16 / (256 * 4)), 0 to 15, as sixteenths.
        values = functional.avg_pool2d(pixels.float(), 2).mul_(1 / 16).floor_().mul_(1 / 16)
        for layer in self.layers[:3]:
            values = layer(values)
        values = functional.max_pool2d(values, 2)
        values = functional.dropout(values.flatten(1), 0.5, self.training)
        return self.layers[3](values)

    @torch.no_grad()
    def calibrate(self, pixels):
        """Takes scales from the weights as they are, and from the outputs for `pixels`."""
        self.eval()
        self(pixels)
        of_inputs = 1 / 16
        for layer in self.layers:
            of_weights = power_of_two(layer.sums.weight.abs().max().item(), 7)
            of_outputs = power_of_two(layer.largest, 15) if layer.activation else None
            layer.scales = (of_weights, of_inputs * of_weights, of_outputs)
            of_inputs = of_outputs


def epoch(network, optimiser, images, labels):
    """Trains on every image once, in random order; gives seconds and the mean loss."""
    network.train()
    start = time.perf_counter()
    total = torch.zeros(())
    for batch in torch.randperm(len(images)).split(BATCH):
        optimiser.zero_grad()
        loss = functional.cross_entropy(network(images.index_select(0, batch)), labels[batch])
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(batch)
    return time.perf_counter() - start, total.item() / len(images)


def check(network, images, labels):
    """Refuses to measure anything but what is claimed."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    found = [tuple(images.shape), tuple(labels.shape), tuple(network(images[:2]).shape), parameters]
    needed = [(IMAGES, 1, 28, 28), (IMAGES,), (2, 10), PARAMETERS]
    if found != needed:
        raise SystemExit(f"error: images, labels, logits, parameters: needed {needed}, got {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="MNIST's idx files, plain or .gz")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()

    torch.set_num_threads(2)
    torch.manual_seed(0)
    images = idx(arguments.folder, "train-images-idx3-ubyte", b"\0\0\x08\x03")
    labels = idx(arguments.folder, "train-labels-idx1-ubyte", b"\0\0\x08\x01")
    images, labels = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).long()
    network = Digits().to(memory_format=torch.channels_last)
    check(network, images, labels)

    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3, fused=True)
    epoch(network, optimiser, images, labels)
    network.calibrate(images[:1024])
    measured = [epoch(network, optimiser, images, labels) for _ in range(EPOCHS)]
    seconds = statistics.median(seconds for seconds, _ in measured)
    loss = measured[-1][1]
    result = {
        "framework": f"PyTorch {torch.__version__}",
        "threads": torch.get_num_threads(),
        "images": IMAGES,
        "batch": BATCH,
        "parameters": PARAMETERS,
        "seconds_per_epoch": round(seconds, 3),
        "loss": round(loss, 4),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{result['framework']}, {result['threads']} threads: {seconds:.2f} s an epoch of "
            f"{IMAGES:,} images ({PARAMETERS:,} parameters), loss {loss:.4f}"
        )


if __name__ == "__main__":
    main()
