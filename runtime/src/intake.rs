//! The raw input, byte by byte: the first pooling adds each byte to the sum of
//! its window and never holds the image.

/// Which byte of the input comes next: rows, columns, channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Cursor {
    row: u8,
    column: u8,
    channel: u8,
}

impl Cursor {
    /// The first byte.
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            row: 0,
            column: 0,
            channel: 0,
        }
    }

    /// Whether the first byte comes next.
    #[inline(always)]
    pub const fn at_start(&self) -> bool {
        self.row == 0 && self.column == 0 && self.channel == 0
    }

    /// The byte's pixel in a map of `width` columns.
    #[inline(always)]
    pub fn pixel(&self, width: usize) -> usize {
        usize::from(self.row)
            .wrapping_mul(width)
            .wrapping_add(self.column.into())
    }

    /// The byte's channel.
    #[inline(always)]
    pub fn channel(&self) -> usize {
        self.channel.into()
    }

    /// Goes to the next byte; true when the input is complete, and the next
    /// byte is the first of another one.
    #[inline(always)]
    pub fn advance(&mut self, height: u8, width: u8, channels: u8) -> bool {
        self.channel = self.channel.wrapping_add(1);
        if self.channel != channels {
            return false;
        }
        self.channel = 0;
        self.column = self.column.wrapping_add(1);
        if self.column != width {
            return false;
        }
        self.column = 0;
        self.row = self.row.wrapping_add(1);
        if self.row != height {
            return false;
        }
        self.row = 0;
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
/// 2^`WIDTH_LOG2` pixels is complete, its pixel in the pooled map, which has
/// `rows` × `columns` pixels, and the sum.
///
/// Sums lie from byte `first` on, one a channel of one row of windows. At most
/// 16 × 255, a sum fits its 16 bits. Bytes of a last row or column that fills
/// no window are dropped.
#[inline(always)]
pub fn pool<const HEIGHT_LOG2: u32, const WIDTH_LOG2: u32>(
    arena: &mut [u8],
    first: usize,
    cursor: &Cursor,
    (rows, columns, channels): (usize, usize, usize),
    byte: u8,
) -> Option<(usize, u16)> {
    let row = usize::from(cursor.row >> HEIGHT_LOG2);
    let column = usize::from(cursor.column >> WIDTH_LOG2);
    if row >= rows || column >= columns {
        return None;
    }
    let index = column
        .wrapping_mul(channels)
        .wrapping_add(cursor.channel.into());
    let start = first.wrapping_add(index.wrapping_mul(2));
    let Some([low, high]) = arena.get_mut(start..start.wrapping_add(2)) else {
        return None;
    };
    let sum = u16::from_le_bytes([*low, *high]).wrapping_add(byte.into());
    let last_row = (1 << HEIGHT_LOG2) - 1;
    let last_column = (1 << WIDTH_LOG2) - 1;
    let complete = cursor.row & last_row == last_row && cursor.column & last_column == last_column;
    [*low, *high] = if complete { 0 } else { sum }.to_le_bytes();
    complete.then_some((row.wrapping_mul(columns).wrapping_add(column), sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_one_row_is_complete_in_each_row() {
        let mut arena = [0; 6];
        let mut cursor = Cursor::new();
        let mut complete = [None; 6];
        for number in 1..=2 * 7 {
            if let Some((pixel, sum)) = pool::<0, 1>(&mut arena, 0, &cursor, (2, 3, 1), number) {
                assert_eq!(complete[pixel].replace(sum), None);
            }
            cursor.advance(2, 7, 1);
        }
        assert_eq!(complete, [3, 7, 11, 17, 21, 25].map(Some));
    }

    #[test]
    fn a_window_is_complete_at_its_last_byte_and_odd_edges_are_dropped() {
        let (height, width) = (5, 7);
        let mut arena = [0; 8];
        let mut cursor = Cursor::new();
        let mut complete = [None; 6];
        for number in 1..=height * width {
            if let Some((pixel, sum)) = pool::<1, 1>(&mut arena, 1, &cursor, (2, 3, 1), number) {
                assert_eq!(complete[pixel].replace(sum), None);
            }
            assert_eq!(cursor.advance(height, width, 1), number == height * width);
        }
        assert!(cursor.at_start());
        let sum = |top_left: u16| Some(4 * top_left + 1 + 7 + 8);
        assert_eq!(complete, [1, 3, 5, 15, 17, 19].map(sum));
        assert_eq!(arena, [0; 8]);
    }
}
