//! Recurrent cells, and dense layers that read their states; trees and prototypes.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::backend::{WorstCase, avr};
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::{Bits, Network};
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::syntax;
use herringbone_compiler::target::Target;
use herringbone_compiler::weights::{OwnParameters, Weights};
use herringbone_tests::networks::{Case, Noise, steps};
use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::TestRunner;

use crate::device::{Code, Device, Site};
use crate::judge::{Subject, judge, judge_endless};
use crate::{emit, program};

const fn bits(weights: u32, activations: u32) -> Bits {
    Bits {
        weights,
        biases: 16,
        activations,
    }
}

const BYTES: Bits = bits(8, 8);
const OTHERS: [Bits; 5] = [bits(4, 8), bits(2, 8), bits(8, 4), bits(4, 4), bits(2, 4)];

const SITE: Site = Site {
    base_bytes: 0x200,
    offset_bytes: 77,
    noise: 5,
};

fn network(list: &str, bits: Bits) -> Network {
    let Bits {
        weights,
        biases,
        activations,
    } = bits;
    let bits = format!("weights: {weights}, biases: {biases}, activations: {activations}");
    let text = format!("N: {list}, bits: {{ {bits} }}");
    let parsed = syntax::parse(text.parse().expect("tokens"));
    parsed.declaration.expect(&text).network
}

/// The same with four of five weights of each sum and each cell 0.
fn thinned(case: Case) -> Case {
    let thin = |weights: &mut Vec<i8>| {
        let weights = weights.iter_mut().enumerate();
        for (_, weight) in weights.filter(|(index, _)| index % 5 > 0) {
            *weight = 0;
        }
    };
    let ids = || case.network.nodes().iter().map(|node| node.id);
    let mut nodes: Vec<_> = ids().map(|id| case.weights.node(id).to_vec()).collect();
    for parameters in nodes.iter_mut().flatten() {
        thin(&mut parameters.weight);
    }
    let mut own: Vec<_> = ids().map(|id| case.weights.own(id).clone()).collect();
    for parameters in &mut own {
        match parameters {
            OwnParameters::Recurrent(cells) => {
                for cell in cells {
                    thin(&mut cell.input.weight);
                    thin(&mut cell.state.weight);
                }
            }
            OwnParameters::Tree(_) | OwnParameters::Prototypes(_) | OwnParameters::None => {}
        }
    }
    Case {
        weights: Weights::with_own(nodes, own),
        ..case
    }
}

/// What the fastest code of a case takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fastest {
    /// An inference.
    cycles: u64,
    /// Of maps, the cursor, loaded weights and stack.
    sram_bytes: u32,
    stack_bytes: u32,
    flash_bytes: u32,
}

/// Judges a case with every plan that there is assembly for, as tables and as instructions: how
/// many there are, and what the fastest takes. Weights that are loaded are skipped
/// where they could pass what sums have then.
fn judge_all(part: &str, case: &Case, weights: WeightsSource) -> Result<(usize, Option<Fastest>)> {
    let part = Target::named(part).expect("the part is known");
    let mut judged = Vec::new();
    for strategy in Strategy::all(&case.network.dataflow()) {
        let (program, parameters) = match program(part, case, strategy, weights) {
            Ok(it) => it,
            Err(_) if weights == WeightsSource::Runtime => continue,
            Err(error) => return Err(error),
        };
        if avr::without_code(&program).is_some() {
            continue;
        }
        let forms: &[u32] = match weights {
            WeightsSource::Runtime => &[0],
            WeightsSource::File | WeightsSource::Nowhere => &[0, u32::MAX],
        };
        for &unrolled in forms {
            let code = emit(part, &program, unrolled);
            let subject = Subject {
                part,
                case,
                program: &program,
                parameters: &parameters,
                code: &code,
                site: SITE,
            };
            if !subject.fits() {
                continue;
            }
            let told = || {
                let plan = strategy.name(&case.network.dataflow());
                format!("{}, {plan}, {weights:?}, {unrolled}", case.bits())
            };
            let cycles = judge(subject).with_context(told)? / case.inputs.len() as u64;
            let bytes = program.arena_bytes + program.cursor_bytes + program.parameter_bytes;
            judged.push(Fastest {
                cycles,
                sram_bytes: bytes + code.stack_bytes,
                stack_bytes: code.stack_bytes,
                flash_bytes: code.flash_bytes(),
            });
        }
    }
    Ok((judged.len(), judged.into_iter().min()))
}

