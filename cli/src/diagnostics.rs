//! Errors and warnings as rustc prints them.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use herringbone_compiler::syntax;
use proc_macro2::Span;

/// An error at a place of a file.
pub(crate) fn error(path: &Path, text: &str, span: Span, message: &str) -> String {
    report(Level::ERROR, path, text, span, message)
}

/// A warning at a place of a file.
pub(crate) fn warning(path: &Path, text: &str, span: Span, message: &str) -> String {
    report(Level::WARNING, path, text, span, message)
}

fn report(level: Level<'_>, path: &Path, text: &str, span: Span, message: &str) -> String {
    let path = path.display().to_string();
    let place = AnnotationKind::Primary.span(syntax::range(text, span));
    let snippet = Snippet::source(text).path(&path).annotation(place);
    let report = [level.primary_title(message).element(snippet)];
    Renderer::styled().render(&report).to_string()
}
