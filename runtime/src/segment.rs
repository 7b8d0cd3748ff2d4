//! Layers that are computed together, pixel by pixel, over a grid of points; see
//! the planner's `timing.rs`.

use crate::arena::{load_one, signed};
use crate::product::Value;
use crate::product::offset;
use crate::stream::Pixel;
use crate::sum::Sum;

/// The row or column of a value that is computed at that one of the grid: number
/// `i` of `count` is at `i · STRIDE + delay`.
#[inline(always)]
fn at<const STRIDE: u16>(point: u16, delay: u16, count: u16) -> Option<u16> {
    let (index, rest) = divide::<STRIDE>(point.checked_sub(delay)?);
    (rest == 0 && index < count).then_some(index)
}

/// Quotient and rest; a divisor of 0 is 1.
#[inline(always)]
fn divide<const DIVISOR: u16>(number: u16) -> (u16, u16) {
    match number.checked_div(DIVISOR) {
        Some(quotient) => (
            quotient,
            number.wrapping_sub(offset(quotient.into(), DIVISOR.into()) as u16),
        ),
        None => (number, 0),
    }
}

/// The pixel of a value that is computed at a point; `axis` is `(delay, count)`.
#[inline(always)]
pub fn pixel_at<const ROW_STRIDE: u16, const COLUMN_STRIDE: u16>(
    (row, column): Pixel,
    rows: (u16, u16),
    columns: (u16, u16),
) -> Option<Pixel> {
    match (
        at::<ROW_STRIDE>(row, rows.0, rows.1),
        at::<COLUMN_STRIDE>(column, columns.0, columns.1),
    ) {
        (Some(row), Some(column)) => Some((row, column)),
        _ => None,
    }
}

/// The window of `HEIGHT` × `WIDTH` pixels, which touch one another, that a pixel
/// is part of, and whether it is the window's first.
#[inline(always)]
pub fn tile<const HEIGHT: u16, const WIDTH: u16>((row, column): Pixel) -> (Pixel, bool) {
    let (row, rows) = divide::<HEIGHT>(row);
    let (column, columns) = divide::<WIDTH>(column);
    ((row, column), rows == 0 && columns == 0)
}

/// Whether tap `tap` of a kernel whose first one is `before` rows above (or
/// columns left of) the map's `first` one is inside a map of `count`.
#[inline(always)]
pub const fn is_inside(first: usize, tap: usize, before: usize, count: usize) -> bool {
    let at = first.wrapping_add(tap);
    at >= before && at.wrapping_sub(before) < count
}

/// A sum of `BYTES` bytes, least byte first, two's complement.
#[inline(always)]
pub(crate) fn kept(bytes: &[u8], is_signed: bool) -> i32 {
    let negative = is_signed && bytes.last().is_some_and(|byte| *byte > 0x7F);
    let mut sum = if negative { [0xFF; 4] } else { [0; 4] };
    for (to, from) in sum.iter_mut().zip(bytes) {
        *to = *from;
    }
    i32::from_le_bytes(sum)
}

#[inline(always)]
fn keep_sum(bytes: &mut [u8], sum: i32) {
    for (to, from) in bytes.iter_mut().zip(sum.to_le_bytes()) {
        *to = from;
    }
}

/// Takes a pixel into the sums of its window, of `BYTES` each, which begin at byte
/// `first`.
#[inline(always)]
pub fn add_to_window<const BYTES: usize, V: Value, const C: usize>(
    arena: &mut [u8],
    first: usize,
    begins: bool,
    values: [V; C],
) {
    let sums = arena.get_mut(first..).unwrap_or_default();
    for (sum, value) in sums.as_chunks_mut::<BYTES>().0.iter_mut().zip(values) {
        let before = if begins { 0 } else { kept(sum, true) };
        keep_sum(sum, before.wrapping_add(value.into().into()));
    }
}

/// Adds a byte of the raw input to a sum of `BYTES` at byte `first`; gives the sum.
#[inline(always)]
fn add_byte<const BYTES: usize>(arena: &mut [u8], first: usize, begins: bool, byte: u8) -> u32 {
    let sums = arena.get_mut(first..).unwrap_or_default();
    let Some(sum) = sums.as_chunks_mut::<BYTES>().0.first_mut() else {
        return 0;
    };
    let before = if begins { 0 } else { kept(sum, false) };
    let total = before.wrapping_add(byte.into());
    keep_sum(sum, total);
    total as u32
}

