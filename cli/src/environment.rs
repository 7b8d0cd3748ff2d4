//! The environment variables of a build: those of this process, and those that cargo's
//! configuration sets, `[env]` of `.cargo/config.toml`.

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

/// What `[env]` says for builds in a folder.
pub(crate) struct Environment(BTreeMap<String, Variable>);

struct Variable {
    value: String,
    /// Whether it replaces one that is set already.
    force: bool,
}

impl Environment {
    /// Of builds in `folder`, which is absolute: what is in a file there goes before what is in one
    /// above it, and that before what is in cargo's home (The Cargo Book, "Configuration",
    /// "Hierarchical structure").
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let folders = folder.ancestors().map(|it| it.join(".cargo"));
        let mut variables = BTreeMap::new();
        for folder in folders.chain(cargo_home()) {
            // Where both are there, cargo reads the one of the older name.
            let paths = ["config", "config.toml"].map(|name| folder.join(name));
            let Some(path) = paths.iter().find(|path| path.is_file()) else {
                continue;
            };
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let config: Table = text
                .parse()
                .with_context(|| format!("cannot parse {}", path.display()))?;
            let table = config.get("env").and_then(Value::as_table);
            for (name, entry) in table.into_iter().flatten() {
                if let Some(variable) = Variable::read(entry, &folder) {
                    variables.entry(name.clone()).or_insert(variable);
                }
            }
        }
        Ok(Self(variables))
    }

    /// The value of a variable, as [`env::var`] gives those of this process.
    pub(crate) fn get(&self, name: &str) -> Result<String, VarError> {
        match (env::var(name), self.0.get(name)) {
            (Err(VarError::NotPresent), Some(variable)) => Ok(variable.value.clone()),
            (_, Some(variable)) if variable.force => Ok(variable.value.clone()),
            (own, _) => own,
        }
    }
}

impl Variable {
    /// Of `"VALUE"` or `{ value = "VALUE", force = BOOL, relative = BOOL }`, in a file in the folder
    /// `.cargo`. Cargo reports the rest.
    fn read(entry: &Value, cargo: &Path) -> Option<Self> {
        let is = |key| entry.get(key).and_then(Value::as_bool) == Some(true);
        let value = entry.as_str().or_else(|| entry.get("value")?.as_str())?;
        let value = match is("relative") {
            true => cargo.parent()?.join(value).display().to_string(),
            false => value.to_owned(),
        };
        Some(Self {
            value,
            force: is("force"),
        })
    }
}

fn cargo_home() -> Option<PathBuf> {
    let home = || Some(env::home_dir()?.join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configure(folder: &Path, text: &str) {
        fs::create_dir_all(folder.join(".cargo")).unwrap();
        fs::write(folder.join(".cargo/config.toml"), text).unwrap();
    }

    #[test]
    fn the_nearest_configuration_tells_and_a_variable_that_is_set_goes_before_it_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path();
        let inner = outer.join("inner");
        configure(
            outer,
            "[env]\nHERRINGBONE_TEST_BOTH = 'outer'\n\
             HERRINGBONE_TEST_OUTER = { value = 'a/b', relative = true }",
        );
        configure(
            &inner,
            "[env]\nHERRINGBONE_TEST_BOTH = 'inner'\nCARGO_PKG_NAME = 'other'\n\
             CARGO_MANIFEST_DIR = { value = 'forced', force = true }",
        );
        let environment = Environment::of(&inner).unwrap();
        let get = |name| environment.get(name).unwrap();
        assert_eq!(get("HERRINGBONE_TEST_BOTH"), "inner");
        assert_eq!(Path::new(&get("HERRINGBONE_TEST_OUTER")), outer.join("a/b"));
        // Cargo sets these two for tests.
        assert_eq!(get("CARGO_PKG_NAME"), env!("CARGO_PKG_NAME"));
        assert_eq!(get("CARGO_MANIFEST_DIR"), "forced");
        let unset = environment.get("HERRINGBONE_TEST_UNSET");
        assert_eq!(unset, Err(VarError::NotPresent));

        configure(&inner, "[env");
        let error = Environment::of(&inner).err().unwrap();
        assert!(error.to_string().starts_with("cannot parse "), "{error}");
    }
}
