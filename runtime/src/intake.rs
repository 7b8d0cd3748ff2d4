//! The raw input, byte by byte: the first pooling adds each byte to the sum of
//! its window and never holds the image.

use crate::product::offset;
use crate::stream::{Pixel, completed, window_of};

/// Which byte of the input comes next: rows, columns, channels; and for each ring
/// of the newest pixels of a map, the slot that the next one goes to.
///
/// Every field is of bytes, so that a network's value has no padding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)]
pub struct Cursor<const ROW_BYTES: usize, const COLUMN_BYTES: usize, const POSITIONS: usize> {
    row: [u8; ROW_BYTES],
    column: [u8; COLUMN_BYTES],
    channel: u8,
    /// 16 bits each, least byte first.
    positions: [[u8; 2]; POSITIONS],
}

impl<const ROW_BYTES: usize, const COLUMN_BYTES: usize, const POSITIONS: usize> Default
    for Cursor<ROW_BYTES, COLUMN_BYTES, POSITIONS>
{
    fn default() -> Self {
        Self::new()
    }
}

/// A number of 1 or 2 bytes, least byte first.
#[inline(always)]
const fn number<const BYTES: usize>(bytes: &[u8; BYTES]) -> u16 {
    match *bytes.as_slice() {
        [low] => low as u16,
        [low, high, ..] => u16::from_le_bytes([low, high]),
        [] => 0,
    }
}

/// Makes them that number.
#[inline(always)]
const fn set<const BYTES: usize>(bytes: &mut [u8; BYTES], number: u16) {
    let [low, high] = number.to_le_bytes();
    match bytes.as_mut_slice() {
        [byte] => *byte = low,
        [first, second, ..] => (*first, *second) = (low, high),
        [] => {}
    }
}

/// The number after that.
#[inline(always)]
fn next<const BYTES: usize>(bytes: &mut [u8; BYTES]) -> u16 {
    let next = number(bytes).wrapping_add(1);
    for (byte, value) in bytes.iter_mut().zip(next.to_le_bytes()) {
        *byte = value;
    }
    next
}

impl<const ROW_BYTES: usize, const COLUMN_BYTES: usize, const POSITIONS: usize>
    Cursor<ROW_BYTES, COLUMN_BYTES, POSITIONS>
{
    /// The first byte.
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            row: [0; ROW_BYTES],
            column: [0; COLUMN_BYTES],
            channel: 0,
            positions: [[0; 2]; POSITIONS],
        }
    }

    /// The first byte of the pixel at that row and column.
    #[inline(always)]
    pub const fn at(row: u16, column: u16) -> Self {
        let mut cursor = Self::new();
        cursor.go_to(row, column);
        cursor
    }

    /// Goes to the first byte of the pixel at that row and column; positions stay.
    #[inline(always)]
    pub const fn go_to(&mut self, row: u16, column: u16) {
        set(&mut self.row, row);
        set(&mut self.column, column);
        self.channel = 0;
    }

    /// Marks the input as complete, and its results as kept in the arena: until
    /// the next byte, for by then the place is another one.
    ///
    /// The mark is a channel that no pixel has. AVR's code leaves the channel
    /// alone where there is only one, and so the mark costs nothing there; all
    /// other code has to [unmark](Self::unmark) the cursor first.
    #[inline(always)]
    pub const fn mark_kept(&mut self) {
        self.channel = u8::MAX;
    }

    /// Whether the results of the last input are kept in the arena.
    #[inline(always)]
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        number(&self.row) | number(&self.column) == 0 && self.channel == u8::MAX
    }

    /// Takes the mark off.
    #[inline(always)]
    pub const fn unmark(&mut self) {
        if self.channel == u8::MAX {
            self.channel = 0;
        }
    }

    /// Whether the first byte comes next.
    #[inline(always)]
    pub const fn at_start(&self) -> bool {
        number(&self.row) == 0 && number(&self.column) == 0 && self.channel == 0
    }

    /// Whether the first byte of a row comes next, of an input that has one channel, or more.
    #[inline(always)]
    pub const fn begins_row<const HAS_ONE_CHANNEL: bool>(&self) -> bool {
        // The mark of an input that is complete is no channel, and leaves a row to begin.
        let begins_pixel = HAS_ONE_CHANNEL || self.channel == 0 || self.channel == u8::MAX;
        number(&self.column) == 0 && begins_pixel
    }

    /// The byte's pixel.
    #[inline(always)]
    pub const fn pixel(&self) -> Pixel {
        (number(&self.row), number(&self.column))
    }

    /// Whether the byte's pixel is one of the first `rows` × `columns`.
    #[inline(always)]
    pub const fn is_within(&self, rows: u16, columns: u16) -> bool {
        number(&self.row) < rows && number(&self.column) < columns
    }

    /// The byte's channel.
    #[inline(always)]
    pub fn channel(&self) -> usize {
        self.channel.into()
    }

    /// The slot that the next pixel goes to in the ring of that position.
    #[inline(always)]
    pub fn slot(&self, position: usize) -> usize {
        match self.positions.get(position) {
            Some(slot) => u16::from_le_bytes(*slot).into(),
            None => 0,
        }
    }

    /// Goes to the next slot of a ring of `pixels`.
    #[inline(always)]
    pub fn next_slot(&mut self, position: usize, pixels: u16) {
        if let Some(slot) = self.positions.get_mut(position) {
            let next = u16::from_le_bytes(*slot).wrapping_add(1);
            *slot = if next == pixels { 0 } else { next }.to_le_bytes();
        }
    }

    /// All positions are those of the first pixel.
    #[inline(always)]
    pub fn reset(&mut self) {
        self.positions = [[0; 2]; POSITIONS];
    }

    /// Moves a position on by `pixels`, modulo 2^16.
    #[inline(always)]
    pub fn move_on(&mut self, position: usize, pixels: u16) {
        if let Some(slot) = self.positions.get_mut(position) {
            *slot = u16::from_le_bytes(*slot).wrapping_add(pixels).to_le_bytes();
        }
    }

    /// Moves a position on by `pixels`, around a ring of `ring` pixels.
    #[inline(always)]
    pub fn move_around(&mut self, position: usize, pixels: u16, ring: u16) {
        if let Some(slot) = self.positions.get_mut(position) {
            let mut next = u16::from_le_bytes(*slot).wrapping_add(pixels);
            while next >= ring {
                next = next.wrapping_sub(ring);
            }
            *slot = next.to_le_bytes();
        }
    }

    /// Goes to the next byte; true when the input is complete, and the next
    /// byte is the first of another one.
    #[inline(always)]
    pub fn advance(&mut self, height: u16, width: u16, channels: u8) -> bool {
        self.channel = self.channel.wrapping_add(1);
        if self.channel != channels {
            return false;
        }
        self.channel = 0;
        if next(&mut self.column) != width {
            return false;
        }
        self.column = [0; COLUMN_BYTES];
        if next(&mut self.row) != height {
            return false;
        }
        self.row = [0; ROW_BYTES];
        true
    }
}

