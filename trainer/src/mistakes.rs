//! Which classes are taken for which, and the worst of the examples: for people to look at.

use std::path::{Path, PathBuf};

use anyhow::Result;
use herringbone_dataset::{Examples, Normalisation};

use crate::evaluate::Results;
use crate::files;
use crate::pictures::{Axes, Confusion, Picture, Shape, Worst, confusion, sheet};
use crate::report::percent;

/// Inputs of the sheet of the worst ones.
const WORST: usize = 48;

/// How many examples of a class were classified rightly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassAccuracy {
    /// What it is called.
    pub name: String,
    /// So many.
    pub right: u64,
    /// How many examples there are.
    pub examples: u64,
    /// How many examples, of any class, were classified as it.
    pub answered: u64,
}

impl ClassAccuracy {
    /// Of each class.
    pub fn of(confusion: &Confusion) -> Vec<Self> {
        let names = confusion.class_names();
        let classes = names.iter().enumerate().map(|(class, name)| {
            let all = 0..names.len();
            Self {
                name: name.clone(),
                right: confusion.count(class, class),
                examples: all.clone().map(|other| confusion.count(class, other)).sum(),
                answered: all.map(|other| confusion.count(other, class)).sum(),
            }
        });
        classes.collect()
    }
}

/// What is known of the examples that a network was tried on.
pub struct Mistakes<'a> {
    /// The network's name.
    pub name: &'a str,
    /// What each class is called.
    pub class_names: &'a [String],
    /// How they became bytes.
    pub normalisation: &'a Normalisation,
    /// What they are: `test`, `validation`.
    pub of: &'a str,
}

impl Mistakes<'_> {
    /// Counts which classes are taken for which, and draws that and the worst of the examples
    /// next to `out`: `out.confusion.svg` and `.png`, `out.worst.png`, which are added to `written`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        &self,
        examples: &Examples,
        results: &Results,
        out: &Path,
        written: &mut Vec<PathBuf>,
    ) -> Result<Confusion> {
        let Self {
            name,
            class_names,
            normalisation,
            of,
        } = self;
        let mut counts = Confusion::new(class_names.to_vec());
        let mut worst = Vec::new();
        for (example, &label) in examples.labels.iter().enumerate() {
            let (actual, predicted) = (usize::from(label), results.class(example));
            counts.add(actual, predicted);
            if actual != predicted {
                let logits = results.of(example);
                worst.push(Worst {
                    input: examples.input(example),
                    name: examples.names[example].clone(),
                    actual: class_names[actual].clone(),
                    predicted: class_names[predicted].clone(),
                    margin: logits[predicted] - logits[actual],
                });
            }
        }
        let title = format!("{name}: confusion, {of} data");
        write_picture(&confusion::draw(&counts, &title), out, "confusion", written)?;

        worst.sort_by(|one, other| other.margin.total_cmp(&one.margin));
        worst.truncate(WORST);
        let title = format!(
            "{name}: the worst of the {of} data, {} right",
            percent(counts.accuracy().unwrap_or_default())
        );
        let path = out.with_extension("worst.png");
        let shape = shape_of(examples);
        files::write(
            &path,
            &sheet::draw(&worst, shape, &axes(normalisation), &title),
        )?;
        written.push(path);
        Ok(counts)
    }
}

/// The shape of each of these inputs, as it is drawn.
pub fn shape_of(examples: &Examples) -> Shape {
    Shape {
        height: examples.shape.height as usize,
        width: examples.shape.width as usize,
        channels: examples.shape.channels as usize,
    }
}

/// What the ends of a byte's range are in the unit of the data.
pub fn axes(normalisation: &Normalisation) -> Axes {
    if normalisation.is_identity() {
        return Axes::of_bytes();
    }
    let unit = match normalisation.counts_per_unit {
        1.0 => " counts",
        _ => "",
    };
    // The ends of each channel: a byte is a count scaled.
    let ends = normalisation.channels.iter().map(|scale| {
        let counts = 255.0 * f64::from(scale.shift).exp2() / f64::from(scale.multiplier);
        let least = f64::from(scale.offset);
        [least, least + counts].map(|count| count / normalisation.counts_per_unit)
    });
    let ends: Vec<[f64; 2]> = ends.collect();
    let written = |at: usize| {
        let mut texts: Vec<String> = ends.iter().map(|end| shortened(end[at])).collect();
        texts.dedup();
        format!("{}{unit}", texts.join(", "))
    };
    Axes {
        least: written(0),
        greatest: written(1),
    }
}

/// A number with three digits that count.
fn shortened(number: f64) -> String {
    let digits = 2 - number.abs().max(1e-9).log10().floor() as i32;
    format!("{number:.*}", digits.clamp(0, 6) as usize)
}

/// Writes a picture next to `out`, as SVG and as PNG.
pub(crate) fn write_picture(
    picture: &Picture,
    out: &Path,
    name: &str,
    written: &mut Vec<PathBuf>,
) -> Result<()> {
    for (kind, bytes) in [("svg", picture.svg().as_bytes()), ("png", &picture.png())] {
        let path = out.with_extension(format!("{name}.{kind}"));
        files::write(&path, bytes)?;
        written.push(path);
    }
    Ok(())
}
