//! The newest samples of a stream, of which every few make an input.

/// A ring of the last `BYTES` bytes, which are whole samples. Positions are in bytes of their
/// own, so that the type has the same size on every machine.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SlidingWindow<const BYTES: usize> {
    bytes: [u8; BYTES],
    /// Where the next byte goes, and the oldest one is.
    next: [u8; 2],
    /// How many bytes are still to come before the next input.
    missing: [u8; 2],
}

impl<const BYTES: usize> SlidingWindow<BYTES> {
    /// An empty one, whose first input is complete after `BYTES` bytes.
    ///
    /// `BYTES` is 1 to 65,535.
    pub const fn new() -> Self {
        Self {
            bytes: [0; BYTES],
            next: [0; 2],
            missing: (BYTES as u16).to_le_bytes(),
        }
    }

    /// Takes a byte; whether the ring holds an input then. The next one is complete after
    /// `stride` bytes more.
    #[inline]
    pub fn push(&mut self, byte: u8, stride: u16) -> bool {
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

    /// The channel of the next byte, of samples of that many.
    #[inline]
    pub const fn channel(&self, channels: u16) -> usize {
        match u16::from_le_bytes(self.next).checked_rem(channels) {
            Some(channel) => channel as usize,
            None => 0,
        }
    }
}

impl<const BYTES: usize> Default for SlidingWindow<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stride_the_newest_bytes_are_an_input() {
        let stream: [u8; 40] = core::array::from_fn(|index| index as u8);
        for stride in 1..=6 {
            let mut window = SlidingWindow::<6>::new();
            let mut inputs = 0;
            for (index, &byte) in stream.iter().enumerate() {
                assert_eq!(window.channel(3), index % 3);
                let taken = index + 1;
                let is_due = taken >= 6 && (taken - 6).is_multiple_of(stride.into());
                assert_eq!(
                    window.push(byte, stride),
                    is_due,
                    "{index}, stride {stride}"
                );
                if is_due {
                    let input: [u8; 6] = core::array::from_fn(|index| window.get(index));
                    assert_eq!(input, stream[taken - 6..taken]);
                    inputs += 1;
                }
            }
            assert_eq!(inputs, 34 / usize::from(stride) + 1);
        }
    }
}
