//! Small quantised neural networks, declared inline and laid out at compile
//! time, for microcontrollers.
//!
//! [`network!`] turns a declaration into a type whose size is its whole working
//! memory, and refuses a design that the target can't hold.
#![no_std]
#![warn(missing_docs)]
// AVR reads flash with an instruction of its own, see `flash.rs`.
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

mod arena;
mod bias;
mod flash;
mod intake;
mod label;
mod network;
mod order;
mod packed;
mod product;
mod results;
mod segment;
mod stream;
mod sum;

pub use label::Label;
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
/// The input's shape is `[height, width, channels]`, sides from 1 to 65,535 and
/// channels from 1 to 255; a byte a value, rows of pixels, channels last.
///
/// | letter | layer | activation |
/// |---|---|---|
/// | `A`, `A(k)`, `A(all)` | k×k average pooling (2×2 when k is left out), or of the whole map; rounded down | – |
/// | `M`, `M(k)`, `M(all)` | k×k max pooling, or of the whole map | – |
/// | `C1(n,k)` | k×k convolution, n outputs (1 to 255) | ReLU |
/// | `C2(n,k)` | depthwise k×k without activation, then 1×1 to n | ReLU |
/// | `T(k)` | depthwise k×k, each channel by itself | ReLU |
/// | `D(n)` | dense, n outputs (1 to 65,535) | ReLU |
/// | `Add('name)` | sum of the running map and a labelled one of the same shape | ReLU |
/// | `Cat('name, …)` | the running map's channels, then those of labelled maps of the same height, width and sign | – |
/// | `R(k)` | residual block: two k×k convolutions, with padding, of as many channels as they read; what the first one reads is added before the second one's ReLU | ReLU after both |
/// | `Dr`, `Dr(p)` | dropout of a half or of p: of meaning in training alone, no code | – |
/// | `N(sigma)` | Gaussian noise: of meaning in training alone, no code | – |
///
/// A kernel's sides are 1 to 11, a window's 1 to 8. One that is not square has rows
/// x columns, written as one word: `C1(8,1x5)`, `M(1x2)`. So a time series is an
/// input of one row: `[1, 128, 3] => < C1(8,1x5), M(1x2), C1(8,1x3), M(1x4), D*(4) >`.
///
/// Other arguments have names:
///
/// | argument | of | |
/// |---|---|---|
/// | `stride: 2`, `stride: 1x2` | `C1`, `C2`, `T`, `A`, `M` | from each window to the next one, 1 to 4; left out, 1, and windows of `A` and `M` touch |
/// | `padding: same`, `padding: 1` | `C1`, `C2`, `T` | zeros around the map: `same` as TensorFlow has it, ceil(side / stride) outputs a side; a number is the rows and columns on each side; left out, none |
/// | `add: 'name` | `C1`, `C2`, `T`, `D` | the labelled map is added to the sums before the activation |
/// | `code: table` | all with weights | as the key `code`, for this layer alone |
///
/// `'name:` before a layer labels the map that it makes; `'input` is the input.
/// `'name` alone, as an item of the list, goes on from that map:
/// `'a: C1(8,1), 'input, T(3, padding: same), C1(8,1), Cat('a)`. Every label is read
/// by something, and so is the end of every branch. In the weights file, layers are
/// counted by their place in the list, and labels alone are not counted.
///
/// A star leaves the activation out: `C1*(n,k)`, `C2*(n,k)`, `T*(k)`, `D*(n)`,
/// `Add*('name)`. When the last layer has none, the results are logits: its sums,
/// exact, `i16` where the weights prove that to be enough, else `i32`. Otherwise
/// they are its activations, as `i16`.
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
/// | `results` | `i16` or `i32`: the type of the results, whatever the weights | `i16` where the weights prove it to be enough, else `i32` |
/// | `plan` | `row_major`, `herringbone`, `segments`, `streamed`, `smallest`; `streamed(n)`, where only the first `n` layers that compute something (all but `Dr` and `N`) are, or `streamed(n, row_major)`, `streamed(n, herringbone)` and `streamed(n, segments)`, which say the order of the others too | the fastest that fits |
/// | `code` | `unrolled`, `table`; of one layer: `C1(8,3, code: table)` | on AVR the fastest mix that the flash holds, else tables |
///
/// # What it makes
/// A type of the given name with `new` (const), `run` and `classify` for whole
/// inputs, and `begin`, `push`, `push_slice` and `push_in_place` for inputs that
/// arrive byte by byte; `results`, `result` and `class` read what `push_in_place`
/// left in the network's own memory, and are `None` once the network is used
/// again. With `weights: runtime`, it has `params_mut`, `params` and `PARAMS_LEN`.
/// Its constants are `INPUT_LEN`, `CLASSES`, `ARENA_BYTES`, `SRAM_BYTES`,
/// `STACK_BYTES`, `FLASH_BYTES`, `MACS` and `PLAN`. It implements [`Network`], for
/// generic code, and whatever is derived: `#[derive(Clone, Debug)]`.
///
/// Its size is its whole working memory. Keep it in a static and pass references:
/// each move of the value may copy the arena over the stack, which `SRAM_BYTES`
/// does not count. `SRAM_BYTES` and `FLASH_BYTES` count this network alone; with
/// several in a firmware, `reserve` has to name what the others take.
///
/// Where the weights file knows them, as those of `cargo herringbone train` do: the names of
/// the classes, `LABELS` and `label`, which gives a [`Label`]; and where a sensor's counts are
/// scaled to bytes, `run_raw`, `classify_raw` and `push_raw`, which take them as `i16`.
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
    pub use crate::label::{Label, scaled};
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
