//! The network of Gural & Murmann, ICML 2019.

use herringbone_compiler::network::{Activation, Bits, Kernel, LayerKind, Network, Shape};

/// `C1(outputs,side)`.
pub fn convolution(outputs: u32, side: u32) -> LayerKind {
    LayerKind::Convolution {
        outputs,
        kernel: Kernel::square(side),
        activation: Activation::Relu,
    }
}

/// `[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >`.
pub fn network() -> Network {
    let window = Kernel::square(2);
    let kinds = [
        LayerKind::AveragePool { window },
        convolution(5, 3),
        convolution(8, 3),
        convolution(11, 3),
        LayerKind::MaxPool { window },
        LayerKind::Dropout { probability: 0.5 },
        LayerKind::Dense {
            outputs: 10,
            activation: Activation::Linear,
        },
    ];
    Network::new(Shape::new(28, 28, 1), Bits::default(), &kinds).unwrap()
}