/// Sets `sums` 16-bit sums from byte `first` on to 0.
#[inline(always)]
pub fn clear_sums(arena: &mut [u8], first: usize, sums: usize) {
    if let Some(bytes) = arena.get_mut(first..first.wrapping_add(sums.wrapping_mul(2))) {
        bytes.fill(0);
    }
}

/// Adds a byte to its window's sum; when the window of 2^`HEIGHT_LOG2` ×
/// 2^`WIDTH_LOG2` pixels is complete, its pixel in the pooled map, of which
/// `rows` × `columns` pixels are used, and the sum.
///
/// Sums are from byte `first` on, one a channel, and that many from a window's to
/// those of the window right of it: none where each window is complete before
/// the next one begins. At most 16 × 255, a sum fits its 16 bits. Bytes of a last row or column that fills
/// no window, or whose window nothing reads, are dropped.
#[inline(always)]
pub fn pool<const HEIGHT_LOG2: u32, const WIDTH_LOG2: u32>(
    arena: &mut [u8],
    first: usize,
    (byte_pixel, channel): (Pixel, usize),
    (rows, columns, sums_per_column): (u16, u16, usize),
    byte: u8,
) -> Option<(Pixel, u16)> {
    let pixel = window_of::<HEIGHT_LOG2, WIDTH_LOG2>(byte_pixel);
    if pixel.0 >= rows || pixel.1 >= columns {
        return None;
    }
    let index = offset(pixel.1.into(), sums_per_column).wrapping_add(channel);
    let start = first.wrapping_add(index.wrapping_mul(2));
    let Some([low, high]) = arena.get_mut(start..start.wrapping_add(2)) else {
        return None;
    };
    let sum = u16::from_le_bytes([*low, *high]).wrapping_add(byte.into());
    let complete = completed::<HEIGHT_LOG2, WIDTH_LOG2>(byte_pixel);
    let rest = if complete.is_some() { 0 } else { sum };
    [*low, *high] = rest.to_le_bytes();
    complete.map(|pixel| (pixel, sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::pixel_index;

    #[test]
    fn a_window_of_one_row_is_complete_in_each_row() {
        let mut arena = [0; 6];
        let mut cursor = Cursor::<1, 1, 0>::new();
        let mut complete = [None; 6];
        for number in 1..=2 * 7 {
            if let Some((pixel, sum)) =
                pool::<0, 1>(&mut arena, 0, (cursor.pixel(), 0), (2, 3, 1), number)
            {
                assert_eq!(complete[pixel_index(pixel, 3)].replace(sum), None);
            }
            cursor.advance(2, 7, 1);
        }
        assert_eq!(complete, [3, 7, 11, 17, 21, 25].map(Some));
    }

    #[test]
    fn a_window_is_complete_at_its_last_byte_and_odd_edges_are_dropped() {
        let (height, width) = (5u16, 7u16);
        let mut arena = [0; 8];
        let mut cursor = Cursor::<1, 1, 0>::new();
        let mut complete = [None; 6];
        for number in 1..=(height * width) as u8 {
            if let Some((pixel, sum)) =
                pool::<1, 1>(&mut arena, 1, (cursor.pixel(), 0), (2, 3, 1), number)
            {
                assert_eq!(complete[pixel_index(pixel, 3)].replace(sum), None);
            }
            assert_eq!(
                cursor.advance(height, width, 1),
                u16::from(number) == height * width
            );
        }
        assert!(cursor.at_start());
        let sum = |top_left: u16| Some(4 * top_left + 1 + 7 + 8);
        assert_eq!(complete, [1, 3, 5, 15, 17, 19].map(sum));
        assert_eq!(arena, [0; 8]);
    }
}
