import torch
from export_pytorch import export
from torch import nn
from torch.nn.functional import avg_pool2d, dropout, max_pool2d

layers = {  # position: module, exponents of its weights, its biases, its output
    "1": (nn.Conv2d(1, 6, 3), -4, -8, -5),
    "3.depthwise": (nn.Conv2d(6, 6, 3, groups=6), -4, -9, -5),
    "3.pointwise": (nn.Conv2d(6, 8, 1), -3, -8, -6),
    "5": (nn.Linear(2 * 5 * 8, 4), -5, -11, -11),
}
modules = nn.ModuleDict({name.replace(".", "_"): layers[name][0] for name in layers})


def quantised(values, exponent, least, most):
    """Multiples of 2^exponent; the gradient passes the rounding, not the clamp."""
    clamped = torch.clamp(values * 2.0**-exponent, least, most)
    return (clamped + (torch.round(clamped) - clamped).detach()) * 2.0**exponent


def sums(name, values):
    module, weights, biases, _ = layers[name]
    weight = quantised(module.weight, weights, -8, 7)
    bias = quantised(module.bias, biases, -(2**15), 2**15 - 1)
    return torch.func.functional_call(module, {"weight": weight, "bias": bias}, values)


def network(pixels, training=False):
    """Logits, of pixels 0 to 255, [images, 1, 20, 32]."""
    values = torch.floor(avg_pool2d(pixels, 2) * 16 / 256) * 2.0**-4
    values = quantised(sums("1", values), -5, 0, 15)
    values = max_pool2d(values, 2)
    values = quantised(sums("3.depthwise", values), -5, -8, 7)
    values = quantised(sums("3.pointwise", values), -6, 0, 15)
    return sums("5", dropout(values.flatten(1), 0.5, training))


# … train the parameters of `modules`, then:
export(layers, "example.safetensors", channels=1, exponent=-4)
