//! What trees, prototypes and recurrent cells make of the values that they read, from their
//! parameters as the weights file has them.

use crate::network::{Gate, TreeGate};
use crate::program::{PrototypeScores, Recurrence, TreeScores, tangents};
use crate::weights::{CellParameters, Factors};

/// `(v + 2^(n−1)) >> n`.
pub(super) fn round_half_up(value: i64, right: u8) -> i64 {
    match u32::from(right) {
        0 => value,
        // From 2^33 on, any sum of 32 bits is less than half.
        bits => (value + (1 << (bits.min(40) - 1))) >> bits.min(40),
    }
}

/// The nearest value of 16 bits.
pub(super) fn to_wide(value: i64) -> i64 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

/// `Σ w·x` of a row of weights, modulo 2^32.
fn products(weights: &[i8], values: &[i64]) -> i64 {
    let products = weights.iter().zip(values);
    let sum = products.fold(0i32, |sum, (&weight, &value)| {
        sum.wrapping_add(i32::from(weight).wrapping_mul(value as i32))
    });
    sum.into()
}

/// The scores of a tree.
pub(super) fn of_tree(tree: &TreeScores, values: &[i64]) -> Vec<i64> {
    let parameters = tree.parameters.known();
    let (classes, width) = (tree.classes as usize, tree.values as usize);
    let row = |weights: &[i8], row: usize| products(&weights[row * width..][..width], values);
    let table = TreeScores::tanh_table();
    let mut scores = vec![0i32; classes];
    let mut node = 0;
    for level in 0..=tree.depth {
        for (class, score) in scores.iter_mut().enumerate() {
            let a = row(&parameters.score, node * classes + class);
            let b = row(&parameters.gate, node * classes + class);
            let b = round_half_up(b, parameters.gate_shift);
            let t = match tree.gate {
                TreeGate::Tanh => {
                    let size = i64::from(table[b.unsigned_abs().min(128) as usize]);
                    if b < 0 { -size } else { size }
                }
                TreeGate::Hard => b.clamp(-128, 128),
            };
            *score = score.wrapping_add((round_half_up(a, 8) * t) as i32);
        }
        if level < tree.depth {
            let goes_first = row(&parameters.branch, node) > 0;
            node = 2 * node + if goes_first { 1 } else { 2 };
        }
    }
    scores.into_iter().map(i64::from).collect()
}

/// The scores of prototypes.
pub(super) fn of_prototypes(it: &PrototypeScores, values: &[i64]) -> Vec<i64> {
    let parameters = it.parameters.known();
    let (classes, width) = (it.classes as usize, it.values as usize);
    let (whole, rest) = (
        PrototypeScores::whole_table(),
        PrototypeScores::rest_table(),
    );
    let mut scores = vec![0i32; classes];
    let prototypes = parameters.prototype.chunks(width);
    for (prototype, labels) in prototypes.zip(parameters.label.chunks(classes)) {
        let differences = values.iter().zip(prototype);
        let distance: i64 = differences
            .map(|(value, &other)| (value - i64::from(other)).clamp(-512, 512).pow(2))
            .sum();
        let t = round_half_up(distance, 9).min(511) as usize;
        let nearness = (i64::from(whole[t >> 5]) * i64::from(rest[t & 31])) >> 8;
        for (score, &label) in scores.iter_mut().zip(labels) {
            *score = score.wrapping_add((i64::from(label) * nearness) as i32);
        }
    }
    scores.into_iter().map(i64::from).collect()
}

