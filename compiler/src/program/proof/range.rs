//! What values can be: the arithmetic of every proof that a sum fits.

/// The least and the greatest of some values. 0 alone by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueRange {
    pub low: i128,
    pub high: i128,
}

impl ValueRange {
    /// One value.
    pub const fn just(value: i128) -> Self {
        Self {
            low: value,
            high: value,
        }
    }

    /// An activation of `bits` bits: `0..2^bits`, or two's complement where its layer
    /// has no activation.
    pub const fn of_activation(bits: u32, signed: bool) -> Self {
        if signed {
            Self {
                low: -(1 << (bits - 1)),
                high: (1 << (bits - 1)) - 1,
            }
        } else {
            Self {
                low: 0,
                high: (1 << bits) - 1,
            }
        }
    }

    /// `Σ w·x` for one of these values `x` of each weight `w`.
    pub fn weighted_sum(self, weights: impl IntoIterator<Item = i8>) -> Self {
        let (mut positive, mut negative) = (0i64, 0i64);
        for weight in weights {
            if weight > 0 {
                positive += i64::from(weight);
            } else {
                negative += i64::from(weight);
            }
        }
        let (positive, negative) = (i128::from(positive), i128::from(negative));
        Self {
            low: positive * self.low + negative * self.high,
            high: positive * self.high + negative * self.low,
        }
    }

    /// One of these and one of those added up.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            high: self.high + other.high,
        }
    }

    /// One of these shifted up by `bits`, 31 at most.
    pub const fn shifted_up(self, bits: u32) -> Self {
        Self {
            low: self.low << bits,
            high: self.high << bits,
        }
    }

    /// Bytes that hold all of them in two's complement.
    pub fn bytes(self) -> u32 {
        let bits = |value: i128| i128::BITS + 1 - (value ^ (value >> 127)).leading_zeros();
        bits(self.low).max(bits(self.high)).div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hold_both_ends() {
        let bytes = |low, high| ValueRange { low, high }.bytes();
        assert_eq!(bytes(0, 0), 1);
        assert_eq!(bytes(-128, 127), 1);
        assert_eq!(bytes(-129, 0), 2);
        assert_eq!(bytes(0, 128), 2);
        assert_eq!(bytes(i32::MIN.into(), i32::MAX.into()), 4);
        assert_eq!(bytes(0, 1 << 31), 5);
    }

    #[test]
    fn a_weighted_sum_is_least_where_each_product_is() {
        let range = ValueRange { low: -2, high: 3 };
        let sum = range.weighted_sum([5, -7]);
        assert_eq!(
            sum,
            ValueRange {
                low: -10 - 21,
                high: 15 + 14
            }
        );
    }
}