const NETWORKS: [(&str, u64); 32] = [
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
    // A dense layer that reads the states of every step.
    ("[9, 4, 1] => < G(6, sequence: all), D*(3) >", 30),
    (
        "[7, 5, 2] => < G(5, feed: multi, sequence: all), D*(4) >",
        31,
    ),
    ("[6, 3, 1] => < G(7, rank: 2x3, sequence: all), D*(7) >", 32),
    // Weights and states without signs.
    ("[6, 5, 2] => < G(27, feed: row_major), D*(3) >", 24),
    ("[5, 4, 2] => < G(28, feed: multi, sequence: all) >", 25),
    ("[16, 16, 1] => < Bonsai(2, 10, 10) >", 8),
    ("[16, 16, 1] => < Proto(10, 20, 10) >", 9),
    ("[5, 4, 3] => < Bonsai(0, 17, 1, gate: hard) >", 10),
    ("[1, 1, 9] => < Proto(70, 5, 3) >", 11),
    ("[9, 8, 1] => < C1*(2,3), M, Bonsai(3, 1, 4) >", 12),
    ("[7, 9, 1] => < C1(4,3), Proto(3, 4, 2) >", 13),
];

// The last one does not multiply, and does not hold every map.
const PARTS: [&str; 3] = ["atmega328p", "atmega2560", "attiny85"];

#[test]
fn code_of_cells_trees_and_prototypes_computes_what_the_design_says() -> Result<()> {
    let mut tiny = 0;
    for (list, seed) in NETWORKS {
        for part in PARTS {
            let case = Case::random(network(list, BYTES), seed);
            let (count, _) =
                judge_all(part, &case, WeightsSource::File).with_context(|| list.to_owned())?;
            let is_tiny = part == "attiny85";
            ensure!(count > 0 || is_tiny, "{list} has no code for {part}");
            tiny += usize::from(is_tiny && count > 0);
            judge_all(part, &thinned(case), WeightsSource::File)
                .with_context(|| format!("{list}, thinned"))?;
        }
    }
    ensure!(tiny > 20, "{tiny} have code without a multiplier");
    Ok(())
}

#[test]
fn it_does_with_weights_and_activations_of_fewer_bits() -> Result<()> {
    let mut tiny = 0;
    for (list, seed) in NETWORKS {
        for bits in OTHERS {
            for part in PARTS {
                let told = || format!("{list}, {part}");
                let case = Case::random(network(list, bits), seed);
                let (count, _) = judge_all(part, &case, WeightsSource::File).with_context(told)?;
                let is_tiny = part == "attiny85";
                ensure!(count > 0 || is_tiny, "{} has no code", told());
                tiny += usize::from(is_tiny && count > 0);
            }
        }
    }
    ensure!(tiny > 100, "{tiny} have code without a multiplier");
    Ok(())
}

#[test]
fn it_does_with_weights_that_are_loaded() -> Result<()> {
    let mut counts = [0; 3];
    for (list, seed) in NETWORKS {
        for bits in OTHERS.into_iter().chain([BYTES]) {
            for (part, judged) in PARTS.into_iter().zip(&mut counts) {
                let case = Case::random(network(list, bits), seed);
                let (count, _) = judge_all(part, &case, WeightsSource::Runtime)
                    .with_context(|| format!("{list}, {part}"))?;
                *judged += usize::from(count > 0);
            }
        }
    }
    let [most, all, tiny] = counts;
    ensure!(
        most > 100 && all > 150 && tiny > 50,
        "of few there is code: {counts:?}"
    );
    Ok(())
}

/// Whatever was loaded, it ends, and keeps to its registers, stack and memory.
#[test]
fn code_reads_any_loaded_bytes() -> Result<()> {
    let mut noise = Noise(1);
    let mut judged = 0;
    for (list, seed) in NETWORKS {
        for (part, bits) in [("atmega328p", BYTES), ("atmega2560", bits(4, 4))] {
            let part = Target::named(part).expect("the part is known");
            let case = Case::random(network(list, bits), seed);
            for strategy in Strategy::all(&case.network.dataflow()) {
                let Ok((program, parameters)) =
                    program(part, &case, strategy, WeightsSource::Runtime)
                else {
                    continue;
                };
                if avr::without_code(&program).is_some() {
                    continue;
                }
                let unbounded = WorstCase {
                    cycles: u64::MAX,
                    push_cycles: u64::MAX,
                };
                // No reader of weights lets such shifts pass, so a bound says nothing of them.
                let code = Code {
                    worst_case: unbounded,
                    ..emit(part, &program, 0)
                };
                let loaded = noise.bytes(parameters.len());
                if !Device::fits(part, &program, loaded.len(), &code, SITE) {
                    continue;
                }
                let mut device = Device::new(part, &program, &loaded, &code, SITE)?;
                let told = || format!("{list}, {}, {}", case.bits(), part.name);
                device
                    .infer(&case.inputs[0], &code, None)
                    .with_context(told)?;
                judged += 1;
            }
        }
    }
    ensure!(judged > 50, "{judged} have code");
    Ok(())
}

