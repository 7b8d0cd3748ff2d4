//! Recurrent cells, and dense layers that read their states; trees and prototypes.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::backend::avr;
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::{Bits, Network};
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::syntax;
use herringbone_compiler::target::Target;
use herringbone_compiler::weights::Weights;
use herringbone_tests::networks::{Case, steps};
use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::TestRunner;

use crate::device::Site;
use crate::judge::{Subject, judge, judge_endless};
use crate::{emit, program};

const BITS: Bits = Bits {
    weights: 8,
    biases: 16,
    activations: 8,
};

const SITE: Site = Site {
    base_bytes: 0x200,
    offset_bytes: 77,
    noise: 5,
};

fn network(list: &str) -> Network {
    let bits = "bits: { weights: 8, biases: 16, activations: 8 }";
    let text = format!("N: {list}, {bits}");
    let parsed = syntax::parse(text.parse().expect("tokens"));
    parsed.declaration.expect(&text).network
}

/// The same with four of five weights of each sum 0.
fn thinned(case: Case) -> Case {
    let ids = || case.network.nodes().iter().map(|node| node.id);
    let mut nodes: Vec<_> = ids().map(|id| case.weights.node(id).to_vec()).collect();
    for parameters in nodes.iter_mut().flatten() {
        let weights = parameters.weight.iter_mut().enumerate();
        for (_, weight) in weights.filter(|(index, _)| index % 5 > 0) {
            *weight = 0;
        }
    }
    let own = ids().map(|id| case.weights.own(id).clone()).collect();
    Case {
        weights: Weights::with_own(nodes, own),
        ..case
    }
}

/// Judges a case with every plan that there is assembly for, as tables and as instructions: how
/// many there are, and the cycles and the bytes of the fastest.
fn judge_all(part: &str, case: &Case) -> Result<(usize, u64, u32)> {
    let part = Target::named(part).expect("the part is known");
    let (mut count, mut best) = (0, (u64::MAX, 0));
    for strategy in Strategy::all(&case.network.dataflow()) {
        let (program, _) = program(part, case, strategy, WeightsSource::File)?;
        if avr::without_code(&program).is_some() {
            continue;
        }
        for unrolled in [0, u32::MAX] {
            let code = emit(part, &program, unrolled);
            let subject = Subject {
                part,
                case,
                program: &program,
                parameters: &[],
                code: &code,
                site: SITE,
            };
            if !subject.fits() {
                continue;
            }
            let told = || format!("{}, {unrolled}", strategy.name(&case.network.dataflow()));
            let cycles = judge(subject).with_context(told)? / case.inputs.len() as u64;
            count += 1;
            let bytes = program.arena_bytes + program.cursor_bytes + code.stack_bytes;
            best = best.min((cycles, bytes));
        }
    }
    Ok((count, best.0, best.1))
}

#[test]
fn code_of_cells_trees_and_prototypes_computes_what_the_design_says() -> Result<()> {
    let mut tiny = 0;
    for (list, seed) in [
        ("[16, 16, 1] => < G(32), D*(10) >", 1),
        ("[16, 16, 1] => < G(16), D*(10) >", 2),
        ("[4, 2, 1] => < G(1), D*(1) >", 3),
        ("[5, 3, 2] => < G(6), D*(3) >", 4),
        ("[7, 9, 1] => < C1*(3,3), G(5), D*(4) >", 5),
        ("[9, 8, 1] => < C1(2,3), M, G(7), D*(2) >", 6),
        ("[3, 255, 1] => < G(4), D*(5) >", 7),
        ("[9, 4, 1] => < G(6, sequence: all), G(5), D*(3) >", 14),
        ("[6, 5, 2] => < G(5, feed: row_major), D*(3) >", 15),
        ("[6, 5, 2] => < G(9, feed: channel_major), D*(3) >", 16),
        ("[7, 4, 3] => < G(4, feed: multi), D*(2) >", 17),
        ("[4, 3, 2] => < G(4, feed: multi, sequence: all) >", 18),
        ("[8, 3, 1] => < G(5) >", 19),
        ("[8, 9, 1] => < G(12, rank: 5x4), D*(3) >", 20),
        (
            "[6, 5, 2] => < G(7, feed: row_major, rank: 2x3), D*(3) >",
            21,
        ),
        (
            "[6, 5, 3] => < G(6, feed: channel_major, rank: 6x1), D*(3) >",
            22,
        ),
        ("[5, 2, 2] => < G(4, feed: multi, rank: 3), D*(3) >", 23),
        ("[8, 6, 1] => < G(6, gate: sigmoid), D*(3) >", 26),
        ("[8, 6, 1] => < G(6, gate: tanh), D*(3) >", 27),
        (
            "[6, 5, 2] => < G(7, feed: row_major, rank: 2x3, gate: tanh), D*(3) >",
            28,
        ),
        (
            "[7, 4, 3] => < G(4, feed: multi, gate: sigmoid, sequence: all) >",
            29,
        ),
        // Weights and states without signs.
        ("[6, 5, 2] => < G(27, feed: row_major), D*(3) >", 24),
        ("[5, 4, 2] => < G(28, feed: multi, sequence: all) >", 25),
        ("[16, 16, 1] => < Bonsai(2, 10, 10) >", 8),
        ("[16, 16, 1] => < Proto(10, 20, 10) >", 9),
        ("[5, 4, 3] => < Bonsai(0, 17, 1, gate: hard) >", 10),
        ("[1, 1, 9] => < Proto(70, 5, 3) >", 11),
        ("[9, 8, 1] => < C1*(2,3), M, Bonsai(3, 1, 4) >", 12),
        ("[7, 9, 1] => < C1(4,3), Proto(3, 4, 2) >", 13),
    ] {
        // The last one does not multiply, and does not hold every map.
        for part in ["atmega328p", "atmega2560", "attiny85"] {
            let case = Case::random(network(list), seed);
            assert_eq!(case.network.bits(), BITS);
            let (count, _, _) = judge_all(part, &case).with_context(|| list.to_owned())?;
            let is_tiny = part == "attiny85";
            ensure!(count > 0 || is_tiny, "{list} has no code for {part}");
            tiny += usize::from(is_tiny && count > 0);
            judge_all(part, &thinned(case)).with_context(|| format!("{list}, thinned"))?;
        }
    }
    ensure!(tiny > 20, "{tiny} have code without a multiplier");
    Ok(())
}

