//! Gates and updates of recurrent cells that are not hard, by a table of the hyperbolic tangent.
//!
//! With Q bits of fraction, and `τ(x) = ±rsh(T[n]·256 + (T[n + 1] − T[n])·f, 20 − Q)` where
//! `256·n + f = min(|x|, 2^(Q + 2) − 1) << (12 − Q)`, a straight line between the entries of the
//! table T on either side of x:
//!
//! | gate | z | c |
//! | --- | --- | --- |
//! | `sigmoid` | `rsh(τ(rsh(p + gate, 1)) + 2^Q, 1)` | `τ(p + update)` |
//! | `tanh` | `τ(p + gate)` | `τ(p + update)` |
//!
//! p is `clamp16` of its two parts' sum, and so are what is added to it.

/// The table T: `⌊4096·tanh(n / 16)⌋`, so that no entry is more than 255 beyond the one before.
/// A line between two is up to 1 / 1,800 below the curve; the last one stands for all from 4 on, up to
/// 1 / 1,300 above it.
pub fn tangents() -> [u16; 65] {
    std::array::from_fn(|n| (4096.0 * (n as f64 / 16.0).tanh()).floor() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_the_table_are_bytes() {
        let table = tangents();
        assert_eq!((table[0], table[64]), (0, 4093));
        assert!(table.windows(2).all(|pair| pair[1] - pair[0] <= 255));
    }
}
