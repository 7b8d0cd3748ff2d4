//! Recurrent cells, and dense layers that read their states.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::backend::avr;
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::{Bits, Network};
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::syntax;
use herringbone_compiler::target::Target;
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

/// Judges a case with every plan that there is assembly for: how many there are, and the cycles
/// and the stack of the fastest.
fn judge_all(part: &str, case: &Case) -> Result<(usize, u64, u32)> {
    let part = Target::named(part).expect("the part is known");
    let (mut count, mut best) = (0, (u64::MAX, 0));
    for strategy in Strategy::all(&case.network.dataflow()) {
        let (program, _) = program(part, case, strategy, WeightsSource::File)?;
        if avr::without_code(&program, avr::Core::of(part)).is_some() {
            continue;
        }
        let code = emit(part, &program, 0);
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
        let told = || strategy.name(&case.network.dataflow());
        let cycles = judge(subject).with_context(told)? / case.inputs.len() as u64;
        count += 1;
        let bytes = program.arena_bytes + program.cursor_bytes + code.stack_bytes;
        best = best.min((cycles, bytes));
    }
    Ok((count, best.0, best.1))
}

#[test]
fn code_of_recurrent_cells_computes_what_the_design_says() -> Result<()> {
    for (list, seed) in [
        ("[16, 16, 1] => < G(32), D*(10) >", 1),
        ("[16, 16, 1] => < G(16), D*(10) >", 2),
        ("[4, 2, 1] => < G(1), D*(1) >", 3),
        ("[5, 3, 2] => < G(6), D*(3) >", 4),
        ("[7, 9, 1] => < C1*(3,3), G(5), D*(4) >", 5),
        ("[9, 8, 1] => < C1(2,3), M, G(7), D*(2) >", 6),
        ("[3, 255, 1] => < G(4), D*(5) >", 7),
    ] {
        for part in ["atmega328p", "atmega2560"] {
            let case = Case::random(network(list), seed);
            assert_eq!(case.network.bits(), BITS);
            let (count, _, _) = judge_all(part, &case).with_context(|| list.to_owned())?;
            let is_plain = list.starts_with("[16");
            ensure!(count > 0 || !is_plain, "{list} has no code for {part}");
        }
    }
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
        let (count, _, _) = judge_all("atmega328p", &case).with_context(|| case.list())?;
        judged += count;
    }
    ensure!(judged > 0, "none has code");
    Ok(())
}

#[test]
fn code_of_recurrent_cells_goes_on_after_the_last_row() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    for (columns, hidden, results, rows) in [(6, 4, 3, 5), (16, 8, 10, 16), (3, 5, 2, 2)] {
        let taller = |rows: u32| {
            let list = format!("[{rows}, {columns}, 1] => < G({hidden}), D*({results}) >");
            network(&list)
        };
        for seed in 0..6 {
            let case = Case::random(taller(rows), seed);
            let strategies = Strategy::all(&case.network.dataflow());
            let streamed = *strategies.last().expect("a plan");
            let (program, _) = program(part, &case, streamed, WeightsSource::File)?;
            ensure!(avr::without_code(&program, avr::Core::of(part)).is_none());
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
