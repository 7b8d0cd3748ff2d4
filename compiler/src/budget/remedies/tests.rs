//! Whoever does as is said is within the budget.

use super::super::{ExpectedWeights, choose, over};
use super::*;
use crate::network::Node;
use crate::program::{self, Accumulator};
use crate::syntax;
use crate::weights::{Parameters, Shift, Weights};

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
    let shift = Shift {
        left: 0,
        right: 6,
        skip: 0,
    };
    let of = |node: &Node| {
        let sums = node.sums().map(|sum| Parameters {
            weight: (0..sum.weights())
                .map(|index| (index * index % 16) as i8 - 8)
                .collect(),
            bias: vec![100; sum.biases() as usize],
            shift,
        });
        sums.collect()
    };
    Weights::new(network.nodes().iter().map(of).collect())
}

/// What a design says that is over budget in SRAM, and in flash.
pub(super) fn messages(text: &str, with_weights: bool) -> [Option<String>; 2] {
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
    let expected = ExpectedWeights::of(&declaration).filter(|_| !with_weights);
    if let Some(expected) = &expected {
        sums = expected.sums();
    }
    let design = choose(&declaration, &sums);
    let over = over::over(&declaration, &design, &sums);
    ["bytes of SRAM, and", "bytes of flash, and"].map(|budget| {
        let mut messages = over.iter().map(ToString::to_string);
        messages.find(|message| message.contains(budget))
    })
}

const ORDINALS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];

/// The declaration as a remedy has it, and whether its weights stay.
pub(super) fn follow(text: &str, remedy: &str) -> (String, bool) {
    let quoted: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
    let without = |key: &str| {
        let of_key = |part: &&str| part.trim_start().starts_with(key);
        let parts: Vec<&str> = text.split(';').filter(|part| !of_key(part)).collect();
        parts.join(";")
    };
    let ordinal_of = |before: &str| {
        ORDINALS
            .iter()
            .position(|word| before.ends_with(&format!("the {word} ")))
    };
    if remedy.contains("together (their maps are added") {
        let parts: Vec<&str> = remedy.split('`').collect();
        let n = remedy.split(' ').next().unwrap();
        let places = parts.chunks(2).filter_map(|pair| match pair {
            &[before, layer] => {
                let at = text
                    .match_indices(layer)
                    .nth(ordinal_of(before).unwrap_or(0));
                Some((at.unwrap().0 + layer.find('(').unwrap() + 1, layer))
            }
            _ => None,
        });
        let mut changed = text.to_owned();
        for (at, _) in places.collect::<Vec<_>>().into_iter().rev() {
            let digits = text[at..].find(|c: char| !c.is_ascii_digit()).unwrap();
            changed.replace_range(at..at + digits, n);
        }
        return (changed, false);
    }
    match quoted[..] {
        [new, old] if remedy.contains("in place of") => {
            let which = match remedy.split_once(" in place of the ") {
                None => 0,
                Some((_, place)) => {
                    let word = place.split(' ').next();
                    ORDINALS.iter().position(|&it| Some(it) == word).unwrap()
                }
            };
            let (at, _) = text.match_indices(old).nth(which).unwrap();
            let mut changed = text.to_owned();
            changed.replace_range(at..at + old.len(), new);
            (changed, false)
        }
        ["code: unrolled"] => (without("code"), true),
        ["weights"] => (without("weights"), false),
        ["weights: runtime"] => (format!("{}; weights: runtime", without("weights")), false),
        [value, ..] => {
            let key = value.split(':').next().unwrap();
            let keeps_weights = !["bits", "sparsity"].contains(&key);
            (format!("{}; {value}", without(key)), keeps_weights)
        }
        [] => panic!("{remedy}"),
    }
}

/// What is suggested, if anything.
pub(super) fn remedies(message: &str) -> Vec<&str> {
    let (_, remedies) = message.split_once("what would fit").unwrap();
    let (_, remedies) = remedies.split_once(": ").unwrap();
    let remedies = remedies.split(" (not everything").next().unwrap();
    if remedies.starts_with("no single change") || remedies.starts_with("nothing ") {
        return Vec::new();
    }
    remedies.split("; or ").collect()
}