/// The windows of a leading `A`.
pub struct InputWindows {
    /// Rows and columns of a window.
    pub kernel: Pixel,
    /// From a window to the next one.
    pub stride: Pixel,
    /// Rows and columns of windows.
    pub outputs: Pixel,
    /// Rows of windows that a byte is part of.
    pub bands: u16,
    /// Bytes of the sums of a row of windows.
    pub band_bytes: usize,
    /// Bytes from a window's sums to those of the window right of it.
    pub column_bytes: usize,
}

impl InputWindows {
    /// Adds a byte to the sums of `BYTES` bytes each, from byte `first` on, of every
    /// window that it is part of; gives the one that it completes, and its sum.
    #[inline(always)]
    pub fn add<const BYTES: usize>(
        &self,
        arena: &mut [u8],
        first: usize,
        (pixel, channel): (Pixel, usize),
        byte: u8,
    ) -> Option<(Pixel, u32)> {
        let mut completed = None;
        let of_channel = first.wrapping_add(offset(channel, BYTES));
        let mut row = pixel.0.checked_div(self.stride.0);
        while let Some((window_row, at_row)) = inside(row, pixel.0, self.stride.0, self.kernel.0) {
            let band = window_row.checked_rem(self.bands).unwrap_or(0);
            let of_band = offset(band.into(), self.band_bytes).wrapping_add(of_channel);
            let mut column = pixel.1.checked_div(self.stride.1);
            while let Some((window_column, at_column)) =
                inside(column, pixel.1, self.stride.1, self.kernel.1)
            {
                if window_row < self.outputs.0 && window_column < self.outputs.1 {
                    let sum = offset(window_column.into(), self.column_bytes).wrapping_add(of_band);
                    let total = add_byte::<BYTES>(arena, sum, at_row == 0 && at_column == 0, byte);
                    let (rows, columns) = self.kernel;
                    if at_row.wrapping_add(1) == rows && at_column.wrapping_add(1) == columns {
                        completed = Some(((window_row, window_column), total));
                    }
                }
                column = window_column.checked_sub(1);
            }
            row = window_row.checked_sub(1);
        }
        completed
    }
}

/// A window's row (or column) and the pixel's place in it, as long as it has one.
#[inline(always)]
fn inside(window: Option<u16>, at: u16, stride: u16, side: u16) -> Option<(u16, u16)> {
    let window = window?;
    let place = at.wrapping_sub(offset(window.into(), stride.into()) as u16);
    (place < side).then_some((window, place))
}

/// `floor(sum / DIVISOR)`, of a sum that is not negative.
#[inline(always)]
pub const fn divide_sum<const DIVISOR: u32>(sum: u32) -> u8 {
    match sum.checked_div(DIVISOR) {
        Some(quotient) => quotient as u8,
        None => 0,
    }
}

/// `floor(sum / DIVISOR)`.
#[inline(always)]
pub const fn floor_divide<const DIVISOR: i32>(sum: i32) -> i32 {
    match sum.checked_div_euclid(DIVISOR) {
        Some(quotient) => quotient,
        None => sum,
    }
}

/// The averages of a window, as the `BITS` bits that are stored, of sums of `BYTES`
/// each that begin at byte `first`.
#[inline(always)]
pub fn window_averages<
    const BITS: u32,
    const BYTES: usize,
    const SIGNED: bool,
    const DIVISOR: i32,
    const C: usize,
>(
    arena: &[u8],
    first: usize,
) -> [u8; C] {
    let sums = arena.get(first..).unwrap_or_default();
    let mut values = [0; C];
    for (value, sum) in values.iter_mut().zip(sums.as_chunks::<BYTES>().0) {
        *value = floor_divide::<DIVISOR>(kept(sum, SIGNED)) as u8 & (0xFF >> (8 - BITS));
    }
    values
}

/// Adds each of `values` to its sum.
#[inline(always)]
pub fn add_each_wide<V: Value, const C: usize>(sums: &mut [i32; C], values: &[V; C]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = sum.wrapping_add(value.into().into());
    }
}

/// `totals[o] + (values[o] × 2^skip)`.
#[inline(always)]
pub fn add_joined<S: Sum, V: Value, const C: usize>(
    mut totals: [S; C],
    values: [V; C],
    skip: u32,
) -> [S; C] {
    for (total, value) in totals.iter_mut().zip(values) {
        *total = total.add(S::widen(value.into()).shift_left(skip));
    }
    totals
}

