//! Recurrent cells, projections, trees and prototypes, one value at a time: the second half of
//! the design's "What a network computes", written down as it stands.

use crate::reference::FeatureMap;
use herringbone_compiler::network::{Feed, Gate, Recurrent, Sequence, Shape, Tree, TreeGate};
use herringbone_compiler::weights::{
    CellParameters, Factors, Parameters, PrototypeParameters, TreeParameters,
};

/// `v / 2^n`, rounded to nearest, halves up.
fn rsh(v: i64, n: u32) -> i64 {
    let divisor = 1i64 << n;
    (2 * v + divisor).div_euclid(2 * divisor)
}

fn clamp16(v: i64) -> i64 {
    v.clamp(-32768, 32767)
}

/// `Σ w·x` of each row of a matrix.
fn products(matrix: &[i8], x: &[i64]) -> Vec<i64> {
    let rows = matrix.chunks(x.len());
    rows.map(|row| row.iter().zip(x).map(|(&w, x)| i64::from(w) * x).sum())
        .collect()
}

/// The wide sums of a whole map: weights `[out, in]`, inputs in flattening order.
pub(crate) fn projection(map: &FeatureMap, parameters: &Parameters) -> Vec<i64> {
    let sums = products(&parameters.weight, &map.values).into_iter();
    let shift = parameters.shift.right.into();
    sums.zip(&parameters.bias)
        .map(|(sum, &bias)| clamp16(rsh(sum + i64::from(bias), shift)))
        .collect()
}

/// The scores of the nodes on the path of a tree.
pub(crate) fn tree(z: &[i64], tree: &Tree, parameters: &TreeParameters) -> Vec<i64> {
    let p = z.len();
    let mut scores = vec![0; tree.classes as usize];
    let mut node = 0;
    for level in 0..=tree.depth {
        for (class, score) in scores.iter_mut().enumerate() {
            let row = (node * tree.classes as usize + class) * p;
            let a = products(&parameters.score[row..][..p], z)[0];
            let b = products(&parameters.gate[row..][..p], z)[0];
            let b = rsh(b, parameters.gate_shift.into());
            let t = match tree.gate {
                TreeGate::Hard => b.clamp(-128, 128),
                TreeGate::Tanh => {
                    let n = b.abs().min(128) as f64;
                    b.signum() * (127.0 * (n / 32.0).tanh()).round() as i64
                }
            };
            *score += rsh(a, 8) * t;
        }
        if level < tree.depth {
            let side = products(&parameters.branch[node * p..][..p], z)[0];
            node = if side > 0 { 2 * node + 1 } else { 2 * node + 2 };
        }
    }
    scores
}

/// Scores by the distances to prototypes.
pub(crate) fn prototypes(z: &[i64], classes: u32, parameters: &PrototypeParameters) -> Vec<i64> {
    let mut scores = vec![0; classes as usize];
    let prototypes = parameters.prototype.chunks(z.len());
    for (prototype, labels) in prototypes.zip(parameters.label.chunks(classes as usize)) {
        let squares = z.iter().zip(prototype).map(|(z, &b)| {
            let difference = (z - i64::from(b)).clamp(-512, 512);
            difference * difference
        });
        let t = rsh(squares.sum(), 9).min(511);
        let high = (65535.0 * (-((t / 32) as f64)).exp()).round() as i64;
        let low = (255.0 * (-((t % 32) as f64) / 32.0).exp()).round() as i64;
        let kernel = (high * low) >> 8;
        for (score, &label) in scores.iter_mut().zip(labels) {
            *score += i64::from(label) * kernel;
        }
    }
    scores
}

