//! The plan as Markdown, for the type's rustdoc.

use super::{caption, summary, table, totals};
use crate::budget::Design;
use crate::declaration::Declaration;

/// The plan as Markdown.
pub fn markdown(declaration: &Declaration, design: &Design) -> String {
    let (columns, rows) = table(declaration, design);
    let heads: Vec<_> = columns.iter().map(|column| column.head).collect();
    let lines: String = columns
        .iter()
        .map(|column| if column.is_number { "---:|" } else { "---|" })
        .collect();
    let mut text = format!(
        "# Memory plan\n\n{}\n\n{}\n\n| {} |\n|{lines}\n",
        summary(declaration, design),
        caption(design),
        heads.join(" | ")
    );
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ").replace('*', "\\*")));
    }
    text.push('\n');
    text.push_str(&totals(declaration, design).join("\n\n"));
    text.push('\n');
    text
}
