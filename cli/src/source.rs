//! Finds the declarations of networks in Rust source files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result};
use herringbone_compiler::syntax;
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ItemFn, ItemMacro, ItemMod, Lit, Macro, Meta, StmtMacro};

use crate::features;

/// A file that was read.
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// `network! { … }`.
#[derive(Clone)]
pub(crate) struct Declared {
    /// The name of the type; `None` where it could not be read.
    pub(crate) name: Option<String>,
    /// What is in the braces.
    pub(crate) tokens: TokenStream,
    pub(crate) file: Rc<SourceFile>,
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// The condition by which it is not there.
    pub(crate) missing: Option<String>,
}

/// Everything that was found.
#[derive(Default)]
pub(crate) struct Search {
    pub(crate) declared: Vec<Declared>,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
    /// What could not be followed, in words.
    pub(crate) notes: Vec<String>,
    visited: BTreeSet<PathBuf>,
}

impl Search {
    /// Whether any declaration is there with the features.
    pub(crate) fn is_empty(&self) -> bool {
        !self.declared.iter().any(|it| it.missing.is_none())
    }

    /// Looks into a file, which is a crate's root or a module, and into the files
    /// of its modules.
    pub(crate) fn read(&mut self, path: &Path, features: &BTreeSet<String>) -> Result<()> {
        self.read_module(path, features, None)
    }

    fn read_module(
        &mut self,
        path: &Path,
        features: &BTreeSet<String>,
        missing: Option<String>,
    ) -> Result<()> {
        if !self.visited.insert(path.canonicalize().unwrap_or_default()) {
            return Ok(());
        }
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.trim_start_matches('\u{feff}').to_owned();
        let syntax = syn::parse_file(&text).map_err(|error| {
            let start = error.span().start();
            let (line, column) = (start.line, start.column + 1);
            anyhow::anyhow!("cannot parse {}:{line}:{column}: {error}", path.display())
        })?;
        self.files.push(path.to_owned());
        let mut reader = Reader {
            search: self,
            features,
            file: Rc::new(SourceFile {
                path: path.to_owned(),
                text,
            }),
            modules: Vec::new(),
            missing,
        };
        reader.visit_file(&syntax);
        Ok(())
    }
}

/// Reads one file.
struct Reader<'a> {
    search: &'a mut Search,
    features: &'a BTreeSet<String>,
    file: Rc<SourceFile>,
    /// The modules in braces that we are in.
    modules: Vec<String>,
    /// The condition by which what is read now is not there.
    missing: Option<String>,
}

impl Reader<'_> {
    /// Does something to an item that has these attributes.
    fn within(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let outer = self.missing.clone();
        if self.missing.is_none() {
            self.missing = features::missing(attributes, self.features);
        }
        read(self);
        self.missing = outer;
    }

    /// The files that `mod name;` may mean, as rustc looks for them.
    fn files_of_module(&self, module: &ItemMod) -> Vec<PathBuf> {
        let path = &self.file.path;
        let folder = path.parent().unwrap_or(Path::new(""));
        let within = |folder: &Path| -> PathBuf {
            let modules = self.modules.iter().map(PathBuf::from);
            [folder.to_owned()].into_iter().chain(modules).collect()
        };
        let stem = path.file_stem().unwrap_or_default();
        let is_root = ["main", "lib", "mod"].iter().any(|root| stem == *root);
        if let Some(written) = written_path(&module.attrs) {
            let own = match self.modules.is_empty() || is_root {
                true => within(folder),
                false => within(&folder.join(stem)),
            };
            return vec![own.join(written)];
        }
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#");
        // A crate's root may have any name.
        let mut folders = vec![within(folder)];
        if !is_root {
            folders.insert(0, within(&folder.join(stem)));
        }
        let files = folders.iter().flat_map(|folder| {
            let file = folder.join(format!("{name}.rs"));
            [file, folder.join(name).join("mod.rs")]
        });
        files.collect()
    }

    fn follow(&mut self, module: &ItemMod) {
        let files = self.files_of_module(module);
        let found = files.iter().find(|path| path.is_file());
        let result = match found {
            Some(path) => self
                .search
                .read_module(path, self.features, self.missing.clone()),
            None => Err(anyhow::anyhow!(
                "`mod {};` of {}: there is no {}",
                module.ident,
                self.file.path.display(),
                displayed(&files).join(", nor ")
            )),
        };
        if let Err(error) = result {
            self.search.notes.push(format!("{error:#}"));
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.within(&module.attrs, |reader| {
            if module.content.is_none() {
                reader.follow(module);
                return;
            }
            reader.modules.push(module.ident.to_string());
            visit::visit_item_mod(reader, module);
            reader.modules.pop();
        });
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.within(&function.attrs, |reader| {
            visit::visit_item_fn(reader, function);
        });
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        self.within(&item.attrs, |reader| {
            visit::visit_item_macro(reader, item);
        });
    }

    fn visit_stmt_macro(&mut self, statement: &'ast StmtMacro) {
        self.within(&statement.attrs, |reader| {
            visit::visit_stmt_macro(reader, statement);
        });
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let last = call.path.segments.last();
        if last.is_some_and(|last| last.ident == "network") {
            let name = syntax::parse(call.tokens.clone()).ast.map(|ast| ast.name);
            self.search.declared.push(Declared {
                name: name.map(|name| name.to_string()),
                tokens: call.tokens.clone(),
                file: Rc::clone(&self.file),
                line: call.span().start().line,
                missing: self.missing.clone(),
            });
        }
    }
}

/// `#[path = "…"]`.
fn written_path(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            Expr::Lit(literal) if pair.path.is_ident("path") => match &literal.lit {
                Lit::Str(path) => Some(path.value()),
                _ => None,
            },
            _ => None,
        }
    })
}

/// Paths as text.
pub(crate) fn displayed(paths: &[PathBuf]) -> Vec<String> {
    let paths = paths.iter().map(|path| path.display().to_string());
    paths.collect()
}
