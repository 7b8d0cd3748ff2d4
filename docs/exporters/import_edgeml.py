"""EdgeML's saved models as weights files: `python3 import_edgeml.py KIND FOLDER FILE`.

KIND is bonsai, proto or fastgrnn, FOLDER is where EdgeML's trainer wrote `W.npy`, `Z.npy` and
the others. Prints the list to declare.
"""

import argparse
import pathlib

import numpy as np
from safetensors.numpy import save_file

UNIT = 7  # fraction bits of what prototypes are held against
INPUT = 5  # fraction bits of standardised features in bytes: -4 to 4


def exponent(values, bits=8):
    """The largest power of two by which those values fit that many bits."""
    largest = np.abs(values).max()
    return int(np.floor(np.log2((2 ** (bits - 1) - 1) / largest))) if largest > 0 else 0


def integers(values, exponent, dtype):
    limits = np.iinfo(dtype)
    scaled = np.round(np.float64(values) * 2.0**exponent)
    return np.clip(scaled, limits.min, limits.max).astype(dtype)


def folded(weights, constant, features, arguments):
    """Weights [out, in] of x = (u * scale + offset - mean) / std as weights and biases of the
    bytes u."""
    weights = weights / features["std"]
    constant = constant + weights @ (arguments.offset - features["mean"])
    return weights * arguments.scale, constant


def projection(weights, constant, arguments, ends_at):
    """The tensors of a projection; `ends_at` is the fraction that its values must have, or None
    for as many bits as fit."""
    e = exponent(weights)
    weight = integers(weights, e, np.int8)
    bias = integers(constant, e, np.int32)
    if ends_at is None:
        if arguments.inputs is None:
            bound = 255 * np.abs(weight.astype(np.int64)).sum(1) + np.abs(bias.astype(np.int64))
            largest = bound.max()
        else:
            inputs = np.load(arguments.inputs)
            inputs = inputs.reshape(len(inputs), -1).astype(np.int64)
            largest = np.abs(inputs @ weight.T.astype(np.int64) + bias).max()
        right = 0
        while (largest + (1 << right >> 1)) >> right > 32767:
            right += 1
    else:
        right = e - ends_at
        assert right >= 0, "weights are too large for the fraction of prototypes: use a smaller scale"
    tensors = {
        "0.projection.weight": weight,
        "0.projection.bias": bias,
        "0.projection.shift": np.array([right], np.uint8),
    }
    return tensors, e - right


def bonsai(load, arguments):
    z, w, v = load("Z"), load("W"), load("V") * arguments.sigma
    theta = load("T", required=False)
    projected, nodes = z.shape[0], 1 if theta is None else 2 * len(theta) + 1
    depth, classes = (nodes + 1).bit_length() - 2, len(w) // nodes
    features = standardisation(load, z.shape[1] - 1)
    # EdgeML divides by p, and its last feature is a constant 1.
    z = z / projected
    weights, constant = folded(z[:, :-1], z[:, -1], features, arguments)
    tensors, ez = projection(weights, constant, arguments, None)
    by_node = (nodes, classes, projected)
    ev = exponent(v)
    tensors["0.score.weight"] = integers(w, exponent(w), np.int8).reshape(by_node)
    tensors["0.gate.weight"] = integers(v, ev, np.int8).reshape(by_node)
    shift = ez + ev - (7 if arguments.hard else 5)
    assert shift >= 0, "the weights V are too large: use the bytes of a larger range"
    tensors["0.shift"] = np.array([shift], np.uint8)
    if theta is not None and len(theta) > 0:
        tensors["0.branch.weight"] = integers(theta, exponent(theta), np.int8)
    gate = ", gate: hard" if arguments.hard else ""
    return tensors, f"Bonsai({depth}, {projected}, {classes}{gate})"


def proto(load, arguments):
    w, b, z = load("W"), load("B"), load("Z")
    gamma = float(load("gamma"))
    features = standardisation(load, len(w))
    weights, constant = folded(gamma * w.T, np.zeros(w.shape[1]), features, arguments)
    tensors, _ = projection(weights, constant, arguments, UNIT)
    tensors["0.prototype"] = integers(gamma * b.T, UNIT, np.int16)
    tensors["0.label.weight"] = integers(z.T, exponent(z), np.int8)
    return tensors, f"Proto({b.shape[0]}, {b.shape[1]}, {len(z)})"


def sigmoid(x):
    return 1 / (1 + np.exp(-float(x)))


def factors(load, name):
    """The matrices that a row vector is multiplied by, one after another, of W or U: one, or two of
    a low rank; each [out, in]."""
    whole = load(name, required=False)
    if whole is not None:
        return [whole.T]
    return [load(name + "1").T, load(name + "2").T]


def first_factor(matrix, fraction, largest):
    """A first factor of a low rank: its integers, the shift of what it makes, and the fraction that
    this has; `largest` is the largest input."""
    e = exponent(matrix)
    weight = integers(matrix, e, np.int8)
    bound = np.abs(weight.astype(np.int64)).sum(1).max() * largest
    right = max(0, int(bound).bit_length() - 15)
    return weight, right, fraction + e - right


# What `G` calls the pairs of functions, of gate and update, that it has.
GATES = {
    ("sigmoid", "tanh"): "sigmoid",
    ("tanh", "tanh"): "tanh",
    ("quantSigm", "quantTanh"): "hard",
}