/// The states of a recurrent layer: the last one, or each. An input has `input_rows`: those of the
/// map, or fewer where the network has gone on.
pub(crate) fn recurrent(
    map: &FeatureMap,
    kind: &Recurrent,
    cells: &[CellParameters],
    input_rows: u32,
) -> FeatureMap {
    let Shape {
        height,
        width,
        channels,
    } = map.shape;
    let row = |row: u32, channel: u32| -> Vec<i64> {
        (0..width).map(|x| map.at((row, x), channel)).collect()
    };
    let whole_row = |row: u32| -> Vec<i64> {
        let pixels = (0..width).flat_map(|x| (0..channels).map(move |channel| (x, channel)));
        pixels
            .map(|(x, channel)| map.at((row, x), channel))
            .collect()
    };
    let rows = 0..height;
    // By cell, the values of each step.
    let fed: Vec<Vec<Vec<i64>>> = match kind.feed {
        Feed::Rows => vec![rows.map(whole_row).collect()],
        Feed::RowMajor => {
            let steps = (0..channels).flat_map(|c| (0..height).map(move |r| (r, c)));
            vec![steps.map(|(r, c)| row(r, c)).collect()]
        }
        Feed::ChannelMajor => {
            let steps = rows.flat_map(|r| (0..channels).map(move |c| (r, c)));
            vec![steps.map(|(r, c)| row(r, c)).collect()]
        }
        Feed::Multi => {
            let cell = |c| (0..height).map(|r| row(r, c)).collect();
            (0..channels).map(cell).collect()
        }
    };
    assert_eq!(fed.len(), cells.len());
    let bounding_steps = i64::from(input_rows) * fed[0].len() as i64 / i64::from(height);
    let states = fed.iter().zip(cells);
    let states: Vec<Vec<Vec<i64>>> = states
        .map(|(steps, cell)| {
            let mut state = vec![0; kind.hidden as usize];
            let step = |x: &Vec<i64>| {
                let (zeta, nu) = (i64::from(cell.zeta), i64::from(cell.nu));
                let most = match kind.gate {
                    Gate::Hard | Gate::Sigmoid => zeta + bounding_steps * (nu + 1),
                    Gate::Tanh => bounding_steps * (2 * zeta + nu + 1),
                };
                let most = most.clamp(0, 32767);
                let next = next(x, &state, kind.gate, cell).into_iter();
                state = next.map(|h| h.clamp(-most, most)).collect();
                state.clone()
            };
            steps.iter().map(step).collect()
        })
        .collect();
    let steps = states[0].len();
    let made = match kind.sequence {
        Sequence::Last => steps - 1..steps,
        Sequence::All => 0..steps,
    };
    FeatureMap {
        shape: Shape::new(made.len() as u32, 1, kind.hidden * cells.len() as u32),
        values: made
            .flat_map(|step| states.iter().flat_map(move |cell| cell[step].clone()))
            .collect(),
    }
}

/// The state after a step.
fn next(x: &[i64], state: &[i64], gate: Gate, cell: &CellParameters) -> Vec<i64> {
    let q = u32::from(cell.fraction);
    let one = 1i64 << q;
    let (zeta, nu) = (i64::from(cell.zeta), i64::from(cell.nu));
    let no_bias = vec![0; state.len()];
    let bias: Vec<i64> = cell.input_bias.iter().map(|&bias| bias.into()).collect();
    let of_input = matrix(&cell.input, x, &bias);
    let of_state = matrix(&cell.state, state, &no_bias);
    (0..state.len())
        .map(|unit| {
            let pre = of_input[unit] + of_state[unit];
            let biases = [cell.gate_bias[unit], cell.update_bias[unit]].map(i64::from);
            let soft = biases.map(|bias| clamp16(clamp16(pre) + bias));
            let (z, c) = match gate {
                Gate::Hard => (
                    rsh(pre + biases[0] + one, 1).clamp(0, one),
                    (pre + biases[1]).clamp(-one, one),
                ),
                Gate::Sigmoid => (
                    rsh(tangent(rsh(soft[0], 1), q) + one, 1),
                    tangent(soft[1], q),
                ),
                Gate::Tanh => (tangent(soft[0], q), tangent(soft[1], q)),
            };
            let k = rsh(zeta * (one - z), q) + nu;
            rsh(z * state[unit] + k * c, q)
        })
        .collect()
}

/// τ: the hyperbolic tangent of a number with q bits of fraction, on lines between 16ths.
fn tangent(x: i64, q: u32) -> i64 {
    let entry = |n: i64| (4096.0 * (n as f64 / 16.0).tanh()).floor() as i64;
    let size = x.abs().min((1 << (q + 2)) - 1) << (12 - q);
    let (n, f) = (size / 256, size % 256);
    let value = rsh(256 * entry(n) + (entry(n + 1) - entry(n)) * f, 20 - q);
    if x < 0 { -value } else { value }
}

/// `rsh(Σ w·x + bias, shift)`, where x is first made shorter if there are two factors.
fn matrix(factors: &Factors, x: &[i64], bias: &[i64]) -> Vec<i64> {
    let sums = match &factors.first {
        None => products(&factors.weight, x),
        Some((first, shift)) => {
            let short = products(first, x).into_iter();
            let short: Vec<i64> = short
                .map(|sum| clamp16(rsh(sum, (*shift).into())))
                .collect();
            products(&factors.weight, &short)
        }
    };
    let biased = sums.iter().zip(bias).map(|(sum, bias)| sum + bias);
    biased.map(|sum| rsh(sum, factors.shift.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tangent_is_within_a_unit_of_the_curve_and_what_a_line_misses() {
        for q in 4..=12 {
            let one = f64::from(1 << q);
            for x in -32768..=32767 {
                let exact = (x as f64 / one).tanh();
                let error = (tangent(x, q) as f64 / one - exact).abs();
                assert!(error <= 0.5 / one + 7.6e-4, "{x} with {q} bits: {error}");
            }
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_eq!(
            [-3, -2, -1, 0, 1, 2, 3].map(|v| rsh(v, 1)),
            [-1, -1, 0, 0, 1, 1, 2]
        );
        assert_eq!(rsh(-5, 0), -5);
    }
}
