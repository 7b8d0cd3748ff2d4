//! Layers as tests write them: what the declaration's letters mean without labels,
//! with the least that it may leave out left out.

use herringbone_compiler::network::{
    Activation, Convolution, Dense, Depthwise, Dropout, Kernel, Kind, Pool, PoolFunction,
    PoolWindow, Separable, Window,
};

/// `A(k)`: windows that touch.
pub const fn average(window: Kernel) -> Kind {
    pool(PoolFunction::Average, window)
}

/// `M(k)`: windows that touch.
pub const fn maximum(window: Kernel) -> Kind {
    pool(PoolFunction::Maximum, window)
}

const fn pool(function: PoolFunction, window: Kernel) -> Kind {
    Kind::Pool(Pool {
        function,
        window: PoolWindow::tiles(window),
    })
}

/// `C1(n,k)`: stride 1, no padding.
pub const fn convolution(outputs: u32, kernel: Kernel, activation: Activation) -> Kind {
    Kind::Convolution(Convolution {
        outputs,
        window: Window::valid(kernel),
        activation,
        adds: false,
    })
}

/// `T(k)`: stride 1, no padding.
pub const fn depthwise(kernel: Kernel, activation: Activation) -> Kind {
    Kind::Depthwise(Depthwise {
        window: Window::valid(kernel),
        activation,
        adds: false,
    })
}

/// `C2(n,k)`: stride 1, no padding.
pub const fn separable(outputs: u32, kernel: Kernel, activation: Activation) -> Kind {
    Kind::Separable(Separable {
        outputs,
        window: Window::valid(kernel),
        activation,
        adds: false,
    })
}

/// `D(n)`.
pub const fn dense(outputs: u32, activation: Activation) -> Kind {
    Kind::Dense(Dense {
        outputs,
        activation,
        adds: false,
    })
}

/// `Dr`.
pub const fn dropout() -> Kind {
    Kind::Dropout(Dropout { probability: 0.5 })
}
