import numpy as np
from safetensors.numpy import save_file


def integers(values, exponent, bits, dtype):
    """The nearest multiples of 2^exponent that `bits` bits hold."""
    multiples = np.rint(values * 2.0**-exponent)
    return multiples.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(dtype)


def export(layers, path, exponent, bits=4):
    """`layers`: {position: (layer, exponents of its weights, its biases, its output)}."""
    tensors = {}
    for name, (layer, weights, biases, output) in layers.items():
        kernel, bias = layer.get_weights()
        values = integers(kernel, weights, bits, np.int8)
        if name.endswith(".depthwise"):  # [rows, columns, in, 1] to [rows, columns, in]
            values = values[..., 0]
        elif name.endswith(".pointwise"):  # [1, 1, in, out] to [out, in]
            values = values[0, 0].T
        else:  # [rows, columns, in, out] to [out, rows, columns, in]; [in, out] to [out, in]
            values = np.moveaxis(values, -1, 0)
        shift = [exponent + weights - biases, output - biases]
        assert min(shift) >= 0, f"{name}: 2^{biases} is too coarse for the biases"
        tensors[f"{name}.weight"] = np.ascontiguousarray(values)
        tensors[f"{name}.bias"] = integers(bias, biases, 16, np.int16)
        tensors[f"{name}.shift"] = np.array(shift, np.uint8)
        exponent = output
    save_file(tensors, path)
