//! What would make a design fit: each computed by planning it, none guessed.

use super::{Design, Sums, choose};
use crate::declaration::{Declaration, PlanChoice, WeightsSource};
use crate::network::{LayerId, Network};
use crate::plan::{self, Strategy};
use crate::target::Target;

/// Changes with each of which alone the design takes at most that SRAM.
pub(super) fn for_sram(
    declaration: &Declaration,
    design: &Design,
    given_bytes: u32,
) -> Vec<String> {
    let network = &declaration.network;
    let fits = |network: Network, plan: PlanChoice| {
        let hopeless = plan::least_herringbone_bytes(&network) > given_bytes
            && (plan == PlanChoice::Herringbone
                || plan::plan(&network, Strategy::RowMajor).arena_bytes > given_bytes);
        if hopeless {
            return None;
        }
        let changed = Declaration {
            network,
            plan,
            ..declaration.clone()
        };
        let sums = Sums {
            widest: design.widest,
            constants: None,
        };
        let design = choose(&changed, &sums);
        (design.sram_bytes() <= given_bytes).then_some(design)
    };
    let mut remedies = Vec::new();
    remedies.extend(fewer_outputs(
        network,
        design.plan.peak().layer,
        |network| fits(network, declaration.plan).is_some(),
    ));
    let other_plan = match declaration.plan {
        PlanChoice::RowMajor => Some((PlanChoice::Herringbone, "herringbone")),
        PlanChoice::Herringbone => Some((PlanChoice::RowMajor, "row_major")),
        PlanChoice::Fastest | PlanChoice::Smallest => None,
    };
    if let Some((plan, name)) = other_plan
        && let Some(design) = fits(network.clone(), plan)
    {
        remedies.push(format!("`plan: {name}` ({} bytes)", design.sram_bytes()));
    }
    let mut bits = network.bits();
    if bits.activations == 8 {
        bits.activations = 4;
        if let Some(design) = fits(network.with_bits(bits), declaration.plan) {
            let bytes = design.sram_bytes();
            remedies.push(format!("`bits: {{ activations: 4 }}` ({bytes} bytes)"));
        }
    }
    let least_bytes = design.default_reserve_bytes;
    if declaration
        .reserve
        .sram_bytes
        .is_some_and(|reserve| reserve > least_bytes)
        && design.state_bytes() + least_bytes <= given_bytes
    {
        let most_bytes = given_bytes - design.state_bytes();
        remedies.push(format!(
            "a `reserve` of at most {most_bytes} bytes (the network's own stack and 64 take \
             {least_bytes})"
        ));
    }
    if declaration.weights == WeightsSource::Runtime {
        let bytes = design.sram_bytes() - design.parameter_bytes;
        if bytes <= given_bytes {
            remedies.push(format!("`weights` from a file, in flash ({bytes} bytes)"));
        }
    }
    if let Some(given) = declaration.budget.target
        && let Some(target) = larger_target(given, design.sram_bytes(), given.flash_bytes)
    {
        let sram_bytes = target.sram_bytes;
        remedies.push(format!("`target: {}` ({sram_bytes} bytes)", target.name));
    }
    remedies
}

/// Changes with each of which alone the weights fit the flash.
pub(super) fn for_flash(
    declaration: &Declaration,
    largest: LayerId,
    needed_bytes: u64,
    fits: impl Fn(&Network) -> bool,
) -> Vec<String> {
    let network = &declaration.network;
    let mut remedies = Vec::new();
    remedies.extend(fewer_outputs(network, largest, |network| fits(&network)));
    let fewer_bits = [4, 2].into_iter().find(|&weights| {
        let mut bits = network.bits();
        let fewer = weights < bits.weights;
        bits.weights = weights;
        fewer && fits(&network.with_bits(bits))
    });
    if let Some(weights) = fewer_bits {
        remedies.push(format!("`bits: {{ weights: {weights} }}`"));
    }
    if let Some(given) = declaration.budget.target
        && let Ok(needed_bytes) = u32::try_from(needed_bytes + needed_bytes / 15)
        && let Some(target) = larger_target(given, given.sram_bytes, needed_bytes)
    {
        let flash_bytes = target.flash_bytes;
        remedies.push(format!("`target: {}` ({flash_bytes} bytes)", target.name));
    }
    remedies
}

