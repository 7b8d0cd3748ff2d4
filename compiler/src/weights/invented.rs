//! Weights for a design that has none yet: to see it run, and what it takes.

use super::pruned::shares_of_zeros;
use super::{
    CellParameters, Factors, OwnParameters, Parameters, PrototypeParameters, Shift, TreeParameters,
    Weights,
};
use crate::network::{Bits, Element, Kind, Network, Node, Rank, Recurrent, SumShape};

/// Weights of that network, the same each time: as spread as trained ones are, so that
/// neither all activations are 0 nor all of them at their largest. What they compute means
/// nothing. That share of them is 0 besides, 0 to below 1, of each layer as many as pruning would
/// make 0, and of layers that ask for more as much as they do.
pub fn invented(network: &Network, sparsity: f64) -> Weights {
    let mut noise = Noise::new();
    let bits = network.bits();
    let mut shares = shares_of_zeros(&tensors(network), sparsity).into_iter();
    let mut next_share = || shares.next().expect("each tensor has one");
    let (mut sums, mut own) = (Vec::new(), Vec::new());
    for node in network.nodes() {
        let least = node.kind.sparsity();
        let of_node = node.sums().map(|sum| {
            noise.sparsity = least.max(next_share());
            of_sum(bits, &sum, &mut noise)
        });
        sums.push(of_node.collect());
        noise.sparsity = least.max(next_share());
        own.push(of_node_itself(bits, node, &mut noise));
    }
    Weights::with_own(sums, own)
}

/// How many weights each sum has, and then, as one tensor, what a node has beside its sums: of each
/// node in turn.
fn tensors(network: &Network) -> Vec<u64> {
    let mut counts = Vec::new();
    for node in network.nodes() {
        let first = counts.len();
        counts.extend(node.sums().map(|sum| sum.weights()));
        let of_sums: u64 = counts[first..].iter().sum();
        counts.push(node.weight_count() - of_sums);
    }
    counts
}

