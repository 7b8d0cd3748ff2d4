import numpy as np
from keras.layers import DepthwiseConv2D
from safetensors.numpy import save_file


def integers(values, exponent, bits, dtype):
    """The nearest multiples of 2^exponent that `bits` bits hold."""
    multiples = np.rint(values * 2.0**-exponent)
    return multiples.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(dtype)


def export(layers, path, exponent, bits=4, adds={}, reads={}):
    """`layers`: {position: (layer, exponents of its weights, its biases, its output)}.

    `adds`: {position: exponent of the labelled map that the layer adds}.
    `reads`: {position: exponent of what it reads, if not the layer before it}.
    """
    tensors = {}
    for name, (layer, weights, biases, output) in layers.items():
        exponent = reads.get(name, exponent)
        skip = [adds[name] - biases] if name in adds else []
        if layer is None:  # `Add`, whose sums have the exponent `biases`
            shift = [exponent - biases, *skip, output - biases]
        else:
            kernel, bias = layer.get_weights()
            values = integers(kernel, weights, bits, np.int8)
            if isinstance(layer, DepthwiseConv2D):  # [rows, columns, in, 1] to [rows, columns, in]
                values = values[..., 0]
            elif name.endswith(".pointwise"):  # [1, 1, in, out] to [out, in]
                values = values[0, 0].T
            else:  # [rows, columns, in, out] to [out, rows, columns, in]; [in, out] to [out, in]
                values = np.moveaxis(values, -1, 0)
            shift = [exponent + weights - biases, output - biases, *skip]
            tensors[f"{name}.weight"] = np.ascontiguousarray(values)
            tensors[f"{name}.bias"] = integers(bias, biases, 16, np.int16)
        assert min(shift) >= 0, f"{name}: 2^{biases} is too coarse for the biases"
        tensors[f"{name}.shift"] = np.array(shift, np.uint8)
        exponent = output
    save_file(tensors, path)
