//! The newest part of a stream, of which every few samples make an input.

use crate::intake::Cursor;

/// A ring of the last `BYTES` bytes that an input is made of: of the stream, or of what a network's
/// first layers make of it. Positions are in bytes of their own, so that the type has the same size
/// on every machine.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SlidingWindow<const BYTES: usize> {
    bytes: [u8; BYTES],
    /// Where the next byte goes, and the oldest one is.
    next: [u8; 2],
    /// How many bytes of the stream are still to come before the next input.
    missing: [u8; 2],
}

impl<const BYTES: usize> SlidingWindow<BYTES> {
    /// An empty one, whose first input is complete after `length` bytes of the stream, at least
    /// one.
    ///
    /// `BYTES` is 1 to 65,535.
    pub const fn new(length: u16) -> Self {
        Self {
            bytes: [0; BYTES],
            next: [0; 2],
            missing: length.to_le_bytes(),
        }
    }

    /// Keeps a byte, in place of the oldest.
    #[inline]
    pub fn keep(&mut self, byte: u8) {
        let next = u16::from_le_bytes(self.next);
        if let Some(place) = self.bytes.get_mut(usize::from(next)) {
            *place = byte;
        }
        let after = next.wrapping_add(1);
        let after = if usize::from(after) >= BYTES {
            0
        } else {
            after
        };
        self.next = after.to_le_bytes();
    }

    /// Counts a byte of the stream; whether an input is complete then. The next one is after
    /// `stride` bytes more.
    #[inline]
    pub fn count(&mut self, stride: u16) -> bool {
        let missing = u16::from_le_bytes(self.missing).wrapping_sub(1);
        let is_complete = missing == 0;
        let missing = if is_complete { stride } else { missing };
        self.missing = missing.to_le_bytes();
        is_complete
    }

    /// A byte, counted from the oldest; 0 beyond the newest.
    #[inline]
    pub fn get(&self, index: usize) -> u8 {
        let next = usize::from(u16::from_le_bytes(self.next));
        let place = crate::stream::around(next.wrapping_add(index), BYTES);
        self.bytes.get(place).copied().unwrap_or(0)
    }

    /// The channel of the next byte, of samples of that many, of which it holds whole ones.
    #[inline]
    pub const fn channel(&self, channels: u16) -> usize {
        match u16::from_le_bytes(self.next).checked_rem(channels) {
            Some(channel) => channel as usize,
            None => 0,
        }
    }
}

/// What the first layers of a network keep of a stream that goes on without end.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Leading<
    const ROW_BYTES: usize,
    const COLUMN_BYTES: usize,
    const POSITIONS: usize,
    const ARENA_BYTES: usize,
> {
    /// Where in their input the next byte goes.
    pub cursor: Cursor<ROW_BYTES, COLUMN_BYTES, POSITIONS>,
    /// Their rings and windows, and their newest output.
    pub arena: [u8; ARENA_BYTES],
}

impl<
    const ROW_BYTES: usize,
    const COLUMN_BYTES: usize,
    const POSITIONS: usize,
    const ARENA_BYTES: usize,
> Leading<ROW_BYTES, COLUMN_BYTES, POSITIONS, ARENA_BYTES>
{
    /// At the row and column of their input at which the first sample is taken in.
    pub const fn at(row: u16, column: u16) -> Self {
        Self {
            cursor: Cursor::at(row, column),
            arena: [0; ARENA_BYTES],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stride_the_newest_bytes_are_an_input() {
        let stream: [u8; 40] = core::array::from_fn(|index| index as u8);
        for stride in 1..=6 {
            let mut window = SlidingWindow::<6>::new(6);
            let mut inputs = 0;
            for (index, &byte) in stream.iter().enumerate() {
                assert_eq!(window.channel(3), index % 3);
                let taken = index + 1;
                let is_due = taken >= 6 && (taken - 6).is_multiple_of(stride.into());
                window.keep(byte);
                assert_eq!(window.count(stride), is_due, "{index}, stride {stride}");
                if is_due {
                    let input: [u8; 6] = core::array::from_fn(|index| window.get(index));
                    assert_eq!(input, stream[taken - 6..taken]);
                    inputs += 1;
                }
            }
            assert_eq!(inputs, 34 / usize::from(stride) + 1);
        }
    }

    #[test]
    fn a_cursor_goes_to_a_pixel_with_its_positions() {
        let mut cursor = Cursor::<1, 2, 1>::at(3, 300);
        assert_eq!((cursor.pixel(), cursor.channel()), ((3, 300), 0));
        cursor.next_slot(0, 5);
        cursor.go_to(0, 7);
        assert_eq!((cursor.pixel(), cursor.slot(0)), ((0, 7), 1));
    }
}
