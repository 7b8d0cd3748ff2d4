//! Weights of a design to size, where its code depends on how many of them are 0, or cannot be written
//! without any.

use super::Sums;
use crate::backend;
use crate::declaration::{Declaration, WeightsSource};
use crate::effort;
use crate::network::{Element, Node};
use crate::program::Accumulators;
use crate::weights::{self, Weights};

/// No flash holds the code of more; they would take gigabytes of this machine's memory in the end.
const MOST_WEIGHTS: u64 = 1 << 22;

/// Where flash is at most that, most layers are loops, which only code with its own weights has.
const SMALL_FLASH_BYTES: u32 = 4096;

/// Weights that mean nothing, of which as many are 0 as the declaration says, with sums as wide as
/// those of any weights.
#[derive(Clone, Debug)]
pub struct ExpectedWeights {
    weights: Weights,
    accumulators: Accumulators,
}

impl ExpectedWeights {
    /// `None` where weights are loaded at run time, or the code may be that of such ones; and where there
    /// are too many.
    pub fn of(declaration: &Declaration) -> Option<Self> {
        let network = &declaration.network;
        let nodes = || network.nodes().iter();
        let count: u64 = nodes().map(Node::weight_count).fold(0, u64::saturating_add);
        if !is_written_with_them(declaration) || count > MOST_WEIGHTS {
            return None;
        }
        effort::spend(count as usize);
        Some(Self {
            weights: weights::invented(network, declaration.sparsity),
            accumulators: Accumulators::at_run_time(network),
        })
    }

    /// What is taken to be known of the sums.
    pub fn sums(&self) -> Sums<'_> {
        Sums {
            widest: self.accumulators.widest(),
            constants: Some((&self.weights, &self.accumulators)),
        }
    }
}

/// Whether the code of a design to size is another one than that of weights loaded at run time.
fn is_written_with_them(declaration: &Declaration) -> bool {
    let network = &declaration.network;
    let is_sized = match declaration.weights {
        WeightsSource::File | WeightsSource::Nowhere => true,
        WeightsSource::Runtime => false,
    };
    let mut nodes = network.nodes().iter();
    let has_wide_values = nodes.any(|node| network.value(node.writes).element == Element::Wide);
    let has_own_code = backend::of(declaration).unrolls_weights();
    let flash_bytes = declaration.budget.flash_bytes;
    let is_small = flash_bytes.is_some_and(|bytes| bytes <= SMALL_FLASH_BYTES);
    is_sized && has_own_code && (has_wide_values || has_zeros(declaration) || is_small)
}

/// Whether the declaration says that training makes weights 0.
pub(super) fn has_zeros(declaration: &Declaration) -> bool {
    let mut nodes = declaration.network.nodes().iter();
    declaration.sparsity > 0.0 || nodes.any(|node| node.kind.sparsity() > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    #[test]
    fn weights_are_invented_where_code_is_made_of_them_and_some_machine_could_hold_them() {
        let has_weights = |text: &str| {
            let text = format!("N: {text}, bits: {{ weights: 8, activations: 8 }}");
            let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
            ExpectedWeights::of(&declaration).is_some()
        };
        for (text, expected) in [
            ("[8, 8, 1] => < Proto(5, 5, 3) >, target: atmega328p", true),
            ("[8, 8, 1] => < Proto(5, 5, 3) >", false),
            ("[8, 8, 1] => < D*(3) >, target: atmega328p", false),
            ("[8, 8, 1] => < D*(3) >, target: attiny25", true),
            (
                "[8, 8, 1] => < D*(3) >, target: atmega328p, sparsity: 0.5",
                true,
            ),
            (
                "[8, 8, 1] => < G(3), D*(3) >, target: atmega328p, weights: runtime",
                false,
            ),
            (
                "[180, 180, 1] => < Proto(255, 20, 10) >, target: atmega328p",
                false,
            ),
        ] {
            assert_eq!(has_weights(text), expected, "{text}");
        }
    }
}
