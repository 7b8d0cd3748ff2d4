//! Which declaration a command is about.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use herringbone_compiler::Notice;
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::syntax::{self, NetworkAst};
use herringbone_compiler::weights::WeightsError;
use syn::spanned::Spanned;

use crate::diagnostics;
use crate::environment::Environment;
use crate::package::Package;
use crate::source::{Declared, Search, displayed};

/// The arguments that say it.
#[derive(Args)]
pub(crate) struct Which {
    /// The Rust file that declares the network, in itself or in a module; of `plan`, also a
    /// .tflite file
    pub(crate) file: PathBuf,
    /// The network's name, if the file declares several
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    /// Features of the package to enable
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub(crate) features: Vec<String>,
    /// Disable the package's default features
    #[arg(long)]
    pub(crate) no_default_features: bool,
}

/// The declaration, and the package that it is of.
pub(crate) struct Found {
    pub(crate) declared: Declared,
    /// The folder of its package, which is absolute, or the current one.
    folder: PathBuf,
    environment: Environment,
}

impl Which {
    pub(crate) fn find(&self) -> Result<Found> {
        let package = Package::of(&self.file)?;
        let declared = find(self, package.as_ref())?;
        let folder = match package {
            Some(package) => package.folder,
            None => std::env::current_dir()?,
        };
        Ok(Found {
            declared,
            environment: Environment::of(&folder)?,
            folder,
        })
    }
}

impl Found {
    /// What the declaration says; `None`, having printed why, where it is wrong.
    pub(crate) fn parse(&self) -> Option<(NetworkAst, Declaration)> {
        let parsed = syntax::parse(self.declared.tokens.clone());
        self.print(&parsed.errors);
        if let (Some(ast), Some(_)) = (&parsed.ast, &parsed.model) {
            let path = ast.model.as_ref().and_then(|model| model.path.as_ref());
            let environment = |name: &str| self.environment.get(name);
            let file = path.and_then(|path| path.locate_in(&self.folder, environment).ok());
            let file = file.map_or_else(|| "FILE.tflite".to_owned(), |it| it.display().to_string());
            anstream::eprintln!(
                "`{}` is a model, and this command is of networks that are declared by their \
                 layers: `cargo herringbone plan {file}` plans it, `cargo herringbone check {file}` \
                 runs it",
                ast.name
            );
        }
        parsed.ast.zip(parsed.declaration)
    }

    /// The file that it has its weights in, as the macro looks for it.
    pub(crate) fn weights_file(&self, ast: &NetworkAst) -> Option<Result<PathBuf, WeightsError>> {
        let environment = |name: &str| self.environment.get(name);
        ast.weights_file()
            .map(|path| path.locate_in(&self.folder, environment))
    }

    /// Prints errors at their places.
    pub(crate) fn print(&self, errors: &Diagnostics) {
        let file = &self.declared.file;
        for (span, message) in errors.spanned() {
            let error = diagnostics::error(&file.path, &file.text, span, &message);
            anstream::eprintln!("{error}\n");
        }
    }

    /// Prints what may not be meant, each at its place.
    pub(crate) fn warn(&self, ast: &NetworkAst, notices: &[Notice]) {
        let file = &self.declared.file;
        for notice in notices {
            let tokens = ast.tokens_of(notice.origin);
            let span = tokens.map_or(ast.name.span(), Spanned::span);
            let warning = diagnostics::warning(&file.path, &file.text, span, &notice.message);
            anstream::eprintln!("{warning}\n");
        }
    }
}

/// The declaration that is meant.
fn find(arguments: &Which, package: Option<&Package>) -> Result<Declared> {
    let defaults = !arguments.no_default_features;
    let features = match package {
        Some(package) => package.features(&arguments.features, defaults),
        None => arguments.features.iter().cloned().collect(),
    };
    let mut search = Search::default();
    search.read(&arguments.file, &features)?;
    // A binary often uses the network of the library beside it.
    if let Some(library) = package
        .and_then(Package::library)
        .filter(|_| search.is_empty())
    {
        search.read(&shortest(&library), &features)?;
    }
    let (there, missing): (Vec<Declared>, Vec<Declared>) = search
        .declared
        .iter()
        .cloned()
        .partition(|declared| declared.missing.is_none());
    let wanted: Vec<&Declared> = match &arguments.network {
        Some(name) => {
            let named = there.iter().filter(|it| it.name.as_ref() == Some(name));
            named.collect()
        }
        None => there.iter().collect(),
    };
    match wanted[..] {
        [declared] => Ok(declared.clone()),
        [] if there.is_empty() => bail!("{}", nothing(&search, &missing)),
        [] => bail!(
            "no network `{}`: there {}",
            arguments.network.as_deref().unwrap_or_default(),
            list(&there)
        ),
        _ => bail!(
            "several networks: choose one by --network NAME{}; there {}",
            match arguments.network {
                Some(_) => " or by --features",
                None => "",
            },
            list(&there)
        ),
    }
}

/// That there is no declaration, and what was looked at.
fn nothing(search: &Search, missing: &[Declared]) -> String {
    let mut message = format!(
        "no `herringbone::network! {{ … }}` in {}",
        displayed(&search.files).join(", ")
    );
    for note in &search.notes {
        message.push_str(&format!("\n       {note}"));
    }
    for declared in missing {
        let condition = declared.missing.as_deref().unwrap_or_default();
        message.push_str(&format!(
            "\n       {} is there only with {condition}: see --features",
            place(declared)
        ));
    }
    message
}

fn list(declared: &[Declared]) -> String {
    let places: Vec<String> = declared.iter().map(place).collect();
    let verb = if places.len() == 1 { "is" } else { "are" };
    format!("{verb} {}", places.join(", "))
}

fn place(declared: &Declared) -> String {
    let Declared {
        name, file, line, ..
    } = declared;
    let path = file.path.display();
    match name {
        Some(name) => format!("`{name}` ({path}:{line})"),
        None => format!("one without a name ({path}:{line})"),
    }
}

/// A path from the current folder on, if it is there.
pub(crate) fn shortest(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(current).unwrap_or(path).to_owned()
}
