//! Errors and warnings as rustc prints them.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use proc_macro2::{LineColumn, Span};

/// An error at a place of a file.
pub(crate) fn error(path: &Path, text: &str, span: Span, message: &str) -> String {
    report(Level::ERROR, path, text, span, message)
}

/// A warning at a place of a file.
pub(crate) fn warning(path: &Path, text: &str, span: Span, message: &str) -> String {
    report(Level::WARNING, path, text, span, message)
}

fn report(level: Level<'_>, path: &Path, text: &str, span: Span, message: &str) -> String {
    let start = offset(text, span.start());
    let end = offset(text, span.end()).max(start);
    let path = path.display().to_string();
    let place = AnnotationKind::Primary.span(start..end);
    let snippet = Snippet::source(text).path(&path).annotation(place);
    let report = [level.primary_title(message).element(snippet)];
    Renderer::styled().render(&report).to_string()
}

/// Lines are counted from 1, columns in letters from 0.
fn offset(text: &str, place: LineColumn) -> usize {
    let lines = text.split_inclusive('\n');
    let before: usize = lines.clone().take(place.line - 1).map(str::len).sum();
    let line = lines.clone().nth(place.line - 1).unwrap_or_default();
    let letters = line.chars().take(place.column);
    before + letters.map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_letters() {
        let place = LineColumn { line: 2, column: 2 };
        assert_eq!(offset("a\nü×b\n", place), 2 + 4);
    }
}
