//! `cargo herringbone reorder`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use herringbone_compiler::plan::operator_order::{self, Operator, Tensor};
use herringbone_tflite::Reorder;

use super::read;
use crate::watcher::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model, a .tflite file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where the reordered model goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let bytes = read(&arguments.model)?;
    let name = arguments.model.display();
    let model = match Reorder::read(&bytes) {
        Ok(model) => model,
        Err(problems) => bail!("{name}: {problems}"),
    };
    let given: Vec<usize> = (0..model.operators.len()).collect();
    let (best, is_least) = best_order(&model);
    let (before, after) = (model.peak_bytes(&given), model.peak_bytes(&best));
    let out = arguments.out.display();
    let (order, peak) = match after < before {
        true => (&best, after),
        false => (&given, before),
    };
    fs::write(&arguments.out, model.write(&bytes, order))
        .with_context(|| format!("cannot write {out}"))?;
    say(&format!(
        "tensors kept whole need {before} bytes in the order of {name}, {peak} in that of {out}{}",
        match is_least {
            true => ", the least of all orders",
            false => "; others may need less, the graph is too wide to try all",
        }
    ));
    Ok(ExitCode::SUCCESS)
}

/// The order of the least peak, and whether none is better. What several outputs of an operator
/// take is counted up to the last use of any.
fn best_order(model: &Reorder) -> (Vec<usize>, bool) {
    let mut tensors: Vec<Tensor> = Vec::new();
    let mut index_of = BTreeMap::new();
    for &input in &model.inputs {
        index_of.insert(input, tensors.len());
        tensors.push(Tensor {
            bytes: model.tensor_bytes[input] as u32,
            operator: None,
            is_output: model.outputs.contains(&input),
        });
    }
    let first_operator = tensors.len();
    for operator in &model.operators {
        for &write in &operator.writes {
            index_of.insert(write, tensors.len());
        }
        let reads = operator.reads.iter().map(|read| index_of[read]);
        let mut reads: Vec<usize> = reads.collect();
        reads.sort_unstable();
        reads.dedup();
        let writes = operator.writes.iter();
        tensors.push(Tensor {
            bytes: writes
                .clone()
                .map(|&write| model.tensor_bytes[write] as u32)
                .sum(),
            operator: Some(Operator {
                reads,
                ..Operator::default()
            }),
            is_output: writes.clone().any(|write| model.outputs.contains(write)),
        });
    }
    let found = operator_order::least_peak(&tensors);
    let order = found.order.iter().map(|index| index - first_operator);
    let single = model.operators.iter().all(|it| it.writes.len() == 1);
    (order.collect(), found.is_exact() && single)
}
