//! Layers as tests write them.

use super::{
    Activation, Convolution, Dense, Dropout, Kernel, Kind, Pool, PoolFunction, PoolWindow, Window,
};

pub(crate) fn average(side: u32) -> Kind {
    pool(PoolFunction::Average, side)
}

pub(crate) fn maximum(side: u32) -> Kind {
    pool(PoolFunction::Maximum, side)
}

fn pool(function: PoolFunction, side: u32) -> Kind {
    Kind::Pool(Pool {
        function,
        window: PoolWindow::tiles(Kernel::square(side)),
    })
}

pub(crate) fn convolution(outputs: u32, side: u32) -> Kind {
    Kind::Convolution(Convolution {
        outputs,
        window: Window::valid(Kernel::square(side)),
        activation: Activation::Relu,
        adds: false,
    })
}

/// `D*(n)`.
pub(crate) fn dense(outputs: u32) -> Kind {
    Kind::Dense(Dense {
        outputs,
        activation: Activation::Linear,
        adds: false,
    })
}

pub(crate) fn dropout() -> Kind {
    Kind::Dropout(Dropout { probability: 0.5 })
}
