//! Tables that are a recording each: columns are channels, rows are moments.

use std::path::Path;

use super::list::Item;
use super::{commonest, tell};
use crate::tables::{Layout, Lengths, Table, Wanted};
use crate::{InputShape, Problems, Values};

/// How tables are read.
pub(super) struct Recorded {
    pub(super) shape: InputShape,
}

impl Recorded {
    /// Checks each class's first table; where the network says no shape, all of them give it.
    pub(super) fn open(
        root: &Path,
        items: &[Item],
        shape: Option<InputShape>,
        notes: &mut Vec<String>,
    ) -> Result<Self, Problems> {
        let columns = shape.map(|shape| Layout::of(shape).columns);
        let shape = match shape {
            Some(shape) => shape,
            None => natural_shape(items)?,
        };
        let layout = Layout::of(shape);
        let firsts = items.chunk_by(|one, other| one.label == other.label);
        let mut wrong = Vec::new();
        for (at, item) in firsts.map(|items| &items[0]).enumerate() {
            match read(item, columns) {
                Ok(table) => {
                    if at == 0 {
                        notes.extend(outline(root, &table));
                    }
                    wrong.extend(check(item, &table, shape, layout));
                }
                Err(message) => wrong.push(message),
            }
        }
        tell(wrong)?;
        Ok(Self { shape })
    }

    /// The values of all tables, and what was done to them.
    pub(super) fn read(&self, items: &[Item]) -> Result<(Values, Vec<String>), Problems> {
        let layout = Layout::of(self.shape);
        let mut all = Vec::with_capacity(items.len() * self.shape.values());
        let (mut lengths, mut wrong) = (Lengths::default(), Vec::new());
        for item in items {
            let read = read(item, Some(layout.columns)).and_then(|table| {
                let message = check(item, &table, self.shape, layout);
                message.map_or(Ok(table), Err)
            });
            match read {
                Ok(mut table) => {
                    lengths.count(layout.fit(&mut table.values));
                    all.extend(table.values);
                }
                Err(message) => wrong.push(message),
            }
        }
        tell(wrong)?;
        let notes = lengths.notes(layout.rows, "rows", "their last row is repeated");
        Ok((Values::Numbers(all), notes))
    }
}

fn read(item: &Item, columns: Option<usize>) -> Result<Table, String> {
    let wanted = Wanted {
        columns,
        ..Wanted::default()
    };
    Table::read(&item.path, wanted).map_err(|problems| problems.to_string())
}

fn check(item: &Item, table: &Table, shape: InputShape, layout: Layout) -> Option<String> {
    (table.columns != layout.columns).then(|| {
        format!(
            "{} has {} columns of numbers, the network takes {shape}: {} of each row",
            item.path.display(),
            table.columns,
            layout.columns
        )
    })
}

/// What the columns are.
fn outline(root: &Path, table: &Table) -> Vec<String> {
    let mut notes = Vec::new();
    if !table.header.is_empty() {
        notes.push(format!(
            "{}: the channels are {}",
            root.display(),
            table.header.join(", ")
        ));
    }
    notes.extend(table.time.as_ref().map(|name| {
        let name = if name.is_empty() {
            "without a name"
        } else {
            name
        };
        format!(
            "{}: the column {name} looks like the time, and is left out",
            root.display()
        )
    }));
    notes
}

/// The length and the columns that most tables have.
fn natural_shape(items: &[Item]) -> Result<InputShape, Problems> {
    let (mut shapes, mut wrong) = (Vec::new(), Vec::new());
    for item in items {
        match read(item, None) {
            Ok(table) => shapes.push((table.rows(), table.columns)),
            Err(message) => wrong.push(message),
        }
    }
    tell(wrong)?;
    let (width, channels) = commonest(&shapes).unwrap_or((1, 1));
    Ok(InputShape {
        height: 1,
        width: width as u32,
        channels: channels as u32,
    })
}
