//! The frame of `infer`, which all layers use one after another: words at these offsets
//! from the stack pointer, then the strip.

/// The first byte of the arena.
pub(crate) const ARENA: u32 = 0;
/// Where results go.
pub(crate) const RESULTS: u32 = 4;
/// The byte that the next outputs begin in.
pub(crate) const OUTPUT: u32 = 8;
/// The cell of the arena that they begin at, where that may be the upper half of a byte.
pub(crate) const OUTPUT_CELL: u32 = 12;
/// Of rows of pairs, which begin at a byte: where the bytes of words go that are not full.
pub(crate) const OUTPUT_REST: u32 = OUTPUT_CELL;
/// Steps from row to row that are left.
pub(crate) const ROWS: u32 = 16;
/// Groups of outputs of a row that are left.
pub(crate) const GROUPS: u32 = 20;
/// Where in the strip the field of the group begins.
pub(crate) const FIELD: u32 = 24;
/// Where it begins for one of the rows that a pooling joins.
pub(crate) const POOLED_FIELD: u32 = 28;
/// Where nothing is pooled: bits of both lanes of an activation that is too large.
pub(crate) const TOO_LARGE: u32 = POOLED_FIELD;
/// Rows that a pooling joins that are left.
pub(crate) const POOLED_ROWS: u32 = 32;
/// The mask of a channel.
pub(crate) const MASK: u32 = 36;
/// The table of biases.
pub(crate) const BIASES: u32 = 40;
/// The byte, or cell of the arena, that the next row of inputs begins at.
pub(crate) const INPUT: u32 = 44;
/// The index of that row, which may be outside of the map.
pub(crate) const INPUT_ROW: u32 = 48;
/// Rows still to be taken in.
pub(crate) const INPUT_ROWS: u32 = 52;
/// Where in the strip that row goes.
pub(crate) const TARGET: u32 = 56;
/// A word of several channels, where sums take its register.
pub(crate) const WORD: u32 = 60;
/// Of weights in a table: where values come from, while no row is taken in.
pub(crate) const SOURCE: u32 = TARGET;
/// Rows of a kernel that are left.
pub(crate) const KERNEL_ROWS: u32 = INPUT_ROWS;
/// What follows is for weights in a table, windows of more pixels than are computed at once, and
/// kernels of a pixel.
pub(crate) const OF_FEW: u32 = KERNEL_WORDS;
/// Words of such a row that are left.
pub(crate) const KERNEL_WORDS: u32 = 64;
/// Where the weights of a word's values begin.
pub(crate) const START: u32 = 68;
/// The total of all values.
pub(crate) const TOTAL: u32 = 72;
/// A value whose products are still to be added.
pub(crate) const VALUE: u32 = 76;
/// Of windows that are computed row by row: which of their rows it is, or whether it is another one
/// than the first, which is 0.
pub(crate) const ROW_OF_WINDOW: u32 = POOLED_ROWS;
/// Columns that a pooling joins that are left.
pub(crate) const POOLED_COLUMNS: u32 = 80;
/// Where the values of a pixel are, between a depthwise kernel and a pointwise one.
pub(crate) const PIXEL: u32 = 84;
/// While a row of the input is taken further: the network's first byte.
pub(crate) const NETWORK: u32 = RESULTS;
/// The row of the first map that has just arrived.
pub(crate) const GRID_ROW: u32 = INPUT_ROW;
/// Whether that ends the input: 0 if it does.
pub(crate) const MORE: u32 = ROWS;
/// What follows: the largest sums of a pooling, or those values, then the strip.
pub(crate) const STRIP: u32 = 88;
/// Bytes of it that Thumb's loads reach from the stack pointer, and a little less: slots are there.
pub(crate) const MOST_SLOTS_BYTES: u32 = 1000;
/// Bytes of all of it: loads reach the end of a field from its beginning on every core.
pub(crate) const MOST_BYTES: u32 = 2000;
