//! The file of a model.

use super::Model;
use herringbone_tflite::Graph;
use std::fmt::Display;
use std::fs;
use std::path::Path;

/// The most bytes of a file that is read: no part has as much flash.
const MOST_BYTES: u64 = 64 << 20;

/// Reads a model.
///
/// # Errors
/// Why the file is not read, or, all at once, what in it is not understood or has no plan.
pub fn load(path: &Path) -> Result<(Graph, Model), Vec<String>> {
    let shown = path.display();
    let unreadable =
        |reason: &dyn Display| vec![format!("the model {shown} can't be read: {reason}")];
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(unreadable(&"it is no file"));
    }
    if metadata.len() > MOST_BYTES {
        return Err(unreadable(&format_args!(
            "it has {} bytes, and a model at most {MOST_BYTES}",
            metadata.len()
        )));
    }
    let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
    let graph = Graph::read(&bytes).map_err(|problems| {
        let more = (problems.more > 0).then(|| format!("and {} more", problems.more));
        let first = problems
            .first
            .iter()
            .map(|problem| format!("{shown}: {problem}"));
        first.chain(more).collect::<Vec<String>>()
    })?;
    let graph = graph.without_constant_channels();
    let model = Model::of(&graph).map_err(|error| vec![format!("{shown}: {error}")])?;
    Ok((graph, model))
}