def fastgrnn(load, arguments):
    functions = arguments.gate_nl, arguments.update_nl
    assert functions in GATES, f"no gate of `G` has {functions}: train with one of {list(GATES)}"
    fractions = range(12, 3, -1) if arguments.fraction is None else [arguments.fraction]
    made = (with_fraction(load, arguments, GATES[functions], q) for q in fractions)
    made = next((it for it in made if it is not None), None)
    assert made is not None, "weights or states are too large for that fraction: use a smaller one"
    return made


def with_fraction(load, arguments, gate, q):
    """States with q bits of fraction; None where these are too many."""
    mix = integers([sigmoid(load("zeta")), sigmoid(load("nu"))], q, np.int16)
    # Those of `gate: tanh` become the nearest of 16 bits.
    zeta, nu = map(int, mix)
    if gate != "tanh" and zeta + arguments.steps * (nu + 1) > 32767:
        return None
    of_input, of_state = factors(load, "W"), factors(load, "U")
    w, u = of_input[-1], of_state[-1]
    hidden, ranks, tensors, input_shifts, state_shifts = len(w), "", {}, [], []
    # A byte is a standardised feature with INPUT bits of fraction, and 128 is 0.
    fraction, zero, state_fraction = INPUT, np.full(w.shape[1], 128), q
    assert len(of_input) == len(of_state), "of W and U, both must have a low rank or neither"
    if len(of_input) == 2:
        ranks = f", rank: {w.shape[1]}x{u.shape[1]}"
        first, right, fraction = first_factor(of_input[0], INPUT, 255)
        # 128 times anything is a multiple of 2^7: what bytes are more than features stays exact.
        assert right <= 7, "a step has too many features"
        zero = 128 * first.sum(1, dtype=np.int64) >> right
        # States are seldom beyond 1.
        of_first, right_of_state, state_fraction = first_factor(of_state[0], q, 2 << q)
        tensors = {"0.input.first.weight": first, "0.state.first.weight": of_first}
        input_shifts, state_shifts = [right], [right_of_state]
    # Full rank: one exponent, as what was published has.
    e = [exponent(w), exponent(u)] if ranks else [min(exponent(w), exponent(u))] * 2
    right, right_of_state = e[0] + fraction - q, e[1] + state_fraction - q
    # Sums are only shifted down: what they would be shifted up by is in the weights.
    weight = integers(w, e[0], np.int8).astype(np.int32) * 2 ** max(0, -right)
    if np.abs(weight).max() > 127:
        return None
    assert right_of_state >= 0, "weights of 128 and more do not fit 8 bits"
    input_shifts.append(max(0, right))
    state_shifts.append(right_of_state)
    tensors |= {
        "0.input.weight": weight.astype(np.int8),
        "0.input.bias": integers(-weight @ zero, 0, np.int32),
        "0.state.weight": integers(u, e[1], np.int8),
        "0.gate.bias": integers(load("Bg").ravel(), q, np.int16),
        "0.update.bias": integers(load("Bh").ravel(), q, np.int16),
        "0.mix": mix,
        "0.shift": np.array([*input_shifts, *state_shifts, q], np.uint8),
    }
    classifier = load("FC")
    ef = exponent(classifier)
    tensors["1.weight"] = integers(classifier.T, ef, np.int8)
    tensors["1.bias"] = integers(load("FCbias").ravel(), ef + q, np.int32)
    tensors["1.shift"] = np.zeros(2, np.uint8)
    gates = "" if gate == "hard" else f", gate: {gate}"
    return tensors, f"G({hidden}{ranks}{gates}), D*({classifier.shape[1]})"


def standardisation(load, count):
    """What each feature was standardised by; nothing where there are no files of it."""
    mean, std = load("mean", required=False), load("std", required=False)
    return {
        "mean": np.zeros(count) if mean is None else mean.ravel()[:count],
        "std": np.ones(count) if std is None else std.ravel()[:count],
    }


def main():
    parser = argparse.ArgumentParser()
    kinds = {"bonsai": bonsai, "proto": proto, "fastgrnn": fastgrnn}
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("file")
    parser.add_argument("--scale", type=float, default=1.0, help="a feature is scale * byte + offset")
    parser.add_argument("--offset", type=float, default=0.0)
    parser.add_argument("--sigma", type=float, default=1.0, help="of Bonsai")
    parser.add_argument("--hard", action="store_true", help="Bonsai with `gate: hard`")
    functions = "of FastGRNN, as EdgeML calls it"
    parser.add_argument("--gate-nl", default="sigmoid", help=f"the gate's function {functions}")
    parser.add_argument("--update-nl", default="tanh", help=f"the update's function {functions}")
    parser.add_argument("--fraction", type=int, help="bits of FastGRNN's states; else all that fit")
    parser.add_argument("--steps", type=int, default=1, help="of FastGRNN, over an input")
    parser.add_argument("--inputs", help="bytes [count, …] in .npy: values no input passes")
    arguments = parser.parse_args()

    def load(name, required=True):
        path = arguments.folder / f"{name}.npy"
        if not required and not path.exists():
            return None
        return np.load(path).astype(np.float64)

    tensors, layers = kinds[arguments.kind](load, arguments)
    save_file({name: np.ascontiguousarray(it) for name, it in tensors.items()}, arguments.file)
    print(f"< {layers} >, bits: {{ weights: 8, activations: 8 }}")


if __name__ == "__main__":
    main()
