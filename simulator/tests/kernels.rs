//! Random networks × plans × forms of code × weights × inputs on simulated AVR
//! parts: the backend's machine code gives what the naive evaluator gives, in
//! the flash and the stack that it was expected to take, and touches nothing
//! but its own memory.
//!
//! `PROPTEST_CASES` says how many networks, `PROPTEST_RNG_SEED` which: the same
//! ones each time, unless it is given; `cargo xtask test --long` draws others.

#[path = "kernels/by_hand.rs"]
mod by_hand;
#[path = "kernels/cifar.rs"]
mod cifar;
#[path = "kernels/cycles.rs"]
mod cycles;
#[path = "kernels/device.rs"]
mod device;
#[path = "kernels/expected.rs"]
mod expected;
#[path = "kernels/graphs.rs"]
mod graphs;
#[path = "kernels/judge.rs"]
mod judge;
#[path = "kernels/looped.rs"]
mod looped;
#[path = "kernels/published.rs"]
mod published;
#[path = "kernels/segments.rs"]
mod segments;
#[path = "kernels/shapes.rs"]
mod shapes;
#[path = "kernels/sharing.rs"]
mod sharing;
#[path = "kernels/steps.rs"]
mod steps;
#[path = "kernels/windows.rs"]
mod windows;
#[path = "kernels/worst_case.rs"]
mod worst_case;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::{env, fmt, fs};

use anyhow::{Context, Result, anyhow};
use herringbone_compiler::backend::{WorstCase, avr};
use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::network::{Activation, Bits, Network, NodeId, Shape};
use herringbone_compiler::plan;
use herringbone_compiler::program::{self, Program};
use herringbone_compiler::target::Target;
use herringbone_tests::layers;
use herringbone_tests::networks::{Case, GraphRecipe, Recipe, graphs_within, recipes_within};
use herringbone_tests::reference::evaluate;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use device::{Code, Function, Site};
use judge::{Subject, fails_with, judge};

/// So that a change is judged by the same networks as the code before it.
const DEFAULT_SEED: u64 = 1;

/// Instructions that are looked at for a bound: no network here needs as many.
const MOST_STEPS: u64 = 100_000_000;

/// What of a case is not in its recipe.
#[derive(Clone, Copy, Debug)]
struct Choices {
    /// Which of the network's strategies.
    strategy: usize,
    weights: WeightsSource,
    /// A bit a layer: whether it is unrolled.
    unrolled: u32,
    /// Whether of several ways to write a layer the smallest is taken, not the fastest.
    is_smallest: bool,
    site: Site,
}

impl Choices {
    fn strategy(&self, network: &Network) -> plan::Strategy {
        let all = plan::Strategy::all(&network.dataflow());
        all[self.strategy % all.len()]
    }
}

fn choices(bases_bytes: &'static [u32]) -> impl Strategy<Value = Choices> {
    let strategies = any::<usize>();
    let weights = prop_oneof![
        3 => Just(WeightsSource::File),
        1 => Just(WeightsSource::Runtime),
    ];
    let site = (select(bases_bytes), any::<u8>(), any::<u64>());
    let form = (any::<u32>(), any::<bool>());
    (strategies, weights, form, site).prop_map(
        |(strategy, weights, (unrolled, is_smallest), (base_bytes, offset_bytes, noise))| Choices {
            strategy,
            weights,
            // Weights that are not known yet are no instructions.
            unrolled: match weights {
                WeightsSource::Runtime => 0,
                _ => unrolled,
            },
            is_smallest,
            site: Site {
                base_bytes,
                offset_bytes,
                noise,
            },
        },
    )
}