/// Where a remedy stands in the order of what it takes from the network.
fn cost(remedy: &str) -> usize {
    if remedy.contains("stride: 2") {
        4
    } else if remedy.contains("sparsity: ") {
        2
    } else if remedy.contains("in place of") {
        1
    } else if remedy.starts_with("`bits") {
        3
    } else if remedy.starts_with("`target") {
        5
    } else {
        0
    }
}

/// Keys of the texts are parted by semicolons, so that they are cut easily.
pub(super) fn declared(text: &str) -> String {
    text.replace(';', ",")
}

#[test]
fn whoever_does_as_is_said_is_within_the_budget() {
    let many = LIST.replace("C1(8,3)", "C1(180,3)");
    let dense = "[28, 28, 1] => < A, C1(8,3), M, C1(16,3), D(64), D*(10) >";
    let twice = "[28, 28, 1] => < A, C1(16,3), C1(16,3), M, C1(16,3), D*(10) >";
    let residual = "[16, 16, 1] => < 'a: C1(8,3), R(3), C1(8,1, add: 'a), M, D*(10) >";
    let mut followed = 0;
    for (text, with_weights) in [
        (
            format!("{residual}; sram: 1000; reserve: 64; plan: row_major"),
            true,
        ),
        (
            format!("{residual}; sram: 700; flash: 1500; reserve: 64; plan: smallest"),
            false,
        ),
        (format!("{many}; target: atmega328p"), false),
        (format!("{many}; target: atmega328p"), true),
        (
            format!("{LIST}; sram: 530; reserve: 64; plan: row_major"),
            true,
        ),
        (
            format!("{LIST}; sram: 400; flash: 9000; reserve: 200"),
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
            format!("{LIST}; sram: 1800; reserve: 64; weights: runtime"),
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
        (format!("{dense}; sram: 65536; flash: 4000"), true),
        (
            format!("{twice}; target: atmega88; plan: herringbone"),
            false,
        ),
        (format!("{twice}; sram: 900; plan: streamed(1)"), true),
        (
            format!("{twice}; sram: 900; flash: 300; plan: smallest"),
            false,
        ),
        (
            format!("{twice}; target: atmega8; plan: smallest; code: unrolled"),
            true,
        ),
        (
            format!("{LIST}; target: atmega8; plan: herringbone; reserve: {{ flash: 4000 }}"),
            true,
        ),
    ] {
        let before = messages(&declared(&text), with_weights);
        for (budget, message) in before.iter().enumerate() {
            let Some(message) = message else { continue };
            let remedies = remedies(message);
            assert!(remedies.len() <= 3, "{text}: {message}");
            assert!(
                remedies.is_sorted_by_key(|remedy| cost(remedy)),
                "{text}: {message}"
            );
            for remedy in remedies {
                let (changed, keeps_weights) = follow(&text, remedy);
                let after = messages(&declared(&changed), with_weights && keeps_weights);
                assert_eq!(after[budget], None, "{text}: {remedy}");
                let other = 1 - budget;
                assert!(
                    before[other].is_some() || after[other].is_none(),
                    "{text}: {remedy}"
                );
                followed += 1;
            }
        }
    }
    assert!(followed > 20, "{followed}");
}

/// A fifth of the weights of a projection or a cell, as lists, are fewer bytes than a table of all.
#[test]
fn more_zeros_are_suggested_where_code_has_nothing_for_them() {
    let bits = "bits: { weights: 8, activations: 8 }";
    for (list, expected) in [
        ("Proto(20,60,10)", "`Proto(20,60,10, sparsity: 0."),
        ("G(70), D*(10)", "`G(70, sparsity: 0."),
    ] {
        let text = format!("[16, 16, 1] => < {list} >; {bits}; target: atmega8; plan: streamed");
        let [_, message] = messages(&declared(&text), false);
        let message = message.expect("it is over budget");
        let mut found = remedies(&message).into_iter();
        let found = found.find(|it| it.contains("sparsity: "));
        let found = found.expect(&message);
        assert!(found.starts_with(expected), "{message}");
        let after = messages(&declared(&follow(&text, found).0), false);
        assert_eq!(after, [None, None], "{found}");
    }
}

#[test]
fn the_suggested_number_of_outputs_is_the_largest_that_fits() {
    let text = |n| {
        format!(
            "{}, target: atmega328p, plan: herringbone",
            LIST.replace("(11", &format!("({n}"))
        )
    };
    let over = |n: u32| messages(&text(n), false)[0].clone();
    let most = (1..64).rev().find(|&n| over(n).is_none()).unwrap();
    let message = over(64).unwrap();
    let remedy = format!("`C1({most},3)` in place of `C1(64,3)`");
    assert!(message.contains(&remedy), "{message}");
}

#[test]
fn the_classes_are_never_made_fewer() {
    let text = "[28, 28, 1] => < A, C1(8,3), D*(10) >, target: attiny85, plan: herringbone";
    let [_, message] = messages(text, false);
    let message = message.unwrap();
    assert!(message.contains("in place of `C1(8,3)`"), "{message}");
    assert!(!message.contains("in place of `D"), "{message}");
}

/// The list with a tenth less SRAM than its smallest plan needs, and that.
fn a_tenth_short(list: &str) -> (String, u32) {
    let text = format!("{list}; reserve: 64");
    let declaration = parse(&declared(&format!("{text}; plan: smallest")));
    let sums = run_time_sums(&declaration.network);
    let given_bytes = choose(&declaration, &sums).sram_bytes() * 9 / 10;
    (format!("{text}; sram: {given_bytes}"), given_bytes)
}

#[test]
fn the_suggested_layer_loses_the_least_of_all_layers() {
    for list in [
        "[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(40,3), M, D*(10) >",
        "[28, 28, 1] => < A, C1(12,3), C1(12,3), C1(12,3), M, D(30), D*(10) >",
        "[20, 20, 3] => < C1(9,5), M, C1(20,3), C2(30,3), D*(10) >",
    ] {
        let (text, given_bytes) = a_tenth_short(list);
        let network = parse(&declared(&text)).network;
        let [message, _] = messages(&declared(&text), false);
        let message = message.unwrap_or_else(|| panic!("{text} fits"));
        let remedy = remedies(&message)[0];
        let of = |text: &str| parse(&declared(text)).network.multiply_accumulates();
        let left = of(&follow(&text, remedy).0);
        let layers = network.computing_nodes().rev().skip(1);
        for layer in layers.filter(|layer| layer.kind.outputs().is_some()) {
            for n in 1..layer.kind.outputs().unwrap() {
                let changed = network.with_outputs(&[layer.layer], n).unwrap();
                let declaration = Declaration {
                    network: changed.clone(),
                    ..parse(&declared(&text))
                };
                let sums = run_time_sums(&changed);
                let design = choose(&declaration, &sums);
                assert!(
                    design.sram_bytes() > given_bytes || changed.multiply_accumulates() <= left,
                    "{remedy}, but {} fits too",
                    changed.node(layer.id)
                );
            }
        }
    }
}

#[test]
fn what_leaves_the_network_as_it_is_comes_first() {
    let text = format!("{LIST}, sram: 500, reserve: 64, plan: row_major");
    let [message, _] = messages(&text, false);
    let message = message.unwrap();
    let found = remedies(&message);
    assert!(found[0].starts_with("`plan: "), "{message}");
    assert!(found[1].contains("in place of"), "{message}");
    let text = format!("{LIST}, sram: 1800, reserve: 64, weights: runtime");
    let [message, _] = messages(&text, false);
    let message = message.unwrap();
    assert!(
        remedies(&message)[0].starts_with("`weights` from a file"),
        "{message}"
    );
    assert_eq!(remedies(&message).len(), 3, "{message}");
}

#[test]
fn of_two_layers_that_are_written_alike_it_is_said_which() {
    let list = "[28, 28, 1] => < A, C1(16,3), C1(16,3), M, C1(16,3), D*(10) >";
    let (text, _) = a_tenth_short(list);
    let [message, _] = messages(&declared(&text), false);
    let message = message.unwrap();
    assert!(message.contains("in place of the "), "{message}");
}
