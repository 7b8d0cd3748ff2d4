/// `256 · log2(value)`, within 5, and 0 for 0.
///
/// The mantissa `1 + f` by `log2(1 + f) ≈ f + 0.34375 · f · (1 − f)`.
#[inline(never)]
pub(crate) fn of(value: u32) -> i16 {
    if value == 0 {
        return 0;
    }
    let mut octave = 31_u8;
    let mut mantissa = value;
    while mantissa >> 24 == 0 {
        mantissa <<= 8;
        octave -= 8;
    }
    while mantissa >> 31 == 0 {
        mantissa <<= 1;
        octave -= 1;
    }
    // Eight bits after the leading one.
    let fraction = (mantissa >> 23) as u8;
    let bend = (u16::from(fraction) * (256 - u16::from(fraction))) >> 8;
    let above = u16::from(fraction) + ((bend * 88) >> 8);
    i16::from(octave) * 256 + above as i16
}

#[cfg(test)]
mod tests {
    extern crate std;

    #[test]
    fn a_logarithm_is_within_a_fiftieth_of_an_octave() {
        let mut value = 1_u32;
        while value < u32::MAX - (value >> 6) - 1 {
            let exact = 256.0 * f64::from(value).log2();
            let error = f64::from(super::of(value)) - exact;
            assert!(error.abs() < 5.0, "{value}: {error}");
            value += (value >> 6) + 1;
        }
    }

    #[test]
    fn a_logarithm_is_monotone() {
        let logarithms = (0..1 << 20).map(super::of);
        assert!(logarithms.is_sorted());
    }
}