/// A value of a map that is added, at a cell.
#[inline(always)]
pub fn joined_value<const BITS: u32, const SIGNED: bool>(arena: &[u8], cell: usize) -> i16 {
    let value = load_one::<BITS>(arena, cell);
    if SIGNED {
        let [value] = signed::<BITS, 1>([value]);
        value.into()
    } else {
        value.into()
    }
}

/// Adds the values of a map, from `cell` on, shifted by `skip`, to as many sums.
#[inline(always)]
pub fn add_joined_map<const BITS: u32, const SIGNED: bool, S: Sum>(
    sums: &mut [S],
    arena: &[u8],
    cell: usize,
    skip: u32,
) {
    let mut cell = cell;
    for sum in sums {
        let value = joined_value::<BITS, SIGNED>(arena, cell);
        *sum = sum.add(S::widen(value).shift_left(skip));
        cell = cell.wrapping_add(1);
    }
}

/// Puts the channels of a map among those of a concatenation, from `first` on.
#[inline(always)]
pub fn concatenate<const C: usize, const PART: usize>(
    values: &mut [u8; C],
    first: usize,
    part: [u8; PART],
) {
    let channels = values.get_mut(first..).unwrap_or_default();
    for (value, channel) in channels.iter_mut().zip(part) {
        *value = channel;
    }
}

/// Outputs of a layer with their row and column, in the order of a walk over its
/// fields: row by row, or from the last one up.
pub struct Outputs<Walk> {
    walk: Walk,
    columns: u16,
    next: Pixel,
    backward: bool,
}

impl<Walk> Outputs<Walk> {
    /// Over `rows` × `columns` outputs.
    #[inline(always)]
    pub const fn new(walk: Walk, (rows, columns): Pixel, backward: bool) -> Self {
        let last = (rows.wrapping_sub(1), columns.wrapping_sub(1));
        Self {
            walk,
            columns,
            next: if backward { last } else { (0, 0) },
            backward,
        }
    }
}

impl<Walk: Iterator<Item = usize>> Iterator for Outputs<Walk> {
    type Item = (usize, Pixel);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let field = self.walk.next()?;
        let output = self.next;
        let (row, column) = output;
        self.next = if self.backward {
            match column.checked_sub(1) {
                Some(column) => (row, column),
                None => (row.wrapping_sub(1), self.columns.wrapping_sub(1)),
            }
        } else if column.wrapping_add(1) == self.columns {
            (row.wrapping_add(1), 0)
        } else {
            (row, column.wrapping_add(1))
        };
        Some((field, output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::RowMajor;

    #[test]
    fn a_pixel_is_there_at_its_stride_after_its_delay() {
        let rows: [Option<u16>; 9] = core::array::from_fn(|point| at::<3>(point as u16, 2, 2));
        let mut expected = [None; 9];
        (expected[2], expected[5]) = (Some(0), Some(1));
        assert_eq!(rows, expected);
    }

    #[test]
    fn taps_outside_of_the_map_are_reported() {
        let inside = |first| [0, 1, 2].map(|tap| is_inside(first, tap, 1, 4));
        assert_eq!(inside(0), [false, true, true]);
        assert_eq!(inside(3), [true, true, false]);
    }

    #[test]
    fn averages_of_any_window_round_down() {
        let mut arena = [0; 9];
        for value in [-8i8, -7, 3] {
            add_to_window::<1, i8, 1>(&mut arena, 0, value == -8, [value]);
            add_to_window::<4, i8, 1>(&mut arena, 1, value == -8, [value]);
        }
        assert_eq!(window_averages::<4, 1, true, 3, 1>(&arena, 0), [0xC]);
        assert_eq!(window_averages::<8, 4, true, 5, 1>(&arena, 1), [0xFD]);
        assert_eq!(add_byte::<2>(&mut arena, 6, true, 255), 255);
        assert_eq!(add_byte::<2>(&mut arena, 6, false, 255), 510);
    }

    #[test]
    fn outputs_go_with_their_fields() {
        let forward = Outputs::new(RowMajor::new(0, (2, 2), (10, 1)), (2, 2), false);
        assert!(forward.eq([(0, (0, 0)), (1, (0, 1)), (10, (1, 0)), (11, (1, 1))]));
        let up = 0usize.wrapping_sub(1);
        let rows_up = 0usize.wrapping_sub(10);
        let backward = Outputs::new(RowMajor::new(11, (2, 2), (rows_up, up)), (2, 2), true);
        assert!(backward.eq([(11, (1, 1)), (10, (1, 0)), (1, (0, 1)), (0, (0, 0))]));
    }
}
