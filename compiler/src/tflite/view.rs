//! A model's plan as data: `cargo herringbone plan --json` prints it as it is.

use super::{Job, Model, NodeRow, Plan, PlannedModel};
use crate::target::Target;
use serde::Serialize;
use std::fmt;

/// A model with one of its plans.
#[derive(Clone, Debug, Serialize)]
pub struct ModelView {
    /// The file.
    pub model: String,
    pub plan: String,
    pub target: Option<&'static str>,
    /// Whether the part has room for the arena and the constants, code and stack not counted.
    pub fits: Option<bool>,
    pub arena_bytes: u32,
    /// Bytes of weights and biases.
    pub constant_bytes: u64,
    pub multiply_accumulates: u64,
    pub operators: Vec<OperatorView>,
    /// Every plan.
    pub alternatives: Vec<ModelAlternative>,
}

/// A node: operators that run together.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorView {
    /// Their numbers in the file.
    pub operators: Vec<usize>,
    pub name: String,
    /// Rows, columns, channels.
    pub output: [u32; 3],
    pub how: String,
    pub kept_bytes: u32,
    pub needed_bytes: u32,
}

/// A plan by its name.
#[derive(Clone, Debug, Serialize)]
pub struct ModelAlternative {
    pub plan: String,
    pub arena_bytes: u32,
}

impl ModelView {
    /// Of the model in the file of that name, with a plan of it, held against a part.
    pub fn new(
        name: String,
        model: &Model,
        planned: &PlannedModel,
        plan: &Plan,
        target: Option<&'static Target>,
    ) -> Self {
        let rows = plan.rows();
        let alternatives = planned.plans.iter().map(|plan| ModelAlternative {
            plan: plan.name.clone(),
            arena_bytes: plan.memory.arena_bytes,
        });
        Self {
            model: name,
            plan: plan.name.clone(),
            target: target.map(|target| target.name),
            fits: target.map(|target| {
                plan.memory.arena_bytes <= target.sram_bytes
                    && model.constant_bytes <= target.flash_bytes.into()
            }),
            arena_bytes: plan.memory.arena_bytes,
            constant_bytes: model.constant_bytes,
            multiply_accumulates: model.multiply_accumulates,
            operators: rows
                .iter()
                .map(|row| OperatorView::of(model, row))
                .collect(),
            alternatives: alternatives.collect(),
        }
    }
}

impl OperatorView {
    fn of(model: &Model, row: &NodeRow) -> Self {
        let node = &model.nodes[row.node.index()];
        let shape = model.dataflow.node(row.node).output;
        Self {
            operators: node.operators.iter().map(|it| it.in_file).collect(),
            name: node.name.clone(),
            output: [shape.height, shape.width, shape.channels],
            how: row.job.to_string(),
            kept_bytes: row.kept_bytes,
            needed_bytes: row.needed_bytes,
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Job::Arriving => f.write_str("as it arrives"),
            Job::Segment(number) => write!(f, "in segment {number}"),
            Job::Layer => f.write_str("alone"),
        }
    }
}