/// What a node has beside the parameters of its sums.
fn of_node_itself(bits: Bits, node: &Node, noise: &mut Noise) -> OwnParameters {
    let largest = (1 << (bits.weights - 1)) - 1;
    let values = node.input.values();
    match node.kind {
        Kind::Recurrent(recurrent) => {
            let cells = 0..recurrent.cells(node.input);
            OwnParameters::Recurrent(cells.map(|_| cell(bits, node, &recurrent, noise)).collect())
        }
        Kind::Tree(tree) => OwnParameters::Tree(TreeParameters {
            score: noise.weights(largest, tree.nodes() * tree.classes * values),
            gate: noise.weights(largest, tree.nodes() * tree.classes * values),
            branch: noise.weights(largest, tree.inner_nodes() * values),
            gate_shift: 9,
        }),
        Kind::Prototypes(prototypes) => OwnParameters::Prototypes(PrototypeParameters {
            prototype: noise
                .weights(127, prototypes.count * values)
                .into_iter()
                .map(i16::from)
                .collect(),
            label: noise.weights(largest, prototypes.count * prototypes.classes),
        }),
        Kind::Pool(_)
        | Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Projection(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => OwnParameters::None,
    }
}

/// A cell whose state has a fraction of 10 bits, and whose sums are about as large as that.
fn cell(bits: Bits, node: &Node, recurrent: &Recurrent, noise: &mut Noise) -> CellParameters {
    const FRACTION: u32 = 10;
    let largest = (1 << (bits.weights - 1)) - 1;
    let (hidden, values) = (recurrent.hidden, recurrent.step_values(node.input));
    // Products of both signs deviate by the root of their number.
    let spread = |inputs: u32| inputs.max(1).ilog2() / 2;
    let input_bits = match node.input_element {
        Element::Activation => bits.activations,
        Element::Wide => FRACTION,
    };
    let mut factors = |inputs: u32, from: u32, rank: Option<u32>| {
        let right = bits.weights - 1;
        let whole = (from + right + spread(inputs)).saturating_sub(FRACTION);
        Factors {
            first: rank.map(|rank| (noise.weights(largest, rank * inputs), whole as u8)),
            weight: noise.weights(largest, hidden * rank.unwrap_or(inputs)),
            shift: match rank {
                None => whole as u8,
                Some(rank) => (right + spread(rank)) as u8,
            },
        }
    };
    let rank = |of: fn(Rank) -> u32| recurrent.rank.map(of);
    let input = factors(values, input_bits, rank(|rank| rank.input));
    let state = factors(hidden, FRACTION, rank(|rank| rank.state));
    let zero = vec![0; hidden as usize];
    CellParameters {
        input,
        input_bias: vec![0; hidden as usize],
        state,
        gate_bias: zero.clone(),
        update_bias: zero,
        zeta: 3 << (FRACTION - 2),
        nu: 1,
        fraction: FRACTION as u8,
    }
}

fn of_sum(bits: Bits, sum: &SumShape, noise: &mut Noise) -> Parameters {
    if sum.tensor().is_none() {
        return Parameters {
            weight: vec![1; sum.outputs as usize],
            bias: vec![0; sum.outputs as usize],
            shift: Shift {
                left: 0,
                right: 0,
                skip: 0,
            },
        };
    }
    let largest = (1 << (bits.weights - 1)) - 1;
    // Sums of that many products of both signs deviate by the root of their number.
    let taps = sum.weights() / u64::from(sum.outputs.max(1));
    let right = bits.weights - 1 + taps.max(1).ilog2() / 2;
    Parameters {
        weight: (0..sum.weights()).map(|_| noise.weight(largest)).collect(),
        bias: vec![0; sum.biases() as usize],
        shift: Shift {
            left: 0,
            right: right as u8,
            // A map that is added counts as much as the sums.
            skip: if sum.adds { right as u8 } else { 0 },
        },
    }
}

/// A linear congruential generator (Knuth, The Art of Computer Programming, volume 2, table 1
/// of section 3.3.4, line 16).
struct Noise {
    state: u32,
    /// The share of weights that are 0 whatever is drawn.
    sparsity: f64,
}

impl Noise {
    fn new() -> Self {
        Self {
            state: 0x9E37_79B9,
            sparsity: 0.0,
        }
    }

    /// 16 bits.
    fn next(&mut self) -> u32 {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.state >> 16
    }

    fn weights(&mut self, largest: i32, count: u32) -> Vec<i8> {
        (0..count).map(|_| self.weight(largest)).collect()
    }

    /// The sum of two even ones: small weights are more frequent.
    fn weight(&mut self, largest: i32) -> i8 {
        if self.sparsity > 0.0 && f64::from(self.next()) < self.sparsity * 65536.0 {
            return 0;
        }
        let span = 2 * largest as u32 + 1;
        let sum = self.next() % span + self.next() % span;
        (sum as i32 / 2 - largest) as i8
    }
}

#[cfg(test)]
mod tests {
    use super::invented;
    use crate::network::Network;
    use crate::syntax;

    fn network(list: &str) -> Network {
        let text = format!("N: [16, 16, 1] => < {list} >");
        let parsed = syntax::parse(text.parse().unwrap());
        parsed.declaration.unwrap().network
    }

    #[test]
    fn as_many_invented_weights_are_0_as_was_asked_for() {
        let zeros = |list: &str, sparsity| {
            let network = network(list);
            let weights = invented(&network, sparsity);
            let nodes = || network.computing_nodes();
            let all: u64 = nodes().map(|node| node.weight_count()).sum();
            let others: u64 = nodes().map(|node| weights.nonzero(node.id)).sum();
            1.0 - others as f64 / all as f64
        };
        let list = "C1(16,3), C1(24,3), D*(10)";
        let dense = zeros(list, 0.0);
        assert!(dense < 0.15, "{dense}");
        for sparsity in [0.3, 0.9] {
            // What is drawn is 0 too, now and then.
            let wanted = sparsity + (1.0 - sparsity) * dense;
            let given = zeros(list, sparsity);
            assert!((given - wanted).abs() < 0.01, "{given}, {wanted} wanted");
        }
        // A layer's own, where that is more.
        let tree = zeros("Bonsai(3, 20, 10, sparsity: 0.6)", 0.2);
        assert!((tree - 0.62).abs() < 0.04, "{tree}");
    }
}
