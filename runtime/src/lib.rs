//! Small quantised neural networks, declared inline and laid out at compile
//! time, for microcontrollers.
//!
//! [`network!`] turns a declaration into a type whose size is its whole working
//! memory, and refuses a design that the target can't hold.
#![no_std]
// AVR reads flash with an instruction of its own, see `flash.rs`.
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

mod arena;
mod bias;
mod flash;
mod intake;
mod network;
mod order;
mod packed;
mod product;
mod results;
mod segment;
mod stream;
mod sum;

pub use network::Network;
pub use results::{Iter, Logit, Results};

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
/// # The list
/// The input's shape is `[height, width, channels]`, each from 1 to 255; a byte
/// a value, rows of pixels, channels last.
///
/// | letter | layer | activation |
/// |---|---|---|
/// | `A`, `A(k)` | k×k average pooling, stride k: 2 (when left out) or 4; rounded down | – |
/// | `M`, `M(k)` | k×k max pooling, stride k | – |
/// | `C1(n,k)` | k×k convolution, n outputs (1 to 255), stride 1, valid; k is 1, 3, 5 or 7 | ReLU |
/// | `C2(n,k)` | depthwise k×k without activation, then 1×1 to n | ReLU |
/// | `D(n)` | dense, n outputs (1 to 65,535) | ReLU |
/// | `Dr`, `Dr(p)` | dropout: of meaning in training alone, no code | – |
///
/// A kernel or window that is not square has rows x columns, written as one
/// word: `C1(8,1x5)`, `M(1x2)`. A kernel's sides are 1, 3, 5 or 7; a window's
/// are 1, 2 or 4. So a time series is an input of one row:
/// `[1, 128, 3] => < C1(8,1x5), M(1x2), C1(8,1x3), M(1x4), D*(4) >`.
///
/// A star leaves the activation out: `C1*(n,k)`, `C2*(n,k)`, `D*(n)`. When the
/// last layer has none, the results are logits: its sums, exact, `i16` where
/// the weights prove that to be enough, else `i32`. Otherwise they are its
/// activations, as `i16`.
///
/// # The keys
/// In any order:
///
/// | key | value | left out |
/// |---|---|---|
/// | `target` | an MCU's name | no budget: a host |
/// | `sram`, `flash` | bytes, in place of `target` | no budget |
/// | `weights` | `"path"` from Cargo.toml's folder, `env!("NAME")`, `concat!(…)`; `runtime`: loaded by the firmware | a design to size: every constant, no `run` |
/// | `bits` | `{ weights: 2\|4\|8, biases: 8\|16, activations: 4\|8 }` | 4, 16 and 4 |
/// | `reserve` | bytes of SRAM for the stack and the rest of the firmware, or `{ sram: 256, flash: 4096 }` | the generated code's deepest stack, and 64; of flash a sixteenth on AVR |
/// | `plan` | `row_major`, `herringbone`, `streamed`, `smallest`; `streamed(n)`, where only the first `n` layers that compute something (all but `Dr`) are, or `streamed(n, row_major)` and `streamed(n, herringbone)`, which say the order of the others too | the fastest that fits |
/// | `code` | `unrolled`, `table`; of one layer: `C1(8,3, code: table)` | on AVR the fastest mix that the flash holds, else tables |
///
/// # What it makes
/// A type of the given name with `new` (const), `run`, `classify`, and `begin`
/// and `push` (or `push_in_place` and `result`) for inputs that arrive byte by
/// byte; with `weights: runtime`, `params_mut` and `PARAMS_LEN`; the constants
/// `INPUT_LEN`, `CLASSES`, `ARENA_BYTES`, `SRAM_BYTES`, `STACK_BYTES`,
/// `FLASH_BYTES`, `MACS` and `PLAN`. Its size is its whole working memory.
///
/// Where `target` is an AVR part, its code there is assembly, and the crate needs
/// `#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]`.
///
/// # Errors
/// Whatever is wrong with the declaration or the weights file, and a design
/// that needs more than the target has, is a compile error that says what is
/// needed, what is given and what would fit.
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
    pub use crate::bias::{Biases, LoadedBiases, shift};
    pub use crate::flash::Flash;
    pub use crate::intake::{Cursor, clear_sums, pool};
    pub use crate::network::TakenByWeighted;
    pub use crate::order::{Herringbone, Pixels, RowMajor};
    pub use crate::product::Value;
    pub use crate::segment::{
        InputWindows, Outputs, add_each_wide, add_joined, add_joined_map, add_to_window,
        concatenate, divide_sum, floor_divide, is_inside, joined_value, pixel_at, tile,
        window_averages,
    };
    pub use crate::stream::{
        Pixel, add_to_sums, around, averages, begin_sums, begins, completed, completed_field,
        copy_sums, finish_sums, kept_sum, merge_maxima, merge_sums, pixel_index, place_in_row,
        window_of,
    };
    pub use crate::sum::{
        Sum, add_biases, add_each, at_most, emit, first_largest, keep, keep_larger, multiple,
        multiply_accumulate, multiply_accumulate_each, multiply_accumulate_map, put, relu,
        signed_activation, widened,
    };
    pub use herringbone_macros::expand_network;
}
