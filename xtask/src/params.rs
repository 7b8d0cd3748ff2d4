//! The parameters of firmware that loads them at run time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cfg_expr::{Expression, Predicate};
use proc_macro2::TokenStream;
use syn::{Attribute, Item};

use crate::firmware::{Firmware, WeightsSource};
use crate::paths::{self, Weights};

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
    ensure!(
        firmware.weights == WeightsSource::Loaded,
        "the firmware {} loads no parameters: its weights are in its flash",
        firmware.name
    );
    let declaration = declaration(firmware)?;
    let path = weights.path();
    let file = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    herringbone_compiler::pack_parameters(declaration, &file)
        .map_err(|errors| anyhow::anyhow!("{}", errors.join("\n")))
        .with_context(|| format!("{} for {}", path.display(), firmware.name))
}

/// What is written in `herringbone::network! { … }`, the one that the firmware's features choose.
fn declaration(firmware: &Firmware) -> Result<TokenStream> {
    let sources = paths::root().join(firmware.folder).join("src");
    let mut declarations = Vec::new();
    for path in rust_files(&sources)? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file =
            syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
        for item in file.items {
            if let Item::Macro(item) = item
                && item
                    .mac
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "network")
                && holds(&item.attrs, firmware.features)?
            {
                declarations.push(item.mac.tokens);
            }
        }
    }
    let count = declarations.len();
    match declarations.pop() {
        Some(declaration) if count == 1 => Ok(declaration),
        _ => bail!(
            "{} declares {count} networks with the features of {}: expected one",
            sources.display(),
            firmware.name
        ),
    }
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    Ok(files)
}

/// Whether an item with those attributes is there, with those features.
fn holds(attributes: &[Attribute], features: &[&str]) -> Result<bool> {
    for attribute in attributes.iter().filter(|it| it.path().is_ident("cfg")) {
        let condition = attribute.meta.require_list()?.tokens.to_string();
        let condition = Expression::parse(&condition)
            .with_context(|| format!("cannot tell whether #[cfg({condition})] holds"))?;
        let holds = condition.eval(|predicate| match predicate {
            Predicate::Feature(name) => features.contains(name),
            _ => false,
        });
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware;

    #[test]
    fn the_features_choose_the_declaration() {
        let declaration = |name| {
            let declaration = declaration(firmware::find(name).unwrap());
            declaration.unwrap().to_string()
        };
        assert!(declaration("uno-runtime").contains("weights : runtime"));
        assert!(!declaration("uno").contains("plan"));
        assert!(declaration("uno-herringbone").contains("plan : herringbone"));
    }

    #[test]
    fn firmware_with_weights_in_flash_loads_none() {
        let weights = Weights::choose(Some(paths::root().join("Cargo.toml"))).unwrap();
        let error = bytes(firmware::find("uno").unwrap(), &weights).unwrap_err();
        assert!(error.to_string().contains("loads no parameters"), "{error}");
    }
}
