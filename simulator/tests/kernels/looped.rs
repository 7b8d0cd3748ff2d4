//! Layers whose outputs are computed in a loop, in the fewest bytes.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::syntax;
use herringbone_compiler::target::Target;
use herringbone_tests::networks::Case;

use crate::device::Site;
use crate::judge::{Subject, judge};
use crate::{emit_smallest, program};

const LISTS: [&str; 14] = [
    "[8, 8, 1] => < A, D(6), D*(3) >",
    "[8, 8, 1] => < A(4), D(8), D*(5) >",
    "[5, 5, 1] => < D(7), D*(4) >",
    "[4, 6, 3] => < D*(9) >",
    "[6, 6, 2] => < C1(3,3), D*(6) >",
    "[6, 6, 1] => < C1(4,3), M, D(10), D*(11) >",
    "[10, 12, 1] => < A, C1(5,3), D*(4) >",
    "[9, 7, 1] => < C1(6,3), M, C1(4,2), D*(3) >",
    "[9, 9, 2] => < C1(8,3,stride: 2), C1(2,2), D*(3) >",
    "[7, 8, 3] => < C1(5,1x3), M(2x1), C1(7,2), A(2), D*(3) >",
    "[8, 8, 1] => < A, D(6), D*(3) >, bits: { weights: 2 }",
    "[8, 8, 1] => < C1(5,3), M, D*(3) >, bits: { weights: 2 }",
    "[8, 8, 1] => < A, D(5), D*(3) >, bits: { activations: 8 }",
    "[6, 5, 1] => < C1(3,3), D(5), D*(2) >, bits: { activations: 8 }",
];

/// Sums are shifted up by that many bits before their bias is added: then those of some outputs alone
/// may be halfway when they are rounded.
fn case(list: &str, seed: u64, left: u8) -> Case {
    let parsed = syntax::parse(format!("N: {list}").parse().expect("tokens"));
    Case::shifted(parsed.declaration.expect(list).network, seed, left)
}

#[test]
fn layers_in_loops_give_what_the_evaluator_does() -> Result<()> {
    for part in ["attiny85", "atmega328p"] {
        let part = Target::named(part).expect("the part is known");
        let lefts = [0, 1, 2];
        let cases = LISTS
            .iter()
            .flat_map(|list| lefts.map(|left| (*list, left)));
        for (seed, (list, left)) in (0..).zip(cases) {
            let case = case(list, 100 * seed, left);
            let dataflow = case.network.dataflow();
            for strategy in Strategy::all(&dataflow) {
                let (program, parameters) = program(part, &case, strategy, WeightsSource::File)?;
                let code = emit_smallest(part, &program, 0);
                let subject = Subject {
                    part,
                    case: &case,
                    program: &program,
                    parameters: &parameters,
                    code: &code,
                    site: Site {
                        base_bytes: 0x200,
                        offset_bytes: 77,
                        noise: 5,
                    },
                };
                let told = || {
                    let plan = strategy.name(&dataflow);
                    format!("{list}, {plan}, shifted by {left}, on {}", part.name)
                };
                judge(subject).with_context(told)?;
            }
        }
    }
    Ok(())
}

/// Of code for parts without `mul`, streamed: what it takes, and what its deepest stack does.
const BYTES: [(&str, u32, u32); 3] = [
    ("[28, 28, 1] => < A(4), D(12), D*(10) >", 1014, 13),
    (
        "[28, 28, 1] => < A, C1(6,3), M, D*(10) >, bits: { weights: 2 }",
        1604,
        28,
    ),
    ("[28, 28, 1] => < A, C1(4,3), M, D*(10) >", 1682, 24),
];

#[test]
fn code_for_the_smallest_parts_takes_few_bytes() -> Result<()> {
    let part = Target::named("attiny25").expect("the part is known");
    for (list, most_bytes, most_stack_bytes) in BYTES {
        let case = case(list, 1, 0);
        let dataflow = case.network.dataflow();
        let mut all = Strategy::all(&dataflow).into_iter();
        let streamed = all.rfind(|it| it.name(&dataflow) == "streamed");
        let streamed = streamed.context("there is such a plan")?;
        let (program, _) = program(part, &case, streamed, WeightsSource::File)?;
        let code = emit_smallest(part, &program, 0);
        let (bytes, stack_bytes) = (code.flash_bytes(), code.stack_bytes);
        ensure!(
            bytes <= most_bytes && stack_bytes <= most_stack_bytes,
            "{list}: {bytes} bytes, {stack_bytes} of stack"
        );
    }
    Ok(())
}