/// A program, and the parameters that it takes at run time.
fn program(
    part: &'static Target,
    case: &Case,
    strategy: plan::Strategy,
    weights: WeightsSource,
) -> Result<(Program, Vec<u8>)> {
    let declaration = Declaration {
        network: case.network.clone(),
        budget: Budget {
            target: Some(part),
            sram_bytes: Some(part.sram_bytes),
            flash_bytes: Some(part.flash_bytes),
        },
        reserve: Reserve::default(),
        weights,
        results: None,
        plan: PlanChoice::default(),
        sparsity: 0.0,
        window: None,
        code: CodeChoice::default(),
        layer_code: BTreeMap::new(),
    };
    let told = |errors: Vec<program::ProgramError>| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow!("{}", errors.join("; "))
    };
    if weights == WeightsSource::Runtime {
        let sum_bytes = program::Accumulators::at_run_time(&case.network).sum_bytes();
        let plan = plan::plan(&case.network.dataflow(), &sum_bytes, strategy);
        let parameters = program::pack_parameters(&declaration, &case.weights, &plan);
        let program = program::lower_runtime(&declaration, &plan);
        return Ok((program, parameters.map_err(told)?));
    }
    let proven = program::prove(&case.network, &case.weights).map_err(told)?;
    let plan = plan::plan(&case.network.dataflow(), &proven.sum_bytes(), strategy);
    let program = program::lower(&declaration, &case.weights, &proven, &plan);
    Ok((program, Vec::new()))
}

/// The backend's code; a bit a layer says whether it is unrolled.
fn emit(part: &Target, program: &Program, unrolled: u32) -> Code {
    to_judge(avr::emit(program, avr::Core::of(part), forms(unrolled)))
}

/// The same, of several ways to write a layer the smallest.
fn emit_smallest(part: &Target, program: &Program, unrolled: u32) -> Code {
    let core = avr::Core::of(part);
    to_judge(avr::emit_smallest(program, core, forms(unrolled)))
}

fn forms(unrolled: u32) -> impl Fn(NodeId) -> avr::CodeForm {
    move |node| match unrolled >> (node.index() % 32) & 1 {
        1 => avr::CodeForm::Unrolled,
        _ => avr::CodeForm::Table,
    }
}

/// The backend's code as the judge takes it.
fn to_judge(code: avr::Code) -> Code {
    // Of a quarter of them, chosen by their size: of all, it takes minutes.
    let is_bound = code.flash_bytes().is_multiple_of(8);
    let worst_case = match is_bound {
        true => code.worst_case(MOST_STEPS),
        false => Some(WorstCase {
            cycles: u64::MAX,
            push_cycles: u64::MAX,
        }),
    };
    Code {
        worst_case: worst_case.expect("a small network's code has a bound"),
        stack_bytes: code.stack_bytes(),
        table_bytes: code.functions.iter().map(|it| it.near_table_bytes).sum(),
        functions: code
            .functions
            .into_iter()
            .map(|it| Function {
                name: it.id.to_string(),
                text: it.text(),
                flash_bytes: it.flash_bytes,
            })
            .collect(),
    }
}

/// A case as a person writes it down.
fn told(part: &Target, case: &Case, choices: &Choices) -> String {
    let nodes = case.network.nodes().iter();
    let forms: Vec<String> = nodes
        .filter(|node| node.activation().is_some())
        .map(|node| {
            let unrolled = choices.unrolled >> (node.id.index() % 32) & 1 == 1;
            let form = if unrolled { "unrolled" } else { "table" };
            format!("node {} {form}", node.id)
        })
        .collect();
    format!(
        "{}, bits: {}, target: {}, weights: {:?}, plan: {}, code: {}, {}, {:x?}",
        case.list(),
        case.bits(),
        part.name,
        choices.weights,
        choices
            .strategy(&case.network)
            .name(&case.network.dataflow()),
        forms.join(", "),
        if choices.is_smallest {
            "smallest"
        } else {
            "fastest"
        },
        choices.site
    )
}