/// The largest number of outputs with which it fits, of that layer or else of
/// the nearest one before it. The last layer's outputs are the task's.
fn fewer_outputs(
    network: &Network,
    layer: LayerId,
    fits: impl Fn(Network) -> bool,
) -> Option<String> {
    network
        .computing_layers()
        .rev()
        .filter(|candidate| candidate.id <= layer && candidate.id != network.last_layer().id)
        .find_map(|candidate| {
            let with = |n| network.with_layer(candidate.id, candidate.kind.with_outputs(n));
            let n = largest(candidate.kind.outputs()? - 1, |n| fits(with(n)))?;
            let changed = with(n);
            let changed = changed.layer(candidate.id);
            Some(format!("`{changed}` in place of `{candidate}`"))
        })
}

/// The smallest part of the same architecture with at least that much.
fn larger_target(given: &Target, sram_bytes: u32, flash_bytes: u32) -> Option<&'static Target> {
    Target::all()
        .filter(|target| target.architecture == given.architecture)
        .filter(|target| target.sram_bytes >= sram_bytes && target.flash_bytes >= flash_bytes)
        .min_by_key(|target| (target.sram_bytes, target.flash_bytes))
}

/// The largest of `1..=most` that fits, where fewer never need more.
fn largest(most: u32, fits: impl Fn(u32) -> bool) -> Option<u32> {
    if most == 0 || !fits(1) {
        return None;
    }
    let (mut good, mut bad) = (1, most + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Some(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Verdict, judge, packed_weights_bytes};
    use crate::declaration::{Budget, CodeChoice, Reserve, WeightsSource};
    use crate::network::{Activation, Bits, Kernel, LayerKind, Shape};
    use crate::program::Accumulator;
    use std::collections::BTreeMap;

    const UNKNOWN: Sums<'static> = Sums {
        widest: Accumulator::I16,
        constants: None,
    };

    fn convolution(outputs: u32) -> LayerKind {
        LayerKind::Convolution {
            outputs,
            kernel: Kernel::square(3),
            activation: Activation::Relu,
        }
    }

    /// The published network with `n` outputs in its third convolution.
    fn declaration(n: u32, plan: PlanChoice) -> Declaration {
        let kinds = [
            LayerKind::AveragePool {
                window: Kernel::square(2),
            },
            convolution(5),
            convolution(8),
            convolution(n),
            LayerKind::MaxPool {
                window: Kernel::square(2),
            },
            LayerKind::Dense {
                outputs: 10,
                activation: Activation::Linear,
            },
        ];
        Declaration {
            network: Network::new(Shape::new(28, 28, 1), Bits::default(), &kinds).unwrap(),
            budget: Budget {
                target: Target::named("atmega328p"),
                sram_bytes: Some(2048),
                flash_bytes: Some(32768),
            },
            reserve: Reserve::default(),
            weights: WeightsSource::File,
            plan,
            code: CodeChoice::Fastest,
            layer_code: BTreeMap::new(),
        }
    }

    fn fits(declaration: &Declaration) -> bool {
        let design = choose(declaration, &UNKNOWN);
        !matches!(judge(declaration, &design), Verdict::Over(_))
    }

    #[test]
    fn the_suggested_number_of_outputs_is_the_largest_that_fits() {
        let over = declaration(64, PlanChoice::Fastest);
        assert!(!fits(&over));
        let design = choose(&over, &UNKNOWN);
        let remedies = for_sram(&over, &design, 2048);
        let most = (1..64)
            .rev()
            .find(|&n| fits(&declaration(n, PlanChoice::Fastest)))
            .unwrap();
        assert_eq!(
            remedies[0],
            format!("`C1({most},3)` in place of `C1(64,3)`")
        );
    }

    #[test]
    fn the_other_plan_is_suggested_where_only_it_fits() {
        let n = (1..=64)
            .find(|&n| !fits(&declaration(n, PlanChoice::RowMajor)))
            .unwrap();
        let over = declaration(n, PlanChoice::RowMajor);
        let design = choose(&over, &UNKNOWN);
        let suggests = |remedies: Vec<String>| {
            remedies
                .iter()
                .any(|remedy| remedy.starts_with("`plan: herringbone`"))
        };
        assert!(fits(&declaration(n, PlanChoice::Herringbone)));
        assert!(suggests(for_sram(&over, &design, 2048)));
        assert!(!suggests(for_sram(&over, &design, 100)));
    }

    #[test]
    fn the_classes_are_never_made_fewer() {
        let mut over = declaration(64, PlanChoice::Fastest);
        over.budget.flash_bytes = Some(4000);
        let last = over.network.last_layer().id;
        let remedies = for_flash(&over, last, 4001, |network| {
            packed_weights_bytes(network) <= 4000
        });
        assert!(
            remedies[0].ends_with("in place of `C1(64,3)`"),
            "{remedies:?}"
        );
    }
}
