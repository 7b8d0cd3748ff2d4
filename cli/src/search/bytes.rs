//! Error against bytes, as papers count them, beside what others have published.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use herringbone_search::{Study, coordinator};
use herringbone_trainer::pictures::pareto::{Panel, Pareto, Point, draw};

use crate::watcher::say;

/// Those of others are drawn below those of the study.
const OTHERS: usize = 0;
const OWN: usize = 2;

/// Draws the networks of a study that the full recipe trained, and those of a file beside them.
pub(super) fn write(study: &Study, file: &Path, beside: Option<(&Path, &str)>) -> Result<()> {
    let stages = study.stages(|warning| say(&format!("- {warning}")))?;
    let candidates = coordinator::candidates(&stages);
    let finished = candidates.iter().filter(|it| !it.finished.is_empty());
    let mut points: Vec<Point> = finished
        .filter_map(|it| {
            let cost = it.exact_cost();
            Some(Point {
                error: 1.0 - it.accuracy()?,
                costs: vec![(cost.weights_bytes + u64::from(cost.activations_bytes)) as f64],
                group: OWN,
            })
        })
        .collect();
    ensure!(
        !points.is_empty(),
        "{} has no network yet that the full recipe trained: let the search come to its end",
        study.folder.display()
    );
    let own = points.len();
    if let Some((path, _)) = beside {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        for (number, line) in text.lines().enumerate() {
            let point =
                point(line).with_context(|| format!("{}, line {}", path.display(), number + 1))?;
            points.push(point);
        }
    }
    let name = &study.settings.network;
    let mut groups = vec![beside.map_or("", |(_, name)| name).to_owned()];
    groups.resize(OWN, String::new());
    groups.push(format!("{name}: {own} networks of the study"));
    let limit = study.settings.limits.total_bytes;
    let picture = draw(&Pareto {
        title: &format!("{name}: error against weights and activations"),
        panels: &[Panel {
            name: "weights and activations (B)".to_owned(),
            limit: limit.map(|it| it as f64),
        }],
        groups: &groups,
        points: &points,
        marked: &[],
        note: "Weights and biases are packed; activations are the arena. Code and stack are not counted: \
               papers leave them out.",
    });
    let bytes = match file.extension().and_then(|it| it.to_str()) {
        Some("svg") => picture.svg().as_bytes().to_vec(),
        Some("png") => picture.png(),
        _ => bail!(
            "{}: expected a name that ends in .svg or .png",
            file.display()
        ),
    };
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// A line of bytes and an error.
fn point(line: &str) -> Result<Point> {
    let numbers = line.split_once(',').and_then(|(bytes, error)| {
        let read = |text: &str| text.trim().parse::<f64>().ok().filter(|it| it.is_finite());
        Some((read(bytes)?, read(error)?))
    });
    let is_right = |&(bytes, error): &(f64, f64)| bytes >= 0.0 && (0.0..=1.0).contains(&error);
    let Some((bytes, error)) = numbers.filter(is_right) else {
        bail!("expected bytes and an error from 0 to 1, such as `1234,0.05`, found `{line}`");
    };
    Ok(Point {
        error,
        costs: vec![bytes],
        group: OTHERS,
    })
}
