//! Every remedy of random designs, pasted in.

use super::tests::{declared, follow, messages, remedies};
use crate::syntax;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What clears one kind of memory only, where both are exceeded, says so.
const OF_ONE_ALONE: &str = "needs a change of its own";

fn layer() -> impl Strategy<Value = String> {
    let n = || 1_u32..=40;
    prop_oneof![
        2 => select(vec!["M", "A", "M(3)", "M(1x2)", "M(3, stride: 2)"]).prop_map(str::to_owned),
        4 => (n(), select(vec!["1", "3", "2x3"])).prop_map(|(n, k)| format!("C1({n},{k})")),
        2 => n().prop_map(|n| format!("C2({n},3)")),
        1 => n().prop_map(|n| format!("C1({n},3, padding: same)")),
        1 => Just("T(3)".to_owned()),
        1 => Just("R(3)".to_owned()),
        1 => (1_u32..=80).prop_map(|n| format!("D({n})")),
    ]
}

fn list() -> impl Strategy<Value = String> {
    (1_u32..=16, 1_u32..=16, 1_u32..=4, vec(layer(), 1..5)).prop_map(
        |(height, width, channels, layers)| {
            let layers = layers.join(", ");
            format!("[{height}, {width}, {channels}] => < {layers}, D*(7) >")
        },
    )
}

/// AVR parts with and without a multiplier, parts of 32 bits, and bytes alone.
fn budget() -> impl Strategy<Value = String> {
    let parts = vec![
        "attiny44",
        "attiny85",
        "attiny826",
        "atmega8",
        "atmega88",
        "atmega168",
        "atmega328p",
        "lpc810",
        "ch32v003f4",
        "stm32f030f4",
    ];
    prop_oneof![
        4 => select(parts).prop_map(|part| format!("target: {part}")),
        1 => (100_u32..1500, 200_u32..6000)
            .prop_map(|(sram, flash)| format!("sram: {sram}; flash: {flash}")),
    ]
}

/// A declaration, and whether its weights are known.
fn design() -> impl Strategy<Value = (String, bool)> {
    let plan = select(vec![
        "",
        "",
        "",
        "; plan: smallest",
        "; plan: row_major",
        "; plan: streamed",
        "; plan: streamed(1)",
        "; plan: herringbone",
        "; plan: segments",
    ]);
    let code = select(vec!["", "", "; code: table", "; code: unrolled"]);
    let reserve = select(vec!["", "", "; reserve: 150", "; reserve: { flash: 900 }"]);
    let widths = (
        select(vec![2, 4, 8]),
        select(vec![8, 16]),
        select(vec![4, 8]),
    );
    let bits = widths.prop_map(|(weights, biases, activations)| {
        format!("; bits: {{ weights: {weights}, biases: {biases}, activations: {activations} }}")
    });
    (list(), budget(), plan, code, reserve, bits, any::<bool>()).prop_map(
        |(list, budget, plan, code, reserve, bits, with_weights)| {
            (
                format!("{list}; {budget}{plan}{code}{reserve}{bits}"),
                with_weights,
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        max_global_rejects: 30_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_remedy_that_is_pasted_in_clears_both_budgets((text, with_weights) in design()) {
        let is_right = |text: &str| {
            let tokens = format!("N: {}", declared(text)).parse().unwrap();
            syntax::parse(tokens).declaration.is_some()
        };
        prop_assume!(is_right(&text));
        let before = messages(&declared(&text), with_weights);
        prop_assume!(before.iter().any(Option::is_some));
        for (budget, message) in before.iter().enumerate() {
            let Some(message) = message else { continue };
            for remedy in remedies(message) {
                let (changed, keeps_weights) = follow(&text, remedy);
                prop_assert!(is_right(&changed), "{text}: {remedy}: {changed}");
                let after = messages(&declared(&changed), with_weights && keeps_weights);
                if message.contains(OF_ONE_ALONE) {
                    prop_assert_eq!(&after[budget], &None, "{}: {}", text, remedy);
                    prop_assert!(before[1 - budget].is_some(), "{text}: {remedy}");
                } else {
                    prop_assert_eq!(&after, &[None, None], "{}: {}", text, remedy);
                }
            }
        }
    }
}
