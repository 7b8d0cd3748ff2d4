#!/usr/bin/env python3
"""Writes the Free Spoken Digit Dataset as wav files: OUT/train/<digit>/<name>.wav and OUT/test/….

    python3 make_wavs.py ../../../shared/fsdd OUT

reads the recordings from DIR/fsdd-8khz-s16le.pcm.gz (all of them end to end, signed 16-bit
little-endian, mono, 8 kHz) and which is which from DIR/fsdd-index.csv (file, split, digit,
speaker, take, offset and length in samples). Of 50 takes a speaker and digit, 0 to 4 are for
testing. The dataset (https://github.com/Jakobovski/free-spoken-digit-dataset) is CC BY-SA 4.0.

--bits 10 keeps as many bits of each sample as an ADC of 10 bits does.
"""

import argparse
import csv
import gzip
import pathlib
import struct
import wave

RATE_HERTZ = 8000
BYTES = 2


def coarse(frames, bits):
    """The samples with that many bits, rounded down."""
    step = 1 << (16 - bits)
    samples = struct.unpack(f"<{len(frames) // BYTES}h", frames)
    return struct.pack(f"<{len(samples)}h", *(sample // step * step for sample in samples))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fsdd", type=pathlib.Path, metavar="DIR")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT")
    parser.add_argument("--bits", type=int, default=16, choices=range(2, 17), metavar="N")
    arguments = parser.parse_args()
    pcm = gzip.decompress((arguments.fsdd / "fsdd-8khz-s16le.pcm.gz").read_bytes())
    count = 0
    with open(arguments.fsdd / "fsdd-index.csv", newline="") as index:
        for row in csv.DictReader(index):
            offset, length = int(row["offset_samples"]) * BYTES, int(row["length_samples"]) * BYTES
            folder = arguments.out / row["split"] / row["digit"]
            folder.mkdir(parents=True, exist_ok=True)
            name = pathlib.Path(row["file"]).stem + ".wav"
            with wave.open(str(folder / name), "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(BYTES)
                sound.setframerate(RATE_HERTZ)
                sound.writeframes(coarse(pcm[offset : offset + length], arguments.bits))
            count += 1
    print(f"{count} sounds in {arguments.out}")


if __name__ == "__main__":
    main()
