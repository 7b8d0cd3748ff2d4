//! The functions of a recurrent cell's gates and updates.

use crate::flash::Flash;
use crate::wide::{round_half_up, to_wide};

/// What a cell makes of `pre`, which is the same for its gate and its update. Numbers have a
/// fraction of up to `MOST_FRACTION` bits, 1 of which is `one`.
pub trait Gates: Copy {
    /// The most bits of a fraction.
    const MOST_FRACTION: u8;

    /// How much of a state is kept.
    fn gate(self, pre: i32, bias: i16, fraction: u8) -> i32;

    /// What comes in.
    fn update(self, pre: i32, bias: i16, fraction: u8) -> i32;

    /// How far from 0 a state can be after that many steps.
    fn bound(steps: i32, zeta: i16, nu: i16) -> i32;
}

/// `z = clamp(rsh(x + 2^Q, 1), 0, 2^Q)`, `c = clamp(x, −2^Q, 2^Q)`.
#[derive(Clone, Copy)]
pub struct HardGates;

/// `z = rsh(τ(rsh(x, 1)) + 2^Q, 1)`, `c = τ(x)`, τ being `tangent`.
#[derive(Clone, Copy)]
pub struct Logistic(pub &'static Flash<u16, 65>);

/// `z = τ(x)`, `c = τ(x)`.
#[derive(Clone, Copy)]
pub struct Tangents(pub &'static Flash<u16, 65>);

impl Gates for HardGates {
    const MOST_FRACTION: u8 = 14;

    #[inline(always)]
    fn gate(self, pre: i32, bias: i16, fraction: u8) -> i32 {
        let one = 1i32 << fraction;
        let sum = pre.wrapping_add(bias.into()).wrapping_add(one);
        round_half_up(sum, 1).clamp(0, one)
    }

    #[inline(always)]
    fn update(self, pre: i32, bias: i16, fraction: u8) -> i32 {
        let one = 1i32 << fraction;
        let sum = pre.wrapping_add(bias.into());
        sum.clamp(one.wrapping_neg(), one)
    }

    #[inline(always)]
    fn bound(steps: i32, zeta: i16, nu: i16) -> i32 {
        bound_of_shares(steps, zeta, nu)
    }
}

impl Gates for Logistic {
    const MOST_FRACTION: u8 = 12;

    #[inline(always)]
    fn gate(self, pre: i32, bias: i16, fraction: u8) -> i32 {
        let half = round_half_up(sum(pre, bias), 1);
        let z = tangent(self.0, half, fraction);
        round_half_up(z.wrapping_add(1 << fraction), 1)
    }

    #[inline(always)]
    fn update(self, pre: i32, bias: i16, fraction: u8) -> i32 {
        tangent(self.0, sum(pre, bias), fraction)
    }

    #[inline(always)]
    fn bound(steps: i32, zeta: i16, nu: i16) -> i32 {
        bound_of_shares(steps, zeta, nu)
    }
}

impl Gates for Tangents {
    const MOST_FRACTION: u8 = 12;

    #[inline(always)]
    fn gate(self, pre: i32, bias: i16, fraction: u8) -> i32 {
        tangent(self.0, sum(pre, bias), fraction)
    }

    #[inline(always)]
    fn update(self, pre: i32, bias: i16, fraction: u8) -> i32 {
        tangent(self.0, sum(pre, bias), fraction)
    }

    /// A gate of −1 adds 2ζ besides.
    #[inline(always)]
    fn bound(steps: i32, zeta: i16, nu: i16) -> i32 {
        let zeta = i32::from(zeta);
        let each = zeta.wrapping_add(zeta).wrapping_add(nu.into());
        steps.saturating_mul(each.wrapping_add(1))
    }
}

/// With gates from 0 to 1, a state is at most ζ, and with each step ν more.
#[inline(always)]
fn bound_of_shares(steps: i32, zeta: i16, nu: i16) -> i32 {
    let each = i32::from(nu).wrapping_add(1);
    steps.saturating_mul(each).saturating_add(zeta.into())
}

#[inline(always)]
fn sum(pre: i32, bias: i16) -> i32 {
    let sum = i32::from(to_wide(pre)).wrapping_add(bias.into());
    to_wide(sum).into()
}

/// The hyperbolic tangent of 16 bits, `fraction` of which, up to 12, are after the point: on a line
/// between two entries of the table, which has `4096 tanh(n / 16)`.
#[inline(always)]
fn tangent(table: &'static Flash<u16, 65>, value: i32, fraction: u8) -> i32 {
    let most = (4i32 << fraction).wrapping_sub(1);
    let size = value.wrapping_abs().min(most) << 12u8.wrapping_sub(fraction);
    let (entry, rest) = ((size >> 8) as usize, size & 0xFF);
    let low = table.get(entry) as i32;
    let high = table.get(entry.wrapping_add(1)) as i32;
    let line = (low << 8).wrapping_add(high.wrapping_sub(low).wrapping_mul(rest));
    let size = round_half_up(line, 20u8.wrapping_sub(fraction));
    if value < 0 { size.wrapping_neg() } else { size }
}
