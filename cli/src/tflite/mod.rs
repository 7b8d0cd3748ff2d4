//! Models of TensorFlow Lite as they are.

pub(crate) mod check;
pub(crate) mod plan;
pub(crate) mod reorder;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use herringbone_tflite::Graph;

/// Bytes of a model at most: no microcontroller has as much flash.
const MOST_MODEL_BYTES: u64 = 256 << 20;

/// A model's file.
fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !metadata.is_file() {
        bail!("cannot read {shown}: it is not a regular file");
    }
    if metadata.len() > MOST_MODEL_BYTES {
        bail!(
            "cannot read {shown}: it has {} bytes, a model at most {MOST_MODEL_BYTES}",
            metadata.len()
        );
    }
    fs::read(path).with_context(|| format!("cannot read {shown}"))
}

/// A model that is understood, without what is constant whatever the input.
fn graph(path: &Path) -> Result<Graph> {
    match Graph::read(&read(path)?) {
        Ok(graph) => Ok(graph.without_constant_channels()),
        Err(problems) => bail!("{}: {problems}", path.display()),
    }
}
