//! The parameters of firmware that loads them at run time.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::declaration;
use crate::firmware::{Firmware, WeightsSource};
use crate::paths::Weights;

/// Writes the bytes that `firmware` takes as its parameters, and says how many.
///
/// # Errors
/// As [`write()`].
pub fn run(firmware: &Firmware, weights: &Weights, out: &Path) -> Result<()> {
    let count = write(firmware, weights, out)?;
    println!("{}: {count} bytes for {}", out.display(), firmware.name);
    Ok(())
}

/// Writes the bytes that `firmware` takes as its parameters, made of `weights`, to `out`; their
/// number.
///
/// # Errors
/// When the firmware takes none, or `weights` are not such that it can compute with them.
pub fn write(firmware: &Firmware, weights: &Weights, out: &Path) -> Result<usize> {
    let bytes = bytes(firmware, weights)?;
    fs::write(out, &bytes).with_context(|| format!("cannot write {}", out.display()))?;
    Ok(bytes.len())
}

fn bytes(firmware: &Firmware, weights: &Weights) -> Result<Vec<u8>> {
    let path = weights
        .file(firmware)
        .filter(|_| matches!(firmware.weights, WeightsSource::Loaded { .. }))
        .with_context(|| {
            format!(
                "the firmware {} loads no parameters: its weights are in its flash",
                firmware.name
            )
        })?;
    let declaration = declaration::tokens(firmware)?;
    let file = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    herringbone_compiler::pack_parameters(declaration, &file)
        .map_err(|errors| anyhow::anyhow!("{}", errors.join("\n")))
        .with_context(|| format!("{} for {}", path.display(), firmware.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware;

    #[test]
    fn firmware_with_weights_in_flash_loads_none() {
        let error = bytes(firmware::find("uno").unwrap(), &Weights::default()).unwrap_err();
        assert!(error.to_string().contains("loads no parameters"), "{error}");
    }
}
