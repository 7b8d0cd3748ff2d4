//! Small quantised neural networks, declared inline and laid out at compile
//! time, for microcontrollers.
//!
//! [`network!`] turns a declaration into a type whose size is its whole working
//! memory, and refuses a design that the target can't hold.
#![no_std]
// AVR reads flash with an instruction of its own, see `flash.rs`.
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

mod arena;
mod flash;
mod intake;
mod order;
mod product;
mod sum;

/// Declares a network.
///
/// ```
/// herringbone::network! {
///     /// A handwritten digit, 28×28 grey levels, to its class.
///     pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
///     target: atmega328p,
/// }
///
/// assert_eq!(Digits::INPUT_LEN, 784);
/// assert_eq!(Digits::CLASSES, 10);
/// assert!(Digits::ARENA_BYTES <= 468);
/// ```
///
/// The list names the layers: `A(k)` and `M(k)` pool by average and maximum,
/// `C1(n,k)` is a convolution with `n` outputs and a k×k kernel, `C2(n,k)` a
/// depthwise one followed by a 1×1 one, `D(n)` a dense layer and `Dr` dropout,
/// which is of meaning in training alone. A star leaves the activation out.
///
/// With `weights: "file.safetensors"` the type also computes: `run`,
/// `classify`, and `begin` and `push` for inputs that arrive byte by byte.
#[macro_export]
macro_rules! network {
    ($($declaration:tt)*) => {
        $crate::__private::expand_network! { $crate; $($declaration)* }
    };
}

/// What generated code calls. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::arena::{load, load_one, signed, store, store_one};
    pub use crate::flash::Flash;
    pub use crate::intake::{Cursor, clear_sums, pool};
    pub use crate::order::{Herringbone, Pixels, RowMajor};
    pub use crate::product::Value;
    pub use crate::sum::{
        Sum, add_biases, add_each, dot, emit, first_largest, keep_larger, multiple,
        multiply_accumulate, multiply_accumulate_each, product, put, relu, signed_activation,
    };
    pub use herringbone_macros::expand_network;
    pub use static_assertions;
}
