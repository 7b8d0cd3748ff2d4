from export_keras import export
from keras import layers as kl
from keras import ops

layers = {  # position: layer, exponents of its weights, its biases, its output
    "1": (kl.Conv2D(6, 3), -4, -8, -5),
    "3.depthwise": (kl.DepthwiseConv2D(3), -4, -9, -5),
    "3.pointwise": (kl.Conv2D(8, 1), -3, -8, -6),
    "5": (kl.Dense(4), -5, -11, -11),
}


def quantised(values, exponent, least, most):
    """Multiples of 2^exponent; the gradient passes the rounding, not the clamp."""
    clamped = ops.clip(values * 2.0**-exponent, least, most)
    return (clamped + ops.stop_gradient(ops.round(clamped) - clamped)) * 2.0**exponent


def sums(name, values):
    layer, weights, biases, _ = layers[name]
    if not layer.built:
        layer.build(values.shape)
    kernel = quantised(layer.kernel, weights, -8, 7)
    bias = quantised(layer.bias, biases, -(2**15), 2**15 - 1)
    return layer.stateless_call([kernel, bias], [], values)[0]


def network(pixels):
    """Logits, of pixels 0 to 255, [images, 20, 32, 1]."""
    values = ops.floor(ops.average_pool(pixels, 2, 2) * 16 / 256) * 2.0**-4
    values = quantised(sums("1", values), -5, 0, 15)
    values = ops.max_pool(values, 2, 2)
    values = quantised(sums("3.depthwise", values), -5, -8, 7)
    values = quantised(sums("3.pointwise", values), -6, 0, 15)
    return sums("5", ops.reshape(values, (-1, 2 * 5 * 8)))


network(ops.zeros((1, 20, 32, 1)))  # builds the layers
# … train their variables, then:
export(layers, "example.safetensors", exponent=-4)
