//! The plan as lines of text.

use super::{caption, summary, table, totals};
use crate::budget::Design;
use crate::declaration::Declaration;

/// The plan as lines of text.
pub fn text(name: &str, declaration: &Declaration, design: &Design) -> String {
    let (columns, rows) = table(declaration, design);
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().map(|row| row[index].chars().count());
            cells.chain([column.head.len()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((cell, width), column) in cells.zip(&widths).zip(columns) {
            line.push_str(&match column.is_number {
                true => format!("{cell:>width$}  "),
                false => format!("{cell:<width$}  "),
            });
        }
        line.trim_end().to_owned() + "\n"
    };
    let caption = caption(design);
    let mut text = format!("{name}: {}\n\n{caption}\n\n", summary(declaration, design));
    text.push_str(&line(&mut columns.iter().map(|column| column.head)));
    for row in &rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text.push('\n');
    text.push_str(&totals(declaration, design).join("\n"));
    text.push('\n');
    text
}
