//! Results that stay in a network's own memory.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;

mod sealed {
    pub trait Sealed {}

    impl Sealed for i16 {}
    impl Sealed for i32 {}
}

/// The integer of a network's results: `i16` or `i32`.
pub trait Logit:
    sealed::Sealed + Copy + Ord + Default + fmt::Debug + fmt::Display + Into<i32> + 'static
{
    #[doc(hidden)]
    fn from_stored(bytes: &[u8]) -> Self;

    /// Bytes of a stored result, where that many are said to be.
    #[doc(hidden)]
    fn stored_bytes(said: usize) -> usize;
}

impl Logit for i16 {
    // A constant, so that nothing is computed from it at run time.
    #[inline(always)]
    fn stored_bytes(_said: usize) -> usize {
        2
    }

    #[inline(always)]
    fn from_stored(bytes: &[u8]) -> Self {
        match bytes {
            [low, high] => i16::from_le_bytes([*low, *high]),
            _ => 0,
        }
    }
}

impl Logit for i32 {
    #[inline(always)]
    fn stored_bytes(said: usize) -> usize {
        said
    }

    #[inline(always)]
    fn from_stored(bytes: &[u8]) -> Self {
        match bytes {
            [low, high] => i16::from_le_bytes([*low, *high]).into(),
            [a, b, c, d] => i32::from_le_bytes([*a, *b, *c, *d]),
            _ => 0,
        }
    }
}

/// The results of a complete input, in the memory of the network that computed
/// them. They last until that network is used again, as the borrow says.
#[derive(Clone, Copy)]
pub struct Results<'a, L> {
    /// Little-endian.
    bytes: &'a [u8],
    bytes_each: usize,
    logit: PhantomData<L>,
}

impl<'a, L: Logit> Results<'a, L> {
    /// `count` results of `bytes_each` bytes, 2 or 4, from byte `first` on.
    #[doc(hidden)]
    #[inline(always)]
    pub fn stored(memory: &'a [u8], first: usize, bytes_each: usize, count: usize) -> Self {
        let end = first.wrapping_add(count.wrapping_mul(bytes_each));
        Self {
            bytes: memory.get(first..end).unwrap_or_default(),
            bytes_each: L::stored_bytes(bytes_each),
            logit: PhantomData,
        }
    }

    /// How many there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        if self.bytes_each == 4 {
            self.bytes.len() / 4
        } else {
            self.bytes.len() / 2
        }
    }

    /// Whether there are none, which no network's are.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The result at `index`; `None` from [`Self::len`] on.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<L> {
        let first = index.checked_mul(self.bytes_each)?;
        let bytes = self.bytes.get(first..)?.get(..self.bytes_each)?;
        Some(L::from_stored(bytes))
    }

    /// The results, from the first to the last.
    #[inline]
    pub fn iter(&self) -> Iter<'a, L> {
        Iter {
            bytes: self.bytes,
            bytes_each: self.bytes_each,
            logit: PhantomData,
        }
    }

    /// The class: the index of the first largest result.
    #[inline]
    #[must_use]
    pub fn class(&self) -> usize {
        let mut logits = self.iter();
        let Some(mut largest) = logits.next() else {
            return 0;
        };
        let mut class = 0;
        for (index, logit) in (1..).zip(logits) {
            if logit > largest {
                (class, largest) = (index, logit);
            }
        }
        class
    }
}

impl<L: Logit> fmt::Debug for Results<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, L: Logit> IntoIterator for Results<'a, L> {
    type Item = L;
    type IntoIter = Iter<'a, L>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, L: Logit> IntoIterator for &Results<'a, L> {
    type Item = L;
    type IntoIter = Iter<'a, L>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(feature = "defmt")]
impl<L: Logit + defmt::Format> defmt::Format for Results<'_, L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "[");
        for (index, logit) in self.iter().enumerate() {
            if index > 0 {
                defmt::write!(f, ", ");
            }
            defmt::write!(f, "{}", logit);
        }
        defmt::write!(f, "]");
    }
}

/// The results of [`Results::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a, L> {
    bytes: &'a [u8],
    bytes_each: usize,
    logit: PhantomData<L>,
}

impl<L: Logit> Iterator for Iter<'_, L> {
    type Item = L;

    #[inline]
    fn next(&mut self) -> Option<L> {
        let (first, rest) = self
            .bytes
            .split_at_checked(L::stored_bytes(self.bytes_each))?;
        // No results at all would be 0 bytes each, for ever.
        if first.is_empty() {
            return None;
        }
        self.bytes = rest;
        Some(L::from_stored(first))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.bytes_each == 4 {
            self.bytes.len() / 4
        } else {
            self.bytes.len() / 2
        };
        (left, Some(left))
    }
}

impl<L: Logit> ExactSizeIterator for Iter<'_, L> {}
impl<L: Logit> FusedIterator for Iter<'_, L> {}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    #[test]
    fn results_of_two_bytes_read_as_either_integer() {
        let memory = [9, 1, 0, 0xFE, 0xFF, 3, 1];
        let narrow = Results::<i16>::stored(&memory, 1, 2, 3);
        let wide = Results::<i32>::stored(&memory, 1, 2, 3);
        assert_eq!(narrow.iter().collect::<Vec<_>>(), [1, -2, 259]);
        assert_eq!(wide.iter().collect::<Vec<_>>(), [1, -2, 259]);
        assert_eq!((narrow.len(), wide.iter().len()), (3, 3));
        assert_eq!((narrow.get(2), narrow.get(3)), (Some(259), None));
        assert_eq!(narrow.get(usize::MAX), None);
    }

    #[test]
    fn the_class_is_the_first_of_the_largest() {
        let memory: Vec<u8> = [-5_i32, 70_000, 70_000, 3]
            .into_iter()
            .flat_map(i32::to_le_bytes)
            .collect();
        let results = Results::<i32>::stored(&memory, 0, 4, 4);
        assert_eq!(results.class(), 1);
        assert_eq!(std::format!("{results:?}"), "[-5, 70000, 70000, 3]");
    }
}
