//! A plan of a model as lines of text.

use super::{Model, Plan};
use crate::report::thousands;
use std::fmt::Write as _;

/// The plan as lines of text: an operator a line, in the order of computing.
pub fn text(name: &str, model: &Model, plan: &Plan) -> String {
    let mut text = format!(
        "{name}: plan {}, {} bytes of arena, {} of weights and biases, {} multiply-accumulates\n\n",
        plan.name,
        thousands(plan.memory.arena_bytes.into()),
        thousands(model.constant_bytes),
        thousands(model.multiply_accumulates),
    );
    let _ = writeln!(text, "input  {}", model.dataflow.input());
    let rows = plan.rows();
    let names = rows
        .iter()
        .map(|row| model.nodes[row.node.index()].name.as_str());
    let width = names
        .clone()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    for (row, name) in rows.iter().zip(names) {
        let output = model.dataflow.node(row.node).output.to_string();
        let how = row.job;
        let _ = writeln!(
            text,
            "{name:<width$}  {output:<12}  {how}, needs {} bytes",
            thousands(row.needed_bytes.into())
        );
    }
    text
}
