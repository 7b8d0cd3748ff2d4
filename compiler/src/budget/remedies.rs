//! What would make a design fit: each computed by planning it, none guessed.
//!
//! A change that keeps the weights is judged with them. One of shapes or bits
//! needs weights that are not there yet: it is judged as a design to size.

use super::choice::{any_that_fits, least_arena_bytes};
use super::over::demands_unrolled;
use super::{Design, Sums, choose, fits, footprint, needed_flash_bytes};
use crate::declaration::{Budget, CodeChoice, Declaration, PlanChoice, WeightsSource};
use crate::network::{LayerId, Network};
use crate::program::{Accumulator, Accumulators, parameter_bytes};
use crate::target::Target;

/// Changes with each of which alone the design takes at most that SRAM.
pub(super) fn for_sram(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
    given_bytes: u32,
) -> Vec<String> {
    let network = &declaration.network;
    let within = |network: Network| {
        // Planning takes long where it is in vain.
        let hopeless = hopeless(declaration, &network, given_bytes);
        let design = (!hopeless).then(|| sized(declaration, network, sums.widest))?;
        (design.sram_bytes() <= given_bytes).then_some(design)
    };
    let mut remedies = Vec::new();
    let layer = design.plan.peak().layer;
    remedies.extend(fewer_outputs(network, layer, |network| {
        within(network).is_some()
    }));
    if !matches!(declaration.plan, PlanChoice::Fastest | PlanChoice::Smallest) {
        let free = Declaration {
            plan: PlanChoice::Fastest,
            ..declaration.clone()
        };
        if !hopeless(&free, network, given_bytes)
            && let Some(design) = any_that_fits(&free, sums)
        {
            let (name, bytes) = (design.plan.strategy.name(network), design.sram_bytes());
            remedies.push(format!("`plan: {name}` ({bytes} bytes)"));
        }
    }
    let bits = network.bits();
    let mut fewer_bits = Vec::new();
    if declaration.weights == WeightsSource::Runtime {
        fewer_bits.extend((bits.biases == 16).then_some(("biases", 8)));
        let weights = [4, 2].into_iter().filter(|&width| width < bits.weights);
        fewer_bits.extend(weights.map(|width| ("weights", width)));
    }
    fewer_bits.extend((bits.activations == 8).then_some(("activations", 4)));
    for (name, width) in fewer_bits {
        let mut bits = bits;
        *match name {
            "biases" => &mut bits.biases,
            "weights" => &mut bits.weights,
            _ => &mut bits.activations,
        } = width;
        if let Some(design) = within(network.with_bits(bits)) {
            let bytes = design.sram_bytes();
            remedies.push(format!("`bits: {{ {name}: {width} }}` ({bytes} bytes)"));
        }
    }
    let least_bytes = design.default_reserve_bytes;
    let reserve_bytes = declaration.reserve.sram_bytes;
    if reserve_bytes.is_some_and(|reserve| reserve > least_bytes)
        && design.state_bytes().saturating_add(least_bytes) <= given_bytes
    {
        let most_bytes = given_bytes - design.state_bytes();
        remedies.push(format!(
            "a `reserve` of at most {most_bytes} bytes (the network's own stack and 64 take \
             {least_bytes})"
        ));
    }
    if declaration.weights == WeightsSource::Runtime {
        let in_flash = Declaration {
            weights: WeightsSource::Nowhere,
            ..declaration.clone()
        };
        if !hopeless(&in_flash, network, given_bytes) {
            let design = sized(&in_flash, network.clone(), sums.widest);
            if fits(&in_flash, &design) {
                let bytes = design.sram_bytes();
                remedies.push(format!("`weights` from a file, in flash ({bytes} bytes)"));
            }
        }
    }
    if let Some(target) = larger_target(declaration, design, sums) {
        let (name, sram_bytes) = (target.name, target.sram_bytes);
        remedies.push(format!("`target: {name}` ({sram_bytes} bytes)"));
    }
    remedies
}

/// Changes with each of which alone the design takes at most that flash.
pub(super) fn for_flash(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
    given_bytes: u32,
) -> Vec<String> {
    let network = &declaration.network;
    let within = |declaration: &Declaration, design: &Design| {
        needed_flash_bytes(declaration, design, given_bytes) <= given_bytes.into()
    };
    let mut remedies = Vec::new();
    if demands_unrolled(declaration) {
        // What other weights take as instructions is not known.
        let changed = without_unrolled(declaration);
        let design = choose(&changed, sums);
        if within(&changed, &design) {
            remedies.push("leaving `code: unrolled` out".to_owned());
        }
    } else {
        let sized = |network: Network| {
            let least_bytes = footprint::least_flash_bytes(&declaration.clone().sized(), &network);
            least_bytes <= given_bytes.into()
                && within(
                    declaration,
                    &of_plan(declaration, design, network, sums.widest),
                )
        };
        remedies.extend(fewer_outputs(network, design.footprint.largest, sized));
        let fewer_bits = [4, 2].into_iter().find(|&weights| {
            let mut bits = network.bits();
            let fewer = weights < bits.weights;
            bits.weights = weights;
            fewer && sized(network.with_bits(bits))
        });
        if let Some(weights) = fewer_bits {
            remedies.push(format!("`bits: {{ weights: {weights} }}`"));
        }
    }
    let own_bytes = design.footprint.flash_bytes;
    if let Some(most_bytes) = u64::from(given_bytes).checked_sub(own_bytes)
        && most_bytes >= LEAST_FIRMWARE_FLASH_BYTES
    {
        remedies.push(format!(
            "`reserve: {{ flash: {most_bytes} }}`, where the rest of the firmware takes no more"
        ));
    }
    if let Some(target) = larger_target(declaration, design, sums) {
        let (name, flash_bytes) = (target.name, target.flash_bytes);
        remedies.push(format!("`target: {name}` ({flash_bytes} bytes)"));
    }
    remedies
}

