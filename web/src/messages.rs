//! Errors and warnings with their places, and remedies as edits.

use herringbone_compiler::Problem;
use herringbone_compiler::syntax::{self, NetworkAst};
use proc_macro2::Span;
use syn::spanned::Spanned as _;

use crate::answer::{EditAnswer, Message, RemedyAnswer};
use crate::place::Place;

/// A message about a span of that text.
pub(crate) fn message(text: &str, span: Span, message: &str) -> Message {
    let start = span.start();
    Message {
        message: message.to_owned(),
        place: Place::of(text, syntax::range(text, span)),
        line: start.line,
        column: start.column + 1,
        remedies: Vec::new(),
    }
}

/// A problem of a declaration in that text, with what would help.
pub(crate) fn with_remedies(text: &str, ast: &NetworkAst, problem: &Problem) -> Message {
    let span = ast
        .tokens_of(problem.origin)
        .map_or(ast.name.span(), |tokens| tokens.span());
    let remedies = problem.remedies.iter().filter_map(|remedy| {
        let edits = ast.edits(text, &remedy.changes)?.into_iter();
        let edits = edits.map(|edit| EditAnswer {
            place: Place::of(text, edit.range),
            text: edit.text,
        });
        Some(RemedyAnswer {
            words: remedy.to_string(),
            edits: edits.collect(),
        })
    });
    Message {
        remedies: remedies.collect(),
        ..message(text, span, &problem.message)
    }
}