/// Takes values in, as they are stored: the states of all cells after the steps over them.
pub(super) fn steps(recurrence: &Recurrence, values: &[i64], states: &[i64]) -> Vec<i64> {
    let hidden = recurrence.kind.hidden as usize;
    let cells = recurrence.parameters.known().iter().zip(0..);
    let of_cells = cells
        .zip(states.chunks(hidden))
        .map(|((cell, index), state)| {
            let mut state = state.to_vec();
            for step in 0..recurrence.steps() {
                let places = 0..recurrence.step_values();
                let places = places.map(|value| recurrence.place(index, step, value));
                let read: Vec<i64> = places.map(|place| values[place as usize]).collect();
                let gate = recurrence.kind.gate;
                let most = cell.most_state(gate, recurrence.steps_of_input);
                state = next_state((cell, gate), &read, &state, most);
            }
            state
        });
    of_cells.flatten().collect()
}

fn next_state(
    (cell, gate): (&CellParameters, Gate),
    values: &[i64],
    state: &[i64],
    most: i16,
) -> Vec<i64> {
    // No sum of 16-bit products of 2^14 passes 32 bits.
    let fraction = cell.fraction.min(gate.most_fraction());
    let one = 1i64 << fraction;
    let most = i64::from(most);
    let (input, before) = (sums(&cell.input, values), sums(&cell.state, state));
    let (zeta, nu) = (i64::from(cell.zeta), i64::from(cell.nu));
    let units = input.into_iter().zip(before).zip(state).enumerate();
    units
        .map(|(unit, ((input, before), &h))| {
            let input = i64::from((input as i32).wrapping_add(cell.input_bias[unit]));
            let pre = round_half_up(input, cell.input.shift)
                .wrapping_add(round_half_up(before, cell.state.shift));
            let (z, c) = {
                let biases = (cell.gate_bias[unit].into(), cell.update_bias[unit].into());
                gates(gate, pre as i32, biases, fraction)
            };
            let k = round_half_up(zeta * (one - z), fraction) + nu;
            let mixed = (z as i32)
                .wrapping_mul(h as i32)
                .wrapping_add((k as i32).wrapping_mul(c as i32));
            round_half_up(mixed.into(), fraction).clamp(-most, most)
        })
        .collect()
}

/// The gate and the update of a unit.
fn gates(gate: Gate, pre: i32, (of_gate, of_update): (i32, i32), fraction: u8) -> (i64, i64) {
    let one = 1i32 << fraction;
    let tangent = |bias| tangent(to_wide(to_wide(pre.into()) + i64::from(bias)), fraction);
    let half = |sum| round_half_up(sum, 1);
    match gate {
        Gate::Hard => {
            let z = half(pre.wrapping_add(of_gate).wrapping_add(one).into());
            let c = pre.wrapping_add(of_update);
            (z.clamp(0, one.into()), c.clamp(-one, one).into())
        }
        Gate::Sigmoid => {
            let halved = half(to_wide(to_wide(pre.into()) + i64::from(of_gate)));
            let z = half(self::tangent(halved, fraction) + i64::from(one));
            (z, tangent(of_update))
        }
        Gate::Tanh => (tangent(of_gate), tangent(of_update)),
    }
}

/// The hyperbolic tangent, by lines between the entries of a table.
fn tangent(value: i64, fraction: u8) -> i64 {
    let table = tangents().map(i64::from);
    let size = value.abs().min((4 << fraction) - 1) << (12 - fraction);
    let (entry, rest) = ((size >> 8) as usize, size & 0xFF);
    let line = (table[entry] << 8) + (table[entry + 1] - table[entry]) * rest;
    round_half_up(line, 20 - fraction) * value.signum()
}

/// `Σ w·x` of each row, by the only factor or by both.
fn sums(factors: &Factors, values: &[i64]) -> Vec<i64> {
    let rows = |weights: &[i8], values: &[i64]| -> Vec<i64> {
        let rows = weights.chunks(values.len().max(1));
        rows.map(|row| products(row, values)).collect()
    };
    match &factors.first {
        None => rows(&factors.weight, values),
        Some((first, shift)) => {
            let between = rows(first, values).into_iter();
            let between: Vec<i64> = between
                .map(|sum| to_wide(round_half_up(sum, *shift)))
                .collect();
            rows(&factors.weight, &between)
        }
    }
}
