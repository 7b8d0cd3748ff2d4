import numpy as np
from safetensors.numpy import save_file


def integers(tensor, exponent, bits, dtype):
    """The nearest multiples of 2^exponent that `bits` bits hold."""
    multiples = np.rint(tensor.detach().cpu().numpy() * 2.0**-exponent)
    return multiples.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(dtype)


def export(layers, path, channels, exponent, bits=4, adds={}, reads={}):
    """`layers`: {position: (module, exponents of its weights, its biases, its output)}.

    `adds`: {position: exponent of the labelled map that the layer adds}.
    `reads`: {position: (channels, exponent) of what it reads, if not the layer before it}.
    """
    tensors = {}
    for name, (module, weights, biases, output) in layers.items():
        channels, exponent = reads.get(name, (channels, exponent))
        skip = [adds[name] - biases] if name in adds else []
        if module is None:  # `Add`, whose sums have the exponent `biases`
            shift = [exponent - biases, *skip, output - biases]
        else:
            values = integers(module.weight, weights, bits, np.int8)
            depthwise = name.endswith(".depthwise") or getattr(module, "groups", 1) > 1
            if depthwise:  # [in, 1, rows, columns] to [rows, columns, in]
                values = values[:, 0].transpose(1, 2, 0)
            elif name.endswith(".pointwise"):  # [out, in, 1, 1] to [out, in]
                values = values[:, :, 0, 0]
            elif values.ndim == 4:  # [out, in, rows, columns] to [out, rows, columns, in]
                values = values.transpose(0, 2, 3, 1)
            else:  # [out, channels · pixels] to [out, pixels · channels]
                pixels = values.reshape(len(values), channels, -1)
                values = pixels.swapaxes(1, 2).reshape(values.shape)
            shift = [exponent + weights - biases, output - biases, *skip]
            tensors[f"{name}.weight"] = np.ascontiguousarray(values)
            tensors[f"{name}.bias"] = integers(module.bias, biases, 16, np.int16)
            channels = len(module.bias)
        assert min(shift) >= 0, f"{name}: 2^{biases} is too coarse for the biases"
        tensors[f"{name}.shift"] = np.array(shift, np.uint8)
        exponent = output
    save_file(tensors, path)
