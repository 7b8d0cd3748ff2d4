#!/usr/bin/env python3
"""Writes the gestures that the example learns from, and a session to try it on.

    python3 examples/gesture/make_gestures.py examples/gesture

makes DIR/gestures.npz, windows of 64 samples of an accelerometer for training, validation and
testing, each of other people, and DIR/session.csv, a minute of another person's movements. The
files that ship are the ones that this writes (numpy 2; the seed is fixed).

No person has moved: the data are generated. A hand holds an accelerometer that is read 50 times a
second, in counts of 1/8192 g, as an MPU-6050 gives them with a range of 4 g. What it measures is
the hand's own acceleration and gravity as the hand sees it, turned by how the sensor sits in the
hand, with an offset and noise of the sensor. Gestures:

    rest    held still: tremor, and slow turns of the hand
    circle  a circle in the plane of x and y
    shake   fast, from side to side, along x
    lift    up and down, along z
    nod     the hand turns about x, to and fro

People differ in speed, strength, roundness, tremor and how the sensor sits; each repetition does a
little.
"""

import argparse
import csv
import pathlib

import numpy as np

RATE_HERTZ = 50
COUNTS_PER_G = 8192
WINDOW = 64
STRIDE = 48
WINDOWS = 7
NAMES = ["rest", "circle", "shake", "lift", "nod"]
# People whose movements are for each purpose; the last one is in the session.
PEOPLE = {"train": 18, "val": 4, "test": 6}
SEED = 20


class Person:
    """How somebody moves; speeds in hertz, strengths in g, angles in radians."""

    def __init__(self, random):
        self.random = random
        self.speed = random.uniform(0.8, 1.25)
        self.strength = random.uniform(0.75, 1.3)
        self.roundness = random.uniform(0.6, 1.0)
        self.tremor = random.uniform(0.005, 0.03)
        self.seat = turn(*random.normal(0, 0.22, 3))
        self.offset = random.normal(0, 0.02, 3)

    def gesture(self, name, count):
        """Acceleration of `count` samples, without noise, in g: count x 3."""
        random = self.random
        # Speed and strength wander as the gesture is repeated.
        pace = self.speed * random.uniform(0.9, 1.1) * (1 + 0.08 * wander(random, count))
        force = self.strength * random.uniform(0.85, 1.15) * (1 + 0.12 * wander(random, count))
        phase = lambda hertz: 2 * np.pi * (random.uniform() + np.cumsum(hertz * pace) / RATE_HERTZ)
        move = np.zeros((count, 3))
        tilt_x, tilt_y = 0.08 * wander(random, count), 0.08 * wander(random, count)
        if name == "rest":
            tilt_x, tilt_y = 0.35 * wander(random, count), 0.35 * wander(random, count)
        elif name == "circle":
            at, sense = phase(1.3), random.choice([-1, 1])
            move[:, 0] = 0.75 * force * np.cos(at)
            move[:, 1] = 0.75 * force * self.roundness * sense * np.sin(at)
        elif name == "shake":
            at = phase(3.6)
            move[:, 0] = 1.1 * force * (np.sin(at) + 0.2 * np.sin(3 * at))
        elif name == "lift":
            at = phase(1.1)
            move[:, 2] = 0.6 * force * (np.sin(at) + 0.25 * np.sin(2 * at))
        elif name == "nod":
            at = phase(1.0)
            tilt_x = tilt_x + 0.75 * np.minimum(force, 1.4) * np.sin(at)
            move[:, 1] += 0.08 * force * np.sin(at)
        # Gravity along z, as a hand sees it that is turned about x and y.
        gravity = np.stack(
            [
                -np.sin(tilt_y),
                np.sin(tilt_x) * np.cos(tilt_y),
                np.cos(tilt_x) * np.cos(tilt_y),
            ],
            axis=1,
        )
        shiver = self.tremor * np.stack([wander(random, count, 9) for _ in range(3)], axis=1)
        return gravity + move + shiver

    def counts(self, acceleration):
        """What the sensor gives for it."""
        noise = self.random.normal(0, 0.004, acceleration.shape)
        seen = acceleration @ self.seat.T + self.offset + noise
        return np.clip(np.rint(seen * COUNTS_PER_G), -32768, 32767).astype(np.int16)


def wander(random, count, hertz=0.5):
    """A slow random curve, about within -1 to 1."""
    time = np.arange(count) / RATE_HERTZ
    waves = [
        np.sin(2 * np.pi * (hertz * random.uniform(0.3, 1.3) * time + random.uniform()))
        for _ in range(3)
    ]
    return sum(waves) / 1.8


def turn(about_x, about_y, about_z):
    """The matrix of three turns."""
    (cx, cy, cz), (sx, sy, sz) = (
        np.cos([about_x, about_y, about_z]),
        np.sin([about_x, about_y, about_z]),
    )
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return x @ y @ z


def windows(people):
    """Windows of all gestures of those people, and their names."""
    values, names = [], []
    for person in people:
        for name in NAMES:
            counts = person.counts(person.gesture(name, WINDOW + (WINDOWS - 1) * STRIDE))
            for first in range(0, WINDOWS * STRIDE, STRIDE):
                values.append(counts[first : first + WINDOW])
                names.append(name)
    return np.array(values)[:, None], np.array(names)


def session(person, gestures):
    """A stream of gestures of 4 seconds, each of which turns into the next within 0.4 seconds."""
    length, blend = 4 * RATE_HERTZ, 2 * RATE_HERTZ // 5
    stream, names = None, []
    for name in gestures:
        part = person.gesture(name, length + blend)
        if stream is None:
            stream = part
        else:
            share = np.linspace(0, 1, blend)[:, None]
            stream[-blend:] = (1 - share) * stream[-blend:] + share * part[:blend]
            stream = np.concatenate([stream, part[blend:]])
        names += [name] * length
    return person.counts(stream[: len(names)]), names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, metavar="DIR")
    out = parser.parse_args().out
    random = np.random.default_rng(SEED)
    arrays = {}
    for part, count in PEOPLE.items():
        people = [Person(random) for _ in range(count)]
        arrays[f"x_{part}"], arrays[f"y_{part}"] = windows(people)
    np.savez_compressed(out / "gestures.npz", **arrays)
    gestures = ["rest", "circle", "rest", "shake", "lift", "nod", "circle", "shake", "rest"]
    gestures += ["nod", "shake", "circle", "lift", "rest", "nod"]
    counts, names = session(Person(random), gestures)
    with open(out / "session.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["x", "y", "z", "gesture"])
        for row, name in zip(counts, names):
            writer.writerow([*map(int, row), name])
    for part in PEOPLE:
        print(f"{len(arrays[f'y_{part}'])} windows for {part}")
    print(f"{len(names)} samples of a session")


if __name__ == "__main__":
    main()
