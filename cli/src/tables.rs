//! Tables for people.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use herringbone_trainer::mistakes::ClassAccuracy;
use herringbone_trainer::percent;

/// The width of what is not printed to a terminal.
const PLAIN_WIDTH: u16 = 100;
/// Classes that are listed; of more, the worst.
const MOST_CLASSES: usize = 24;

/// The width that text has, in letters.
pub(crate) fn width() -> u16 {
    terminal_size::terminal_size().map_or(PLAIN_WIDTH, |(width, _)| width.0)
}

/// A table as wide as the terminal: `words` are the columns that begin at the left.
pub(crate) fn table(
    heads: &[&str],
    words: &[usize],
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    table_within(heads, words, rows, width())
}

/// Words to the left, numbers to the right.
pub(crate) fn table_within(
    heads: &[&str],
    words: &[usize],
    rows: impl Iterator<Item = Vec<String>>,
    width: u16,
) -> String {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    table
        .load_style(TableStyle::new().header_separator(line))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(heads.iter().map(Cell::new))
        .add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        if !words.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// A row a class: its index and name, and how many of its examples are right; the worst ones,
/// where there are many.
pub(crate) fn by_class(classes: &[ClassAccuracy]) -> String {
    let mut listed: Vec<(usize, &ClassAccuracy)> = classes.iter().enumerate().collect();
    let share = |class: &ClassAccuracy| class.right as f64 / class.examples.max(1) as f64;
    let is_cut = listed.len() > MOST_CLASSES;
    if is_cut {
        listed.sort_by(|(_, one), (_, other)| share(one).total_cmp(&share(other)));
        listed.truncate(MOST_CLASSES);
    }
    let rows = listed.into_iter().map(|(index, class)| {
        vec![
            index.to_string(),
            class.name.clone(),
            format!("{} of {}", class.right, class.examples),
            match class.examples {
                0 => "–".to_owned(),
                _ => percent(share(class)),
            },
            class.answered.to_string(),
        ]
    });
    let text = table(
        &["class", "name", "right", "accuracy", "answered"],
        &[1],
        rows,
    );
    match is_cut {
        true => format!(
            "{text}\nthe worst of {} classes; all are in the report",
            classes.len()
        ),
        false => text,
    }
}