#[test]
fn code_of_random_networks_with_states_computes_what_the_design_says() -> Result<()> {
    let mut runner = TestRunner::deterministic();
    let mut judged = 0;
    for _ in 0..400 {
        let case = steps()
            .new_tree(&mut runner)
            .expect("a recipe")
            .current()
            .case();
        if case.network.bits() != BITS {
            continue;
        }
        if herringbone_compiler::program::prove(&case.network, &case.weights).is_err() {
            continue;
        }
        let list = case.list();
        let (count, _, _) = judge_all("atmega328p", &case).with_context(|| list.clone())?;
        judge_all("attiny85", &case).with_context(|| format!("{list}, attiny85"))?;
        judge_all("atmega328p", &thinned(case)).with_context(|| format!("{list}, thinned"))?;
        judged += count;
    }
    ensure!(judged > 0, "none has code");
    Ok(())
}

#[test]
fn code_of_recurrent_cells_goes_on_after_the_last_row() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    for (columns, cell, results, rows) in [
        (6, "4", 3, 5),
        (16, "8", 10, 16),
        (3, "5", 2, 2),
        (6, "4, gate: sigmoid", 3, 5),
        (6, "4, gate: tanh", 3, 5),
    ] {
        let taller = |rows: u32| {
            let list = format!("[{rows}, {columns}, 1] => < G({cell}), D*({results}) >");
            network(&list)
        };
        for seed in 0..6 {
            let case = Case::random(taller(rows), seed);
            let strategies = Strategy::all(&case.network.dataflow());
            let streamed = *strategies.last().expect("a plan");
            let (program, _) = program(part, &case, streamed, WeightsSource::File)?;
            ensure!(avr::without_code(&program).is_none());
            let endless = program.endless_rows().context("it ends")?;
            let code = emit(part, &program, 0);
            let subject = Subject {
                part,
                case: &case,
                program: &program,
                parameters: &[],
                code: &code,
                site: SITE,
            };
            judge_endless(subject, endless, taller, (30, seed % 2 == 0))
                .with_context(|| format!("{}, seed {seed}", case.list()))?;
        }
    }
    Ok(())
}

/// With every value other than 0, and keeping nothing of what was pushed.
#[test]
fn streamed_trees_and_prototypes_of_digits_take_120_000_cycles_and_200_bytes() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    for list in ["Bonsai(2, 10, 10)", "Proto(10, 20, 10)"] {
        let case = Case::random(network(&format!("[16, 16, 1] => < {list} >")), 1);
        let strategies = Strategy::all(&case.network.dataflow()).into_iter();
        let streamed = strategies.max_by_key(|strategy| strategy.streamed_layers);
        let streamed = streamed.expect("there are plans");
        let (program, _) = program(part, &case, streamed, WeightsSource::File)?;
        let code = emit(part, &program, 0);
        let subject = Subject {
            part,
            case: &case,
            program: &program,
            parameters: &[],
            code: &code,
            site: SITE,
        };
        let cycles = judge(subject)?;
        let bytes = program.arena_bytes + program.cursor_bytes + code.stack_bytes;
        println!("{list}: {cycles} cycles, {bytes} bytes");
        ensure!(cycles <= 120_000, "{list}: {cycles} cycles");
        ensure!(bytes <= 200, "{list}: {bytes} bytes");
    }
    Ok(())
}

/// SeeDot's code takes 4,379,477 cycles, and 1,506 bytes, for this network.
#[test]
fn a_cell_of_32_units_takes_half_a_million_cycles_and_300_bytes() -> Result<()> {
    let case = Case::random(network("[16, 16, 1] => < G(32), D*(10) >"), 1);
    let (_, cycles, bytes) = judge_all("atmega328p", &case)?;
    println!("{cycles} cycles, {bytes} bytes");
    ensure!(cycles <= 500_000, "{cycles} cycles");
    ensure!(bytes <= 300, "{bytes} bytes");
    Ok(())
}
