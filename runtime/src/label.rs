//! Names of classes, kept in flash, and sensor counts scaled to bytes.

use core::fmt::{self, Display, Write as _};

/// The name of a class, kept in flash: print it, or read it byte by byte.
#[derive(Clone, Copy)]
pub struct Label {
    byte: fn(usize) -> u8,
    first: usize,
    end: usize,
}

impl Label {
    /// The bytes from `first` to `end`, of which `byte` gives each.
    #[doc(hidden)]
    #[must_use]
    pub fn new(byte: fn(usize) -> u8, first: usize, end: usize) -> Self {
        Self { byte, first, end }
    }

    /// The bytes of its UTF-8, for a serial line.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        (self.first..self.end).map(self.byte)
    }

    /// The letters of the name, for a display.
    pub fn chars(self) -> impl Iterator<Item = char> {
        // The first byte of a letter says how many it has (RFC 3629).
        let mut letter = 0_u32;
        let mut left = 0_u8;
        self.bytes().filter_map(move |byte| {
            (letter, left) = match byte {
                0x00..=0x7F => (byte.into(), 0),
                0x80..=0xBF => (letter << 6 | u32::from(byte & 0x3F), left.saturating_sub(1)),
                0xC0..=0xDF => ((byte & 0x1F).into(), 1),
                0xE0..=0xEF => ((byte & 0x0F).into(), 2),
                0xF0..=0xFF => ((byte & 0x07).into(), 3),
            };
            let complete = || char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER);
            (left == 0).then(complete)
        })
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|letter| f.write_char(letter))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut letters = self.chars().flat_map(char::escape_debug);
        letters.try_for_each(|letter| f.write_char(letter))?;
        f.write_char('"')
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Label {
    fn format(&self, f: defmt::Formatter<'_>) {
        for letter in self.chars() {
            defmt::write!(f, "{=char}", letter);
        }
    }
}

/// The byte of a sensor's count: `min(max(count − offset, 0) · multiplier >> shift, 255)`.
#[inline(always)]
#[must_use]
pub const fn scaled(count: i16, offset: i16, multiplier: u8, shift: u8) -> u8 {
    if count <= offset {
        return 0;
    }
    // At most 65,535, and the product has 24 bits.
    let above = (count as u16).wrapping_sub(offset as u16);
    let product = above as u32 * multiplier as u32;
    let byte = product >> shift;
    if byte > 255 { 255 } else { byte as u8 }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString as _;

    #[test]
    fn a_label_is_printed_letter_by_letter() {
        const TEXT: &str = "nogrößer→🎤";
        let label = Label::new(|at| TEXT.as_bytes()[at], 2, TEXT.len());
        assert_eq!(label.to_string(), "größer→🎤");
        assert_eq!(std::format!("{label:?}"), "\"größer→🎤\"");
        assert!(label.bytes().eq(TEXT.bytes().skip(2)));
    }

    #[test]
    fn a_count_becomes_the_byte_of_its_formula() {
        for offset in [i16::MIN, -77, 0, 5000, i16::MAX] {
            for (multiplier, shift) in [(255, 16), (1, 0), (255, 0), (128, 7), (3, 9)] {
                for count in (i16::MIN..=i16::MAX).step_by(37).chain([i16::MAX]) {
                    let above = (i64::from(count) - i64::from(offset)).max(0);
                    let byte = ((above * i64::from(multiplier)) >> shift).min(255);
                    assert_eq!(i64::from(scaled(count, offset, multiplier, shift)), byte);
                }
            }
        }
    }
}
