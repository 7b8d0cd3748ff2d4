//! Small quantised neural networks, declared inline and laid out at compile
//! time, for microcontrollers.
//!
//! [`network!`] turns a declaration into a type whose size is its whole working
//! memory, and refuses a network that does not fit the target.
#![no_std]
#![warn(missing_docs)]
// AVR reads flash with an instruction of its own, see `flash.rs`.
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

mod arena;
mod bias;
mod chip;
mod flash;
mod gates;
mod intake;
mod label;
mod moves;
mod network;
mod order;
mod packed;
mod product;
mod quantised;
mod recurrent;
mod results;
mod scores;
mod segment;
mod sliding_window;
mod stream;
mod sum;
mod wide;

pub use chip::Holds;
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
/// | `A`, `A(k)`, `A(all)` | k×k average pooling, rounded down (2×2 if left out), or over the whole map | – |
/// | `M`, `M(k)`, `M(all)` | k×k max pooling (2×2 if left out), or over the whole map | – |
/// | `C1(n,k)` | k×k convolution, n outputs (1 to 255) | ReLU |
/// | `C2(n,k)` | depthwise k×k without activation, then 1×1 to n | ReLU |
/// | `T(k)` | depthwise k×k: one kernel for each channel | ReLU |
/// | `D(n)` | dense, n outputs (1 to 65,535) | ReLU |
/// | `Add('name)` | sum of the current map and a labelled one of the same shape | ReLU |
/// | `Cat('name, …)` | the current map's channels, then those of labelled maps of the same height, width and sign | – |
/// | `G(h)` | recurrent cell (FastGRNN) of h units (1 to 255) over the rows of a map; makes its last state, 16 bits a unit | gated |
/// | `Bonsai(depth,p,classes)` | ends the list: a projection onto p values, and a tree of a depth of 0 to 8 that scores classes | – |
/// | `Proto(d,m,classes)` | ends the list: a projection onto d values, and m prototypes (1 to 255) that score classes | – |
/// | `R(k)` | residual block: two padded k×k convolutions with as many channels as they read; the first one's input is added before the second one's ReLU | ReLU after each |
/// | `Dr`, `Dr(p)` | dropout with probability ½ or p, in training only | – |
/// | `N(sigma)` | Gaussian noise, in training only | – |
///
/// Kernels have sides of 1 to 11, pooling windows of 1 to 8. One that is not square
/// is written rows x columns: `C1(8,1x5)`, `M(1x2)`. So a time series is an input of
/// one row: `[1, 128, 3] => < C1(8,1x5), M(1x2), C1(8,1x3), M(1x4), D*(4) >`.
///
/// Other arguments have names:
///
/// | argument | of | |
/// |---|---|---|
/// | `stride: 2`, `stride: 1x2` | `C1`, `C2`, `T`, `A`, `M` | step from one window to the next, 1 to 4. If left out: 1, and for `A` and `M` the window's own size |
/// | `padding: same`, `padding: 1` | `C1`, `C2`, `T` | zeros around the map. `same` is TensorFlow's: ceil(side / stride) outputs a side; a number pads each side by that many pixels. If left out: none |
/// | `add: 'name` | `C1`, `C2`, `T`, `D` | adds the labelled map to the sums before the activation |
/// | `feed: rows`, `row_major`, `channel_major`, `multi` | `G` | what a step reads: a row; or a row of a channel, all rows of a channel first, all channels of a row first, or each channel by a cell of its own |
/// | `rank: 8x6` | `G` | the matrices of input and states are products of two, with that rank |
/// | `sequence: all` | `G` | makes the state of each step |
/// | `gate: hard`, `gate: sigmoid`, `gate: tanh` | `G`, `Bonsai` | the functions of a cell's gate and update: lines, the logistic function and the hyperbolic tangent, or the tangent for both; of a `Bonsai` the gate's, `tanh` or `hard` |
/// | `sparsity: 0.7` | `G`, `Bonsai`, `Proto` | the share of weights that training makes 0 |
/// | `code: table` | all with weights, but `G` | the key `code` for this layer only |
///
/// `'name:` before a layer labels its output; `'input` is the network's input.
/// `'name` on its own continues the list from that map:
/// `'a: C1(8,1), 'input, T(3, padding: same), C1(8,1), Cat('a)`. Every label and the
/// end of every branch must be read. The weights file names a layer by its position
/// in the list, where labels on their own do not count.
///
/// A star leaves out the activation: `C1*(n,k)`, `C2*(n,k)`, `T*(k)`, `D*(n)`,
/// `Add*('name)`. If the last layer has none, the results are logits: its exact sums,
/// `i16` if the weights prove that this is enough, else `i32`. Otherwise
/// they are its activations, as `i16`.
///
/// # The keys
/// In any order:
///
/// | key | value | if left out |
/// |---|---|---|
/// | `target` | a microcontroller; or, with `sram` and `flash`, a core: `cortex_m0`, `cortex_m0plus`, `rv32ec` or `rv32imc` | no budget: a PC |
/// | `sram`, `flash` | bytes, instead of a microcontroller, or with a core | no budget |
/// | `weights` | `"path"` from Cargo.toml's folder, `env!("NAME")`, `concat!(…)`; `runtime`: loaded by the firmware | a network to size: it has constants, but no `run` |
/// | `bits` | `{ weights: 2\|4\|8, biases: 8\|16, activations: 4\|8 }` | 4, 16 and 4 |
/// | `reserve` | bytes of SRAM to keep for the stack and the rest of the firmware, or `{ sram: 256, flash: 4096 }` | the generated code's deepest stack, and 64; on AVR a sixteenth of the flash |
/// | `results` | `i16` or `i32`: fixes the type of the results | `i16` if the weights prove it, else `i32` |
/// | `plan` | `row_major`, `herringbone`, `segments`, `streamed`, `smallest`; `streamed(n)`, which streams only the first `n` layers (not counting `Dr` and `N`); `streamed(n, row_major)`, `streamed(n, herringbone)` or `streamed(n, segments)`, which also say how to compute the others | the fastest that fits |
/// | `features` | `log_mel { rate: 8000, frame: 256, hop: 250, bands: 20 }` or `statistics { channels: 3, frame: 64 }`: the input is made of samples of sound, or of a sensor | bytes are the input |
/// | `code` | `unrolled`, `table`; for one layer: `C1(8,3, code: table)` | on AVR the fastest mix that fits the flash, else tables |
///
/// # A model
/// The path of an int8 TensorFlow Lite file may take the place of shape and list, with the keys
/// `target`, `sram`, `flash`, `reserve` and `plan`:
///
/// ```
/// herringbone::network! {
///     /// Scores of three classes.
///     pub Scores: "../tests/models/branches.tflite",
///     target: rp2040,
/// }
///
/// let results: [i8; 3] = Scores::new().run(&[0; Scores::INPUT_LEN]);
/// let real: f32 = Scores::dequantise(results[0]);
/// ```
///
/// Its type has `new`, `begin`, `push`, `run` and `classify` with the numbers of the file,
/// `quantise` and `dequantise`, and as constants the shapes, names, scales and zero points of both
/// ends. It computes what TensorFlow Lite for Microcontrollers computes, bit for bit.
///
/// # What it makes
/// A type of the given name with `new` (const), `run` and `classify` for whole
/// inputs, and `begin`, `push`, `push_slice`, `push_in_place` and `push_slice_in_place` for inputs
/// that arrive piece by piece. `results`, `result` and `class` read the results that the last two
/// left in the network's own memory, and are `None` once the network is used again. With `weights: runtime`, it has `params_mut`, `params` and `PARAMS_LEN`.
/// Its constants are `INPUT_LEN`, `CLASSES`, `ARENA_BYTES`, `SRAM_BYTES`,
/// `STACK_BYTES`, `FLASH_BYTES` (where only tables are counted, elsewhere than on AVR,
/// `TABLES_BYTES`), `MACS` and `PLAN`. It implements [`Network`], for
/// generic code, and the traits that are derived: `#[derive(Clone, Debug)]`.
///
/// If the list begins with a `G` and all is computed as rows arrive, as with `plan: streamed`, the
/// type has `step`, for an input that never ends: it takes a row, and from the last row of an input
/// on gives the results for all rows so far. States go on from row to row, and are kept within what
/// they can be after an input's rows. What comes after the cells may read the last state alone.
///
/// ```
/// herringbone::network! {
///     /// A keyword, by 32 rows of 20 bands.
///     pub Keyword: [32, 20, 1] => < G(16), D*(10) >,
///     bits: { weights: 8, activations: 8 },
///     weights: runtime,
///     plan: streamed,
/// }
///
/// let mut keyword = Keyword::new();
/// for _ in 1..32 {
///     assert!(keyword.step(&[0; 20]).is_none());
/// }
/// assert!(keyword.step(&[0; 20]).is_some()); // after 32 rows,
/// assert!(keyword.step(&[0; 20]).is_some()); // and after each further one
/// ```
///
/// Its size is its whole working memory. Keep it in a static, for instance in a
/// [`ConstStaticCell`](https://docs.rs/static_cell), and pass references: a move may
/// copy the whole value over the stack, which `SRAM_BYTES` does not count.
/// `SRAM_BYTES` and `FLASH_BYTES` count this network only. If a firmware has several,
/// [`chip!`] adds them up, and [`shared_arena!`] gives those that never run at once the
/// same memory.
///
/// If the weights file has the names of the classes, as those of `cargo herringbone
/// train` do, the type has `LABELS` and `label`, which gives a [`Label`]. If it has the
/// scales of a sensor's counts, the type has `run_raw`, `classify_raw` and `push_raw`,
/// which take counts as `i16`. With `features`, they take samples instead, of which
/// an input is `SAMPLES`.
///
/// If `target` is an AVR part, the code is assembly there, and the crate needs
/// `#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]`.
///
/// # Errors
/// Mistakes in the declaration or the weights file, and networks that need more than
/// the target has, are compile errors that say what is needed, what is given and what
/// would fit.
#[macro_export]
macro_rules! network {
    ($($declaration:tt)*) => {
        $crate::__private::expand_network! { $crate; $($declaration)* }
    };
}