/// Judges one case; rejects it where it has no room on the part.
fn check(part: &'static Target, case: &Case, choices: &Choices) -> Result<(), TestCaseError> {
    let strategy = choices.strategy(&case.network);
    let program = program(part, case, strategy, choices.weights);
    let (program, parameters) =
        program.map_err(|error| TestCaseError::reject(error.to_string()))?;
    if program.arena_bytes > part.sram_bytes {
        return Err(TestCaseError::reject(
            "the arena is larger than the part's SRAM",
        ));
    }
    let mut listing = None;
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let code = match choices.is_smallest {
            true => emit_smallest(part, &program, choices.unrolled),
            false => emit(part, &program, choices.unrolled),
        };
        let subject = Subject {
            part,
            case,
            program: &program,
            parameters: &parameters,
            code: &code,
            site: choices.site,
        };
        if !subject.fits() {
            return None;
        }
        listing = Some(write_listing(part, &code));
        Some(judge(subject))
    }));
    let error = match judged {
        Ok(None) => return Err(TestCaseError::reject("the part is too small")),
        Ok(Some(Ok(_cycles))) => return Ok(()),
        Ok(Some(Err(error))) => format!("{error:#}"),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or(panic.downcast_ref::<&str>().copied());
            format!("panicked: {}", message.unwrap_or("without a message"))
        }
    };
    let listing = listing.map_or(String::new(), |path| format!("\ncode: {}", path.display()));
    Err(TestCaseError::fail(format!(
        "{}\n{error}{listing}",
        told(part, case, choices)
    )))
}

/// Keeps the code of the last case of a part, to look at: of a case that fails, the smallest.
fn write_listing(part: &Target, code: &Code) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kernels-{}.s", part.name));
    fs::write(&path, code.text()).expect("the folder of tests can be written to");
    path
}

/// A part by its name, and where code begins on it.
struct Bench {
    part: &'static str,
    bases_bytes: &'static [u32],
    /// The most rows and columns of the networks that are judged on it.
    side: u32,
}

const ATMEGA328P: Bench = Bench {
    part: "atmega328p",
    bases_bytes: &[0x100, 0x2F00],
    side: 16,
};

/// Has no multiplier, and no `jmp`.
const ATTINY85: Bench = Bench {
    part: "attiny85",
    bases_bytes: &[0x40, 0x600],
    side: 9,
};

/// Has return addresses of 3 bytes; reads tables beyond 64 KB by `elpm`, and across.
const ATMEGA2560: Bench = Bench {
    part: "atmega2560",
    bases_bytes: &[0x200, 0xFE00, 0x1_FE00, 0x3_0000],
    side: 16,
};

fn judge_chains(bench: &Bench) {
    judge_random(bench, 800, recipes_within(bench.side), Recipe::case);
}

fn judge_graphs(bench: &Bench) {
    judge_random(bench, 300, graphs_within(bench.side), GraphRecipe::case);
}

/// Judges that many random networks on a part.
fn judge_random<R: fmt::Debug>(
    bench: &Bench,
    cases: u32,
    recipes: impl Strategy<Value = R>,
    case_of: impl Fn(&R) -> Case,
) {
    let &Bench {
        part,
        bases_bytes,
        side: _,
    } = bench;
    let part = Target::named(part).expect("the part is known");
    let from_environment = ProptestConfig::default();
    let seed = match from_environment.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => DEFAULT_SEED,
    };
    let cases = match env::var_os("PROPTEST_CASES") {
        Some(_) => from_environment.cases,
        None => cases,
    };
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        // Many networks are too large for a small part.
        max_global_rejects: 100 * cases + 1000,
        ..from_environment
    });
    let strategy = (recipes, choices(bases_bytes));
    let result = runner.run(&strategy, |(recipe, choices)| {
        check(part, &case_of(&recipe), &choices)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("seed {seed}: {reason}"),
        Err(TestError::Fail(reason, (recipe, _))) => panic!(
            "{reason}\nmade by {recipe:?}\nthe same again: PROPTEST_RNG_SEED={seed} \
             PROPTEST_CASES={cases} cargo test -p herringbone-simulator --test kernels -- {}",
            part.name
        ),
    }
}

#[test]
fn code_for_atmega328p_computes_what_the_design_says() {
    judge_chains(&ATMEGA328P);
}

