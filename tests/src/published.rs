//! The network of Gural & Murmann, ICML 2019.

use crate::layers::{average, dense, dropout, maximum};
use herringbone_compiler::network::{Activation, Bits, Kernel, Kind, Network, Shape};

/// `C1(outputs,side)`.
pub fn convolution(outputs: u32, side: u32) -> Kind {
    crate::layers::convolution(outputs, Kernel::square(side), Activation::Relu)
}

/// `[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >`.
pub fn network() -> Network {
    let window = Kernel::square(2);
    let kinds = [
        average(window),
        convolution(5, 3),
        convolution(8, 3),
        convolution(11, 3),
        maximum(window),
        dropout(),
        dense(10, Activation::Linear),
    ];
    Network::new(Shape::new(28, 28, 1), Bits::default(), &kinds).unwrap()
}
