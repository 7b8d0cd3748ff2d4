//! `cargo herringbone plan model.tflite`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use herringbone_compiler::report::thousands;
use herringbone_compiler::target::Target;
use herringbone_compiler::tflite::{Job, Model, ModelNode, NodeRow, Plan, PlannedModel};
use serde_json::{Value, json};

use super::graph;
use crate::progress::Progress;
use crate::simulated::part;
use crate::tables::table;

/// What is planned, and how it is printed.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a Path,
    /// Another plan than the smallest.
    pub(crate) plan: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    pub(crate) form: Form,
}

pub(crate) enum Form {
    Text,
    Json,
    Csv,
}

/// Fails, having shown the plan, where the part does not hold it.
pub(crate) fn run(request: &Request<'_>) -> Result<ExitCode> {
    let target = request.target.map(part).transpose()?;
    let graph = graph(request.model)?;
    let model = match Model::of(&graph) {
        Ok(model) => model,
        Err(error) => bail!("{}: {error}", request.model.display()),
    };
    let mut progress = Progress::new();
    let planned = PlannedModel::of(&model, |name| progress.begin(&format!("planning {name}")));
    progress.end();
    let plan = chosen(request, &planned)?;
    let shown = Shown {
        request,
        model: &model,
        planned: &planned,
        plan,
        target,
    };
    match request.form {
        Form::Text => shown.print_text(),
        Form::Json => println!("{}", serde_json::to_string_pretty(&shown.json())?),
        Form::Csv => shown.print_csv(),
    }
    Ok(match shown.fits() {
        Some(false) => ExitCode::FAILURE,
        Some(true) | None => ExitCode::SUCCESS,
    })
}

fn chosen<'a>(request: &Request<'_>, planned: &'a PlannedModel) -> Result<&'a Plan> {
    let without_spaces = |name: &str| name.replace(' ', "");
    match request.plan {
        None | Some("smallest" | "fastest") => Ok(planned.smallest()),
        Some(name) => {
            let mut plans = planned.plans.iter();
            let found = plans.find(|plan| without_spaces(&plan.name) == without_spaces(name));
            let names: Vec<&str> = planned.plans.iter().map(|it| it.name.as_str()).collect();
            match found {
                Some(plan) => Ok(plan),
                None => bail!(
                    "no plan `{name}`: this model has smallest, {}",
                    names.join(", ")
                ),
            }
        }
    }
}

struct Shown<'a> {
    request: &'a Request<'a>,
    model: &'a Model,
    planned: &'a PlannedModel,
    plan: &'a Plan,
    target: Option<&'static Target>,
}

impl Shown<'_> {
    /// Whether the part has room for the arena and the constants, code and stack not counted.
    fn fits(&self) -> Option<bool> {
        let target = self.target?;
        let arena = self.plan.memory.arena_bytes <= target.sram_bytes;
        let constants = self.model.constant_bytes <= target.flash_bytes.into();
        Some(arena && constants)
    }

    fn print_text(&self) {
        let Model {
            dataflow,
            constant_bytes,
            multiply_accumulates,
            output_bytes,
            ..
        } = self.model;
        let (input, memory) = (dataflow.input(), &self.plan.memory);
        println!(
            "{}: plan {}, {} bytes of arena, {} of weights and biases",
            self.request.model.display(),
            self.plan.name,
            thousands(memory.arena_bytes.into()),
            thousands(*constant_bytes),
        );
        println!(
            "{}×{}×{} in, {output_bytes} out, {} multiply-accumulates",
            input.height,
            input.width,
            input.channels,
            thousands(*multiply_accumulates),
        );
        if let Some(target) = self.target {
            println!(
                "{}: {} bytes of SRAM, {} of flash; the code and the stack come on top",
                target.name,
                thousands(target.sram_bytes.into()),
                thousands(target.flash_bytes.into()),
            );
            if self.fits() == Some(false) {
                println!("it does not fit");
            }
        }
        println!("\nOperators");
        let rows = self.plan.rows();
        let peak = rows.iter().map(|row| row.needed_bytes).max();
        let rows = rows.iter().map(|row| {
            let node = dataflow.node(row.node);
            let shape = node.output;
            vec![
                numbers(&self.model.nodes[row.node.index()], ", "),
                self.model.nodes[row.node.index()].name.clone(),
                format!("{}×{}×{}", shape.height, shape.width, shape.channels),
                how(row.job),
                thousands(row.kept_bytes.into()),
                format!(
                    "{}{}",
                    if Some(row.needed_bytes) == peak {
                        "◄ "
                    } else {
                        ""
                    },
                    thousands(row.needed_bytes.into())
                ),
            ]
        });
        let heads = ["", "operator", "output", "how", "keeps", "needs"];
        println!("{}", table(&heads, &[1, 2, 3], rows));
        println!(
            "\nkeeps: bytes of what it reads and makes that are kept for it; needs: bytes from the\n\
             first to the last that are in use while it runs, with all that runs together"
        );
        println!("\nPlans");
        let plans = self.planned.plans.iter().map(|plan| {
            let is_chosen = std::ptr::eq(plan, self.plan);
            vec![
                if is_chosen { "►" } else { "" }.to_owned(),
                plan.name.clone(),
                thousands(plan.memory.arena_bytes.into()),
            ]
        });
        println!("{}", table(&["", "plan", "arena"], &[0, 1], plans));
    }

    fn json(&self) -> Value {
        let rows = self.plan.rows();
        json!({
            "model": self.request.model.display().to_string(),
            "plan": self.plan.name,
            "target": self.target.map(|target| target.name),
            "fits": self.fits(),
            "arena_bytes": self.plan.memory.arena_bytes,
            "constant_bytes": self.model.constant_bytes,
            "multiply_accumulates": self.model.multiply_accumulates,
            "operators": rows.iter().map(|row| self.json_row(row)).collect::<Vec<_>>(),
            "alternatives": self.planned.plans.iter().map(|plan| json!({
                "plan": plan.name,
                "arena_bytes": plan.memory.arena_bytes,
            })).collect::<Vec<_>>(),
        })
    }

    fn json_row(&self, row: &NodeRow) -> Value {
        let node = &self.model.nodes[row.node.index()];
        let shape = self.model.dataflow.node(row.node).output;
        json!({
            "operators": node.operators.iter().map(|it| it.in_file).collect::<Vec<_>>(),
            "name": node.name,
            "output": [shape.height, shape.width, shape.channels],
            "how": how(row.job),
            "kept_bytes": row.kept_bytes,
            "needed_bytes": row.needed_bytes,
        })
    }

    fn print_csv(&self) {
        println!("operators,name,rows,columns,channels,how,kept_bytes,needed_bytes");
        for row in self.plan.rows() {
            let node = &self.model.nodes[row.node.index()];
            let shape = self.model.dataflow.node(row.node).output;
            println!(
                "{},{},{},{},{},{},{},{}",
                numbers(node, "+"),
                node.name.replace(", ", "+"),
                shape.height,
                shape.width,
                shape.channels,
                how(row.job),
                row.kept_bytes,
                row.needed_bytes
            );
        }
    }
}

fn how(job: Job) -> String {
    match job {
        Job::Arriving => "as it arrives".to_owned(),
        Job::Segment(number) => format!("in segment {number}"),
        Job::Layer => "alone".to_owned(),
    }
}

/// The numbers of a node's operators.
fn numbers(node: &ModelNode, between: &str) -> String {
    let numbers: Vec<String> = node
        .operators
        .iter()
        .map(|it| it.in_file.to_string())
        .collect();
    numbers.join(between)
}
