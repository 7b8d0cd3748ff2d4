//! The layers of a network, and what the text of its plan says.

use herringbone_compiler::network::Network;

/// A layer that has a function of its own, or is part of another's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// The number in the names of its functions and tables.
    pub(super) number: usize,
    /// The layer as it was declared.
    pub(super) name: String,
    /// None for a layer without products.
    pub(super) multiply_accumulates: Option<u64>,
}

/// The layers of a network.
pub(super) fn of(network: &Network) -> Vec<Layer> {
    let nodes = network.computing_nodes();
    nodes
        .map(|node| Layer {
            number: node.id.index(),
            name: network.name_of(node.id),
            multiply_accumulates: Some(node.multiply_accumulates()).filter(|&count| count > 0),
        })
        .collect()
}

/// The name in `plan` of the plan itself.
pub(super) fn name(plan: &str) -> Option<&str> {
    let (name, _) = plan.split_once("plan `")?.1.split_once('`')?;
    Some(name)
}

/// The cycles that `plan` expects an image to take.
pub(super) fn expected_cycles(plan: &str) -> Option<u64> {
    let line = plan
        .lines()
        .find_map(|line| line.strip_prefix("Cycles: "))?;
    let (cycles, _) = line.split_once(" expected")?;
    cycles.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_gives_its_name_and_its_cycles() {
        let plan = "\
weights of 4 bits, activations of 4; plan `streamed`.

Cycles: 39,173 expected.
";
        assert_eq!(name(plan), Some("streamed"));
        assert_eq!(expected_cycles(plan), Some(39_173));
    }
}
