//! The package that a file belongs to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::Table;

/// A folder with a Cargo.toml.
pub(crate) struct Package {
    /// Absolute.
    pub(crate) folder: PathBuf,
    manifest: Table,
}

impl Package {
    /// The one of the nearest Cargo.toml above `file`, if there is any.
    pub(crate) fn of(file: &Path) -> Result<Option<Self>> {
        let file = std::path::absolute(file)?;
        let Some(folder) = file
            .ancestors()
            .skip(1)
            .find(|folder| folder.join("Cargo.toml").is_file())
        else {
            return Ok(None);
        };
        let path = folder.join("Cargo.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let manifest = text
            .parse()
            .with_context(|| format!("cannot parse {}", path.display()))?;
        Ok(Some(Self {
            folder: folder.to_owned(),
            manifest,
        }))
    }

    /// The root of its library.
    pub(crate) fn library(&self) -> Option<PathBuf> {
        let path = self.manifest.get("lib").and_then(|lib| lib.get("path"));
        let path = path.and_then(|path| path.as_str()).unwrap_or("src/lib.rs");
        Some(self.folder.join(path)).filter(|path| path.is_file())
    }

    /// Those features and all that they turn on; the default ones too, if wanted.
    pub(crate) fn features(&self, given: &[String], defaults: bool) -> BTreeSet<String> {
        let table = self
            .manifest
            .get("features")
            .and_then(|table| table.as_table());
        let mut waiting: Vec<String> = given.to_vec();
        if defaults {
            waiting.push("default".to_owned());
        }
        let mut features = BTreeSet::new();
        while let Some(feature) = waiting.pop() {
            let more = table.and_then(|table| table.get(&feature)?.as_array());
            let more = more.into_iter().flatten().filter_map(|it| it.as_str());
            if features.insert(feature.clone()) {
                waiting.extend(more.map(str::to_owned));
            }
        }
        features
    }
}