#[test]
fn code_of_random_networks_with_states_computes_what_the_design_says() -> Result<()> {
    let mut runner = TestRunner::deterministic();
    let mut judged = [0; 2];
    for _ in 0..160 {
        let case = steps()
            .new_tree(&mut runner)
            .expect("a recipe")
            .current()
            .case();
        if herringbone_compiler::program::prove(&case.network, &case.weights).is_err() {
            continue;
        }
        let list = format!("{}, {}", case.list(), case.bits());
        let file = WeightsSource::File;
        let list = &list;
        let told = |what: &'static str| move || format!("{list}, {what}");
        let judged_here = judge_all("atmega328p", &case, file).with_context(told("atmega328p"))?;
        judged[0] += judged_here.0;
        let judged_here = judge_all("atmega328p", &case, WeightsSource::Runtime);
        judged[1] += judged_here.with_context(told("loaded"))?.0;
        for weights in [file, WeightsSource::Runtime] {
            judge_all("attiny85", &case, weights).with_context(told("attiny85"))?;
        }
        judge_all("atmega328p", &thinned(case), file).with_context(told("thinned"))?;
    }
    ensure!(
        judged.into_iter().all(|judged| judged > 100),
        "few have code: {judged:?}"
    );
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
        let file = WeightsSource::File;
        let ways = [
            (BYTES, file),
            (bits(4, 8), file),
            (bits(8, 4), file),
            (BYTES, WeightsSource::Runtime),
            (bits(2, 4), WeightsSource::Runtime),
        ];
        for (bits, weights) in ways {
            let taller = |rows: u32| {
                let list = format!("[{rows}, {columns}, 1] => < G({cell}), D*({results}) >");
                network(&list, bits)
            };
            for seed in 0..4 {
                let case = Case::random(taller(rows), seed);
                let strategies = Strategy::all(&case.network.dataflow());
                let streamed = *strategies.last().expect("a plan");
                let (program, parameters) = program(part, &case, streamed, weights)?;
                let unwritten = avr::without_code(&program);
                ensure!(unwritten.is_none(), "{}: {unwritten:?}", case.list());
                let Some(endless) = program.endless_rows() else {
                    // A row then begins elsewhere in its ring than the one before.
                    ensure!(bits.activations == 4 && columns % 2 == 1, "{}", case.list());
                    continue;
                };
                let code = emit(part, &program, 0);
                let subject = Subject {
                    part,
                    case: &case,
                    program: &program,
                    parameters: &parameters,
                    code: &code,
                    site: SITE,
                };
                judge_endless(subject, endless, taller, (30, seed % 2 == 0))
                    .with_context(|| format!("{}, {weights:?}, seed {seed}", case.list()))?;
            }
        }
    }
    Ok(())
}

/// With every value other than 0, and keeping nothing of what was pushed.
#[test]
fn streamed_trees_and_prototypes_of_digits_take_120_000_cycles_and_200_bytes() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    for list in ["Bonsai(2, 10, 10)", "Proto(10, 20, 10)"] {
        let case = Case::random(network(&format!("[16, 16, 1] => < {list} >"), BYTES), 1);
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
    let case = Case::random(network("[16, 16, 1] => < G(32), D*(10) >", BYTES), 1);
    let (_, fastest) = judge_all("atmega328p", &case, WeightsSource::File)?;
    let fastest = fastest.context("it has code")?;
    let (cycles, bytes) = (fastest.cycles, fastest.sram_bytes);
    println!("{cycles} cycles, {bytes} bytes");
    ensure!(cycles <= 500_000, "{cycles} cycles");
    ensure!(bytes <= 300, "{bytes} bytes");
    Ok(())
}

/// Of random weights and a random input.
#[test]
fn fewer_bits_take_at_most_three_fifths_longer() -> Result<()> {
    println!("| network | weights | activations | part | cycles | SRAM | stack | flash |");
    for list in ["G(16), D*(10)", "Bonsai(1, 6, 10)", "Proto(7, 19, 10)"] {
        let list = format!("[16, 16, 1] => < {list} >");
        for part in ["atmega328p", "attiny85"] {
            for weights in [WeightsSource::File, WeightsSource::Runtime] {
                let mut of_bytes = None;
                for bits in [BYTES].into_iter().chain(OTHERS) {
                    let case = Case::random(network(&list, bits), 1);
                    let (_, fastest) = judge_all(part, &case, weights)?;
                    let Some(fastest) = fastest else {
                        println!("| {list} | {weights:?} {} | none", case.bits());
                        continue;
                    };
                    let Fastest {
                        cycles,
                        sram_bytes,
                        stack_bytes,
                        flash_bytes,
                    } = fastest;
                    println!(
                        "| `{list}` | {weights:?}, {} bits | {} bits | {part} | {cycles} | \
                         {sram_bytes} | {stack_bytes} | {flash_bytes} |",
                        bits.weights, bits.activations
                    );
                    let least = *of_bytes.get_or_insert(cycles);
                    ensure!(cycles <= least * 8 / 5, "{list}: {cycles}, not {least}");
                }
            }
        }
    }
    Ok(())
}