#[test]
fn code_for_attiny85_computes_what_the_design_says() {
    judge_chains(&ATTINY85);
}

#[test]
fn code_for_atmega2560_computes_what_the_design_says() {
    judge_chains(&ATMEGA2560);
}

#[test]
fn code_of_graphs_for_atmega328p_computes_what_the_design_says() {
    judge_graphs(&ATMEGA328P);
}

#[test]
fn code_of_graphs_for_attiny85_computes_what_the_design_says() {
    judge_graphs(&ATTINY85);
}

#[test]
fn code_of_graphs_for_atmega2560_computes_what_the_design_says() {
    judge_graphs(&ATMEGA2560);
}

/// Judges code for a network of one dense layer, written by hand and then tampered with.
fn judge_by_hand(part: &str, tamper: impl Fn(&mut Code)) -> Result<u64> {
    let part = Target::named(part).expect("the part is known");
    let case = one_dense_layer();
    let strategy = plan::Strategy::ROW_MAJOR;
    let (program, _) = program(part, &case, strategy, WeightsSource::File)?;
    let mut code = by_hand::dense(&case, &program);
    tamper(&mut code);
    let subject = Subject {
        part,
        case: &case,
        program: &program,
        parameters: &[],
        code: &code,
        site: Site {
            base_bytes: 0x100,
            offset_bytes: 200,
            noise: 1,
        },
    };
    assert!(subject.fits());
    judge(subject)
}

fn one_dense_layer() -> Case {
    let dense = layers::dense(3, Activation::Linear);
    let network = Network::new(Shape::new(3, 5, 1), Bits::default(), &[dense]);
    Case::random(network.expect("a dense layer fits any map"), 7)
}

#[test]
fn right_code_passes() -> Result<()> {
    for part in ["atmega328p", "attiny85", "atmega2560"] {
        judge_by_hand(part, |_| {}).context(part)?;
    }
    Ok(())
}

#[test]
fn wrong_code_is_told() -> Result<()> {
    let tampered = |tamper: &dyn Fn(&mut Code)| judge_by_hand("atmega328p", tamper);
    let replaced = |function: usize, from: &str, to: &str| {
        tampered(&|code| {
            let text = &mut code.functions[function].text;
            assert!(text.contains(from), "{text}");
            *text = text.replacen(from, to, 1);
        })
    };
    let case = one_dense_layer();
    let right = evaluate(&case.network, &case.weights, &case.inputs[0]).results()[0];

    let result = replaced(1, "clr r18", "ldi r18, 64");
    fails_with(
        result,
        &format!(", not {right}, with input 0; every stored map is right"),
    )?;
    let result = replaced(0, "andi r22, 0x0F", "andi r22, 0x07");
    fails_with(result, "; absorb stores a wrong map of 3×5×1: its value ")?;
    fails_with(
        replaced(0, "inc r24", "nop"),
        "absorb returns 0, not 1, at byte 14 of the input",
    )?;
    let result = tampered(&|code| {
        let text = &mut code.functions[0].text;
        let write = "movw r30, r24\nldi r18, 1\nstd Z+1, r18\nclr r24";
        *text = text.replace("clr r24", write);
        code.functions[0].flash_bytes += 6;
    });
    fails_with(result, "the cursor is [0, 1, 0] after the last byte")?;
    fails_with(
        replaced(1, "movw r28, r22", "inc r2"),
        "infer does not preserve r2: ",
    )?;
    fails_with(
        replaced(1, "st Y+, r19", "std Y+7, r19"),
        "infer writes to ",
    )?;
    fails_with(
        tampered(&|code| code.stack_bytes = 3),
        "the stack of infer is 4 bytes deep, not 3",
    )?;
    fails_with(
        tampered(&|code| code.table_bytes = 1),
        "tables take 0 bytes of flash, not 1",
    )?;
    let result = tampered(&|code| code.functions[0].flash_bytes -= 1);
    fails_with(result, "absorb takes 60 bytes of flash, not 59")
}
