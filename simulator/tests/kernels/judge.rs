//! Whether a network's machine code computes what `docs/architecture.md` says.

use anyhow::{Context, Result, bail, ensure};
use herringbone_compiler::backend::interpreter;
use herringbone_compiler::network::{Network, ValueId};
use herringbone_compiler::plan::Sink;
use herringbone_compiler::program::{EndlessRows, Job, Program, Segment};
use herringbone_compiler::target::Target;
use herringbone_tests::networks::{Case, Noise};
use herringbone_tests::reference::{evaluate, evaluate_on};

use crate::device::{Code, Device, Observer, Site, View};

/// What is judged.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) part: &'a Target,
    pub(crate) case: &'a Case,
    pub(crate) program: &'a Program,
    /// What follows the cursor in SRAM: the weights, where the code does not hold them.
    pub(crate) parameters: &'a [u8],
    pub(crate) code: &'a Code,
    pub(crate) site: Site,
}

impl<'a> Subject<'a> {
    /// Whether code and data have room on the part.
    pub(crate) fn fits(&self) -> bool {
        let parameter_bytes = self.parameters.len();
        Device::fits(
            self.part,
            self.program,
            parameter_bytes,
            self.code,
            self.site,
        )
    }

    fn device(&self) -> Result<Device<'a>> {
        Device::new(
            self.part,
            self.program,
            self.parameters,
            self.code,
            self.site,
        )
    }
}

/// Runs the code on every input of its case; the cycles of all inferences.
///
/// # Errors
/// At the first result that the reference evaluator gives otherwise; it names the first map that
/// was stored otherwise. And at whatever [`Device`] does not let pass.
pub(crate) fn judge(subject: Subject<'_>) -> Result<u64> {
    let Case {
        network,
        weights,
        inputs,
        ..
    } = subject.case;
    let mut device = subject.device()?;
    let mut cycles = 0;
    for (index, input) in inputs.iter().enumerate() {
        let told = || format!("with input {index}");
        let inference = device.infer(input, subject.code, None).with_context(told)?;
        let trace = evaluate(network, weights, input);
        if let Some(difference) = first_difference(&inference.results, trace.results()) {
            let map = first_wrong_map(subject)?;
            bail!("result {difference}, {}; {map}", told());
        }
        cycles += inference.cycles;
    }
    Ok(cycles)
}

/// Runs the code on the first input of its case, and then on as many further rows as that: random
/// ones, or its last one again and again.
///
/// # Errors
/// At the first result that the reference evaluator gives otherwise for all rows so far. `taller` is
/// the network of inputs with that many rows.
pub(crate) fn judge_endless(
    subject: Subject<'_>,
    rows: EndlessRows,
    taller: impl Fn(u32) -> Network,
    (further, repeats): (u32, bool),
) -> Result<()> {
    let Case {
        weights, inputs, ..
    } = subject.case;
    let mut device = subject.device()?;
    let mut bytes = inputs[0].clone();
    device.infer(&bytes, subject.code, None)?;
    let row_bytes = rows.row_bytes as usize;
    let mut noise = Noise(further.into());
    for count in rows.last_row + 2..rows.last_row + 2 + further {
        let row = match repeats {
            true => bytes[bytes.len() - row_bytes..].to_vec(),
            false => noise.bytes(row_bytes),
        };
        bytes.extend(&row);
        device.go_to_row(rows.last_row);
        let told = || format!("with row {count}");
        let inference = device.infer(&row, subject.code, None).with_context(told)?;
        let bound = subject.code.worst_case.push_cycles;
        ensure!(
            inference.push_cycles <= bound,
            "a push took {} cycles, more than {bound}, {}",
            inference.push_cycles,
            told()
        );
        let trace = evaluate_on(&taller(count), weights, &bytes, rows.last_row + 1);
        if let Some(difference) = first_difference(&inference.results, trace.results()) {
            bail!("result {difference}, {}", told());
        }
    }
    Ok(())
}

/// The index of the first value that differs, and both.
fn first_difference(values: &[i64], expected: &[i64]) -> Option<String> {
    if values.len() != expected.len() {
        return Some(format!("count is {}, not {}", values.len(), expected.len()));
    }
    let index = values.iter().zip(expected).position(|(a, b)| a != b)?;
    Some(format!(
        "{index} is {}, not {}",
        values[index], expected[index]
    ))
}

/// Which map of which layer is stored wrongly first, in a second run.
fn first_wrong_map(subject: Subject<'_>) -> Result<String> {
    let program = subject.program;
    let mut device = subject.device()?;
    for (index, input) in subject.case.inputs.iter().enumerate() {
        let expected = interpreter::run_with_parameters(program, subject.parameters, input);
        let expected = expected.map_err(|fault| anyhow::anyhow!("{fault}"))?.maps;
        let mut wrong = None;
        let mut observer = |function: &str, view: &View<'_>| {
            for value in stored_by(program, function) {
                let map = program.map(value);
                let difference = first_difference(&view.map(map), &expected[&value].values);
                if let Some(difference) = difference.filter(|_| wrong.is_none()) {
                    wrong = Some(format!(
                        "{function} stores a wrong map of {}: its value {difference}",
                        map.shape
                    ));
                }
            }
        };
        let observer: &mut Observer<'_> = &mut observer;
        device.infer(input, subject.code, Some(observer))?;
        if let Some(wrong) = wrong {
            return Ok(format!("{wrong}, with input {index}"));
        }
    }
    Ok("every stored map is right".to_owned())
}

/// The values that are whole when `function` returns.
fn stored_by(program: &Program, function: &str) -> Vec<ValueId> {
    let of_segment = |segment: &Segment| -> Vec<ValueId> {
        let sinks = segment.stages.iter().map(|stage| stage.plan.sink);
        sinks.filter_map(stored_in).collect()
    };
    if function == "absorb" {
        let first = stored_in(program.intake.sink);
        return first
            .into_iter()
            .chain(of_segment(program.arriving()))
            .collect();
    }
    let numbered = |prefix: &str| function.strip_prefix(prefix)?.parse::<usize>().ok();
    if let Some(Job::Segment(segment)) = numbered("segment_").map(|job| &program.jobs[job]) {
        return of_segment(segment);
    }
    let layer = numbered("layer_");
    let steps = program.steps();
    steps
        .filter(|step| step.stores && Some(step.node.index()) == layer)
        .map(|step| step.writes)
        .collect()
}

fn stored_in(sink: Sink) -> Option<ValueId> {
    match sink {
        Sink::Map { value, position: _ } => Some(value),
        Sink::Ring(_) | Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => None,
    }
}

/// That `result` fails with a message that holds `part`.
///
/// # Errors
/// When it does not.
pub(crate) fn fails_with<T>(result: Result<T>, part: &str) -> Result<()> {
    match result {
        Ok(_) => bail!("it passes, and should tell: {part}"),
        Err(error) => {
            let message = format!("{error:#}");
            ensure!(message.contains(part), "{message}\nshould tell: {part}");
            Ok(())
        }
    }
}
