//! The least change of its kind that is enough.

use std::ops::RangeInclusive;

/// The least number of a range that fits, where all larger ones do too: by halving, so that few are
/// tried. `None` where not even the last one fits, or there is none.
pub(super) fn least_that_fits(
    range: RangeInclusive<u32>,
    fits: impl Fn(u32) -> bool,
) -> Option<u32> {
    let (mut first, mut fitting) = range.into_inner();
    if first > fitting || !fits(fitting) {
        return None;
    }
    while first < fitting {
        let middle = first + (fitting - first) / 2;
        match fits(middle) {
            true => fitting = middle,
            false => first = middle + 1,
        }
    }
    Some(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_that_fits_is_found_wherever_it_is() {
        for last in 0..20 {
            for least in 0..22 {
                let expected = (least <= last).then_some(least);
                assert_eq!(least_that_fits(0..=last, |it| it >= least), expected);
            }
        }
        #[expect(clippy::reversed_empty_ranges, reason = "a range of none")]
        let none = 3..=2;
        assert_eq!(least_that_fits(none, |_| true), None);
    }
}
