//! Networks for CIFAR-10 as the macro plans and writes them for a part.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::backend::avr;
use herringbone_compiler::program;
use herringbone_compiler::target::Target;
use herringbone_tests::cifar::{Cifar, NETWORKS, design};

use crate::device::Site;
use crate::judge::{Subject, judge};
use crate::to_judge;

/// Judges the code that the macro takes for the network.
fn judge_network(part: &'static Target, network: &Cifar) -> Result<()> {
    let declaration = network.on(part.name);
    let case = network.case();
    let (design, _) = design(&declaration, &case);
    let proven = program::prove(&case.network, &case.weights).expect("the sums fit 32 bits");
    let program = program::lower(&declaration, &case.weights, &proven, &design.plan);
    let code = design.footprint.code.context("the part has no code")?;
    let code: &avr::Code = code.as_any().downcast_ref().context("of AVR")?;
    let expected_cycles = code.cycles();
    let code = to_judge(code.clone());
    let subject = Subject {
        part,
        case: &case,
        program: &program,
        parameters: &[],
        code: &code,
        site: Site {
            base_bytes: 0x200,
            offset_bytes: 5,
            noise: 3,
        },
    };
    ensure!(subject.fits(), "the part is too small");
    let cycles = judge(subject)? / case.inputs.len() as u64;
    println!(
        "{}: {cycles} cycles, {expected_cycles:.0} expected",
        network.name
    );
    Ok(())
}

#[test]
fn code_for_networks_of_8_to_58_kilobytes_computes_what_the_design_says() -> Result<()> {
    let part = Target::named("atmega2560").expect("the part is known");
    for network in &NETWORKS {
        judge_network(part, network).context(network.name)?;
    }
    Ok(())
}