/// Vectors, start-up code and a `main` that does next to nothing.
const LEAST_FIRMWARE_FLASH_BYTES: u64 = 256;

/// The design of another network, for which there are no weights yet.
fn sized(declaration: &Declaration, network: Network, widest: Accumulator) -> Design {
    let changed = Declaration {
        network,
        ..declaration.clone()
    };
    let unknown = Sums {
        widest,
        constants: None,
    };
    choose(&changed.sized(), &unknown)
}

/// As [`sized`], by the plan that the design has: another one is no smaller in
/// flash.
fn of_plan(
    declaration: &Declaration,
    design: &Design,
    network: Network,
    widest: Accumulator,
) -> Design {
    let plan = PlanChoice::Named(design.plan.strategy);
    let planned = Declaration {
        plan,
        ..declaration.clone()
    };
    sized(&planned, network, widest)
}

/// Whether the arena and the parameters alone are too much SRAM.
fn hopeless(declaration: &Declaration, network: &Network, given_bytes: u32) -> bool {
    let loaded_bytes = match declaration.weights {
        WeightsSource::Runtime => parameter_bytes(network),
        WeightsSource::File | WeightsSource::Nowhere => 0,
    };
    let too_much = |arena_bytes: u32| u64::from(arena_bytes) + loaded_bytes > given_bytes.into();
    let least_bytes = || {
        let sum_bytes = Accumulators::at_run_time(network).sum_bytes();
        least_arena_bytes(network, declaration.plan, &sum_bytes)
    };
    too_much(0) || too_much(least_bytes())
}