/// What generated code calls. It changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::arena::{load, load_one, signed, store, store_one};
    pub use crate::bias::{Biases, LoadedBiases, shift};
    pub use crate::chip::{Needs, OnChip, check_chip, shared};
    pub use crate::flash::Flash;
    pub use crate::gates::{HardGates, Logistic, Tangents};
    pub use crate::intake::{Cursor, clear_sums, pool};
    pub use crate::label::{Label, scaled};
    pub use crate::moves::{copy_constants, fill_values, move_values, part, with_values};
    pub use crate::network::{TakenByLastState, TakenByStreamed, TakenByWeighted};
    pub use crate::order::{Herringbone, Pixels, RowMajor};
    pub use crate::product::{Value, offset};
    pub use crate::quantised::{
        Addition, Bytes, Multiplication, Rescale, add_pixels, constant_pixel, dequantise,
        emit_bytes, high, map_bytes, means, multiply_pixels, quantise, repeat, requantise,
        requantise_one, rounded_averages, shares, taps_inside, window_sums, within,
    };
    pub use crate::recurrent::{Cell, Factors, cell_step, clear_states};
    pub use crate::scores::{HardGate, Prototypes, Tree, prototypes, tree};
    pub use crate::segment::{
        InputWindows, Outputs, add_each_wide, add_joined, add_joined_map, add_to_window,
        concatenate, divide_sum, floor_divide, is_inside, joined_value, pixel_at, tile,
        window_averages,
    };
    pub use crate::sliding_window::{Leading, SlidingWindow};
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
    pub use crate::wide::{
        Matrix, add_wide_to_sums, emit_wide, multiply_accumulate_wide_map, store_wide, value,
        wide_activation, wide_value,
    };
    pub use herringbone_features::{Frame, Row, Statistics, StatisticsDesign, Tables};
    pub use herringbone_macros::expand_network;
}
