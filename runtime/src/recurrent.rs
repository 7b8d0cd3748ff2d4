//! Recurrent cells: FastGRNN (Kusupati et al., NeurIPS 2018).

use crate::gates::Gates;
use crate::packed::Packed;
use crate::product::offset;
use crate::wide::{Matrix, round_half_up, to_wide};

/// Where the parameters of a cell are among its bytes.
#[derive(Clone, Copy)]
pub struct Cell {
    /// Units.
    pub hidden: usize,
    /// Steps over an input, which say what states are kept within.
    pub steps: i32,
    /// Bits of the states' fraction.
    pub fraction: usize,
    /// What the input is multiplied by.
    pub input: Factors,
    /// What the states are multiplied by.
    pub state: Factors,
    /// ζ and ν.
    pub mix: usize,
    /// What is added to the input's sums.
    pub input_bias: usize,
    /// What is added before the gate.
    pub gate_bias: usize,
    /// What is added before the update.
    pub update_bias: usize,
}

/// Where a matrix, or its two factors, are.
#[derive(Clone, Copy)]
pub struct Factors {
    /// The first factor, and the byte that says how far its products are shifted down.
    pub first: Option<(Matrix, usize)>,
    /// The only or the second one.
    pub last: Matrix,
    /// The byte that says how far its sums are shifted down.
    pub shift: usize,
}

impl Factors {
    /// The products of the first factor, if there is one.
    #[inline(always)]
    fn between<const WEIGHT_BITS: u32, const RANK: usize>(
        &self,
        (bytes, first): (impl Packed, usize),
        mut value: impl FnMut(usize) -> i16,
    ) -> [i16; RANK] {
        let mut between = [0; RANK];
        if let Some((matrix, shift)) = self.first {
            let shift = bytes.byte(first.wrapping_add(shift));
            let mut row = 0usize;
            for product in &mut between {
                let sum = matrix.row::<WEIGHT_BITS, _>((bytes, first), row, &mut value);
                *product = to_wide(round_half_up(sum, shift));
                row = row.wrapping_add(1);
            }
        }
        between
    }

    /// `Σ w·x` of a unit.
    #[inline(always)]
    fn sum<const WEIGHT_BITS: u32, const RANK: usize>(
        &self,
        place: (impl Packed, usize),
        unit: usize,
        between: &[i16; RANK],
        value: impl FnMut(usize) -> i16,
    ) -> i32 {
        match RANK {
            0 => self.last.row::<WEIGHT_BITS, _>(place, unit, value),
            _ => self
                .last
                .row::<WEIGHT_BITS, _>(place, unit, |index| entry(between, index)),
        }
    }
}

#[inline(always)]
fn entry(values: &[i16], index: usize) -> i16 {
    match values.get(index) {
        Some(value) => *value,
        None => 0,
    }
}

/// The bytes of a cell, from one of them on.
#[inline(always)]
fn word((bytes, first): (impl Packed, usize), place: usize, index: usize) -> i16 {
    let byte = first
        .wrapping_add(place)
        .wrapping_add(index.wrapping_add(index));
    i16::from_le_bytes([bytes.byte(byte), bytes.byte(byte.wrapping_add(1))])
}