/// The same with every layer that had to be unrolled in whatever form is best.
fn without_unrolled(declaration: &Declaration) -> Declaration {
    let mut changed = declaration.clone();
    let codes = changed.layer_code.values_mut();
    for code in codes.chain([&mut changed.code]) {
        if *code == CodeChoice::Unrolled {
            *code = CodeChoice::Fastest;
        }
    }
    changed
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

/// The smallest part of the same architecture that the design fits as it is.
fn larger_target(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
) -> Option<&'static Target> {
    let given = declaration.budget.target?;
    let least_flash_bytes = footprint::least_flash_bytes(declaration, &declaration.network);
    let mut candidates: Vec<&Target> = Target::all()
        .filter(|target| target.architecture == given.architecture)
        .filter(|target| target.sram_bytes >= design.state_bytes())
        .filter(|target| u64::from(target.flash_bytes) >= least_flash_bytes)
        .collect();
    candidates.sort_by_key(|target| (target.sram_bytes, target.flash_bytes));
    let mut too_small: Vec<&Target> = vec![given];
    candidates.into_iter().find(|&target| {
        let smaller = |other: &&Target| {
            target.multiplies == other.multiplies
                && target.sram_bytes <= other.sram_bytes
                && target.flash_bytes <= other.flash_bytes
        };
        if too_small.iter().any(smaller) {
            return false;
        }
        let changed = Declaration {
            budget: Budget {
                target: Some(target),
                sram_bytes: Some(target.sram_bytes),
                flash_bytes: Some(target.flash_bytes),
            },
            ..declaration.clone()
        };
        let right = fits(&changed, &choose(&changed, sums));
        if !right {
            too_small.push(target);
        }
        right
    })
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
    use super::super::over;
    use super::*;
    use crate::network::Layer;
    use crate::program;
    use crate::syntax;
    use crate::weights::{LayerParameters, Parameters, Shift, Weights};

    const LIST: &str = "[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >";

    fn parse(text: &str) -> Declaration {
        let parsed = syntax::parse(format!("N: {text}").parse().unwrap());
        let errors = parsed.errors.messages();
        parsed
            .declaration
            .unwrap_or_else(|| panic!("{text}: {errors:?}"))
    }

    /// Weights of all kinds for a network of convolutions and dense layers.
    fn weights(network: &Network) -> Weights {
        let of = |layer: &Layer| match layer.weight_count() {
            0 => LayerParameters::None,
            count => LayerParameters::Single(Parameters {
                weight: (0..count)
                    .map(|index| (index * index % 16) as i8 - 8)
                    .collect(),
                bias: vec![100; layer.bias_count() as usize],
                shift: Shift { left: 0, right: 6 },
            }),
        };
        Weights::new(network.layers().iter().map(of).collect())
    }

    /// What a design says that is over budget in SRAM, and in flash.
    fn messages(text: &str, with_weights: bool) -> [Option<String>; 2] {
        let mut declaration = parse(text);
        let network = declaration.network.clone();
        let weights = weights(&network);
        let accumulators = program::prove(&network, &weights).unwrap();
        let mut sums = Sums {
            widest: Accumulator::I16,
            constants: None,
        };
        if with_weights {
            declaration.weights = WeightsSource::File;
            sums.constants = Some((&weights, &accumulators));
        }
        let design = choose(&declaration, &sums);
        let over = over::over(&declaration, &design, &sums);
        ["bytes of SRAM, and", "bytes of flash, and"].map(|budget| {
            let mut messages = over.iter().map(ToString::to_string);
            messages.find(|message| message.contains(budget))
        })
    }

    /// The declaration as a remedy has it, and whether its weights stay.
    fn follow(text: &str, remedy: &str) -> (String, bool) {
        let quoted: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
        let without = |key: &str| {
            let of_key = |part: &&str| part.trim_start().starts_with(key);
            let parts: Vec<&str> = text.split(';').filter(|part| !of_key(part)).collect();
            parts.join(";")
        };
        match quoted[..] {
            [new, old] if remedy.contains("in place of") => (text.replace(old, new), false),
            ["code: unrolled"] => (without("code"), true),
            ["weights"] => (without("weights"), false),
            ["reserve"] => {
                let words = remedy.split(' ');
                let bytes: Vec<&str> = words.filter(|word| word.parse::<u32>().is_ok()).collect();
                (
                    format!("{}; reserve: {}", without("reserve"), bytes[0]),
                    true,
                )
            }
            [value, ..] => {
                let key = value.split(':').next().unwrap();
                (format!("{}; {value}", without(key)), key != "bits")
            }
            [] => panic!("{remedy}"),
        }
    }

    /// Keys of the texts are parted by semicolons, so that they are cut easily.
    fn declared(text: &str) -> String {
        text.replace(';', ",")
    }

    #[test]
    fn whoever_does_as_is_said_is_within_the_budget() {
        let many = LIST.replace("C1(11,3)", "C1(64,3)");
        let dense = "[28, 28, 1] => < A, C1(8,3), M, C1(16,3), D(64), D*(10) >";
        let mut followed = 0;
        for (text, with_weights) in [
            (format!("{many}; target: atmega328p"), false),
            (format!("{many}; target: atmega328p"), true),
            (
                format!("{LIST}; sram: 530; reserve: 64; plan: row_major"),
                true,
            ),
            (
                format!("{LIST}; sram: 530; flash: 9000; reserve: 200"),
                true,
            ),
            (format!("{LIST}; target: attiny85"), true),
            (format!("{LIST}; target: attiny85"), false),
            (format!("{LIST}; target: atmega168; code: unrolled"), true),
            (
                format!("{LIST}; target: atmega328p; reserve: {{ flash: 28000 }}"),
                true,
            ),
            (
                format!("{LIST}; target: atmega328p; weights: runtime"),
                false,
            ),
            (
                format!("{LIST}; target: atmega328p; weights: runtime; bits: {{ weights: 8 }}"),
                false,
            ),
            (format!("{dense}; target: attiny85"), false),
            (
                format!("{dense}; target: atmega16; bits: {{ activations: 8 }}"),
                true,
            ),
            (format!("{dense}; flash: 4000"), false),
        ] {
            for (budget, message) in messages(&declared(&text), with_weights).iter().enumerate() {
                let Some(message) = message else { continue };
                let (_, remedies) = message.split_once("what would fit: ").unwrap();
                for remedy in remedies.split("; or ") {
                    if remedy.starts_with("nothing by one change") {
                        continue;
                    }
                    let (changed, keeps_weights) = follow(&text, remedy);
                    let after = messages(&declared(&changed), with_weights && keeps_weights);
                    assert_eq!(after[budget], None, "{text}: {remedy}");
                    followed += 1;
                }
            }
        }
        assert!(followed > 20, "{followed}");
    }

    #[test]
    fn the_suggested_number_of_outputs_is_the_largest_that_fits() {
        let text = |n| {
            format!(
                "{}, target: atmega328p",
                LIST.replace("(11", &format!("({n}"))
            )
        };
        let over = |n: u32| messages(&text(n), false)[0].clone();
        let most = (1..64).rev().find(|&n| over(n).is_none()).unwrap();
        let message = over(64).unwrap();
        let remedy = format!("what would fit: `C1({most},3)` in place of `C1(64,3)`; or");
        assert!(message.contains(&remedy), "{message}");
    }

    #[test]
    fn the_classes_are_never_made_fewer() {
        let text = "[28, 28, 1] => < A, C1(8,3), D*(10) >, target: attiny85";
        let [_, message] = messages(text, false);
        let message = message.unwrap();
        assert!(message.contains("in place of `C1(8,3)`"), "{message}");
        assert!(!message.contains("in place of `D"), "{message}");
    }
}
