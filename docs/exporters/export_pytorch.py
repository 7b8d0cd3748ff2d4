import numpy as np
from safetensors.numpy import save_file


def integers(tensor, exponent, bits, dtype):
    """The nearest multiples of 2^exponent that `bits` bits hold."""
    multiples = np.rint(tensor.detach().cpu().numpy() * 2.0**-exponent)
    return multiples.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(dtype)


def export(layers, path, channels, exponent, bits=4):
    """`layers`: {position: (module, exponents of its weights, its biases, its output)}."""
    tensors = {}
    for name, (module, weights, biases, output) in layers.items():
        values = integers(module.weight, weights, bits, np.int8)
        if name.endswith(".depthwise"):  # [in, 1, rows, columns] to [rows, columns, in]
            values = values[:, 0].transpose(1, 2, 0)
        elif name.endswith(".pointwise"):  # [out, in, 1, 1] to [out, in]
            values = values[:, :, 0, 0]
        elif values.ndim == 4:  # [out, in, rows, columns] to [out, rows, columns, in]
            values = values.transpose(0, 2, 3, 1)
        else:  # [out, channels · pixels] to [out, pixels · channels]
            values = values.reshape(len(values), channels, -1).swapaxes(1, 2).reshape(values.shape)
        shift = [exponent + weights - biases, output - biases]
        assert min(shift) >= 0, f"{name}: 2^{biases} is too coarse for the biases"
        tensors[f"{name}.weight"] = np.ascontiguousarray(values)
        tensors[f"{name}.bias"] = integers(module.bias, biases, 16, np.int16)
        tensors[f"{name}.shift"] = np.array(shift, np.uint8)
        channels, exponent = len(module.bias), output
    save_file(tensors, path)
