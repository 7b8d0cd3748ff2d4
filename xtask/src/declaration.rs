//! What a firmware's source declares: read, not built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cfg_expr::{Expression, Predicate};
use herringbone_compiler::network::{Item, Network};
use herringbone_compiler::syntax;
use proc_macro2::TokenStream;
use syn::{Attribute, Item as SourceItem};

use crate::firmware::Firmware;
use crate::paths;

/// What is written in `herringbone::network! { … }`, the one that the firmware's features choose.
pub(crate) fn tokens(firmware: &Firmware) -> Result<TokenStream> {
    let sources = paths::root().join(firmware.folder).join("src");
    let mut declarations = Vec::new();
    for path in rust_files(&sources)? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file =
            syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
        for item in file.items {
            if let SourceItem::Macro(item) = item
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

/// The network that the firmware declares.
pub(crate) fn network(firmware: &Firmware) -> Result<Network> {
    let parsed = syntax::parse(tokens(firmware)?);
    let declaration = parsed
        .declaration
        .with_context(|| format!("the declaration of {} is wrong", firmware.name))?;
    Ok(declaration.network)
}

/// The network's list as it is declared: `A, C1(5,3), …`.
pub(crate) fn layers(firmware: &Firmware) -> Result<String> {
    let network = network(firmware)?;
    let items = network.items().iter();
    Ok(items.map(Item::to_string).collect::<Vec<_>>().join(", "))
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
        let declaration = |name| tokens(firmware::find(name).unwrap()).unwrap().to_string();
        assert!(declaration("uno-runtime").contains("weights : runtime"));
        assert!(!declaration("uno").contains("plan"));
        assert!(declaration("uno-herringbone").contains("plan : herringbone"));
    }

    #[test]
    fn every_firmware_declares_one_network_of_ten_classes() {
        for firmware in &firmware::ALL {
            let network = network(firmware).unwrap();
            assert_eq!(network.output().values(), 10, "{}", firmware.name);
        }
    }
}
