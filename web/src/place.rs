//! Places of a text as a browser counts them: in units of UTF-16.

use std::ops::Range;

use serde::Serialize;

/// A part of a text, in units of UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    start: usize,
    end: usize,
}

impl Place {
    pub(crate) fn of(text: &str, bytes: Range<usize>) -> Self {
        let units = |end: usize| text[..end].encode_utf16().count();
        Self {
            start: units(bytes.start),
            end: units(bytes.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_the_first_plane_are_two_units() {
        let place = Place::of("ü🦀x", 6..7);
        assert_eq!(place, Place { start: 3, end: 4 });
    }
}