/// The state at byte `first` and that index.
#[inline(always)]
fn state_at(arena: &[u8], first: usize, index: usize) -> i16 {
    let first = first.wrapping_add(index.wrapping_add(index));
    match arena.get(first..) {
        Some([low, high, ..]) => i16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

/// Sets states to 0, with which a sequence begins.
#[inline(always)]
pub fn clear_states(arena: &mut [u8], first: usize, bytes: usize) {
    if let Some(states) = arena.get_mut(first..first.wrapping_add(bytes)) {
        states.fill(0);
    }
}

/// A step of a cell: its states, from byte `states.0` of the arena on, follow from themselves
/// and from `value`, which gives the values of the step. They are made from byte `states.1` on
/// first. `RANKS` are 0 where there is a single factor.
///
/// `pre = rsh(W·x + input_bias, input) + rsh(U·state, state)`, z and c are functions of it,
/// `k = rsh(zeta·(2^Q − z), Q) + nu`, `state = clamp(rsh(z·state + k·c, Q), −B, B)`, where
/// `rsh(v, n) = (v + 2^(n−1)) >> n` and B, where it fits 16 bits, is what no state passes in as many
/// steps as an input has.
#[inline(always)]
pub fn cell_step<
    const WEIGHT_BITS: u32,
    const INPUT_RANK: usize,
    const STATE_RANK: usize,
    G: Gates,
>(
    arena: &mut [u8],
    cell: &Cell,
    gates: G,
    place: (impl Packed, usize),
    states: (usize, usize),
    value: impl Fn(&[u8], usize) -> i16,
) {
    let (bytes, first) = place;
    let byte = |at: usize| bytes.byte(first.wrapping_add(at));
    let fraction = byte(cell.fraction).min(G::MOST_FRACTION);
    let one = 1i32 << fraction;
    let (input_shift, state_shift) = (byte(cell.input.shift), byte(cell.state.shift));
    let (zeta, nu) = (word(place, cell.mix, 0), word(place, cell.mix, 1));
    let most = G::bound(cell.steps, zeta, nu).clamp(0, i16::MAX.into());
    let read = |arena: &[u8], index| state_at(arena, states.0, index);
    let of_input: [i16; INPUT_RANK] = cell
        .input
        .between::<WEIGHT_BITS, INPUT_RANK>(place, |index| value(arena, index));
    let of_state: [i16; STATE_RANK] = cell
        .state
        .between::<WEIGHT_BITS, STATE_RANK>(place, |index| read(arena, index));
    let mut unit = 0usize;
    while unit != cell.hidden {
        let bias = cell.input_bias.wrapping_add(offset(unit, 4));
        let bias = [0, 1, 2, 3].map(|index: usize| byte(bias.wrapping_add(index)));
        let input = cell
            .input
            .sum::<WEIGHT_BITS, _>(place, unit, &of_input, |index| value(arena, index))
            .wrapping_add(i32::from_le_bytes(bias));
        let before = cell
            .state
            .sum::<WEIGHT_BITS, _>(place, unit, &of_state, |index| read(arena, index));
        let pre =
            round_half_up(input, input_shift).wrapping_add(round_half_up(before, state_shift));
        let bias = |at: usize| word(place, at, unit);
        let z = gates.gate(pre, bias(cell.gate_bias), fraction);
        let c = gates.update(pre, bias(cell.update_bias), fraction);
        let kept = i32::from(zeta).wrapping_mul(one.wrapping_sub(z));
        let k = round_half_up(kept, fraction).wrapping_add(nu.into());
        let mixed = z
            .wrapping_mul(read(arena, unit).into())
            .wrapping_add(k.wrapping_mul(c));
        let made = round_half_up(mixed, fraction).clamp(most.wrapping_neg(), most) as i16;
        let to = states.1.wrapping_add(unit.wrapping_add(unit));
        if let Some(slot) = arena.get_mut(to..to.wrapping_add(2)) {
            slot.copy_from_slice(&made.to_le_bytes());
        }
        unit = unit.wrapping_add(1);
    }
    let length = cell.hidden.wrapping_add(cell.hidden);
    let made = states.1..states.1.wrapping_add(length);
    if made.end <= arena.len() && states.0.wrapping_add(length) <= arena.len() {
        arena.copy_within(made, states.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::HardGates;

    /// One unit that reads one value: by hand, with Q = 4.
    #[test]
    fn a_step_mixes_the_update_in_as_the_gate_says() {
        let matrix = |first| Matrix {
            first,
            row_bytes: 1,
            columns: 1,
        };
        let factors = |first, shift| Factors {
            first: None,
            last: matrix(first),
            shift,
        };
        let cell = Cell {
            hidden: 1,
            steps: 3,
            fraction: 0,
            input: factors(15, 1),
            state: factors(16, 2),
            mix: 3,
            input_bias: 7,
            gate_bias: 11,
            update_bias: 13,
        };
        // Shifts 1 and 1; ζ 12, ν 1; biases 3, −2, 1; weights 5 and −3.
        let bytes: [u8; 17] = [4, 1, 1, 12, 0, 1, 0, 3, 0, 0, 0, 0xFE, 0xFF, 1, 0, 133, 125];
        let mut arena = [0; 4];
        let states = [2, -1, 7].map(|value| {
            cell_step::<8, 0, 0, _>(&mut arena, &cell, HardGates, (&bytes, 0), (0, 2), |_, _| {
                value
            });
            i16::from_le_bytes([arena[0], arena[1]])
        });
        // pre = 7, z = 11, c = 8, k = 5, h = rsh(40, 4) = 3;
        // pre = rsh(−2, 1) + rsh(−9, 1) = −1 − 4, z = 5, c = −4, k = 9, h = rsh(15 − 36, 4) = −1;
        // pre = 19 + 2, z = 16, c = 16, k = 1, h = rsh(−16 + 16, 4) = 0.
        assert_eq!(states, [3, -1, 0]);
    }
}
