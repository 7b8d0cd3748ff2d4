//! A declaration of a model: a path in place of shape and list.

use proc_macro2::{TokenStream, TokenTree};

use super::ast::{ModelAst, Source};
use super::keys::Key;
use super::lower::{budget, reserve};
use super::tokens::{is_punct, stream};
use super::values;
use crate::declaration::{CodeChoice, ModelDeclaration};
use crate::diagnostic::Diagnostics;
use crate::target::Architecture;

/// How many of the trees are a model's path; 0 where something else begins.
pub(super) fn length(trees: &[TokenTree]) -> usize {
    let is_path = match trees {
        [TokenTree::Literal(literal), ..] => literal.to_string().contains('"'),
        [TokenTree::Ident(name), bang, ..] => {
            (name == "env" || name == "concat") && is_punct(Some(bang), '!')
        }
        _ => false,
    };
    let end = trees.iter().position(|tree| is_punct(Some(tree), ','));
    if is_path {
        end.unwrap_or(trees.len())
    } else {
        0
    }
}

/// Reads the path.
pub(super) fn read(trees: &[TokenTree], errors: &mut Diagnostics) -> ModelAst {
    ModelAst {
        tokens: stream(trees),
        path: values::path(trees, ("a model is a path", "model"), errors),
    }
}

/// What the keys say; keys that a model has no use for are errors.
pub(super) fn lower(source: &Source, errors: &mut Diagnostics) -> ModelDeclaration {
    let budget = budget(&source.values);
    let is_on_avr = budget
        .target
        .is_some_and(|target| target.architecture == Architecture::Avr);
    for entry in &source.keys {
        let why = match entry.key {
            Key::Target | Key::Sram | Key::Flash | Key::Reserve | Key::Plan => continue,
            Key::Code if is_on_avr || source.values.code != Some(CodeChoice::Unrolled) => continue,
            Key::Code => {
                "a model's weights are tables on all targets but AVR: write `code: table`, or leave \
                 `code` out"
            }
            Key::Weights => "a model's file has its weights: leave `weights` out",
            Key::Bits => "a model's file says its widths, which are 8 bits: leave `bits` out",
            Key::Results => {
                "a model's results have the type that its file says: leave `results` out"
            }
            Key::Window => {
                "windows are of networks that are declared: leave `window` out, and give the \
                 model whole inputs"
            }
            Key::Sparsity => "a model is trained already: leave `sparsity` out",
            Key::Features => {
                "features are of networks that are declared: leave `features` out, and give the \
                 model what it was trained on"
            }
        };
        let at: TokenStream = match entry.key {
            Key::Code => entry.value.clone(),
            _ => TokenTree::Ident(entry.name.clone()).into(),
        };
        errors.error(at, why);
    }
    ModelDeclaration {
        budget,
        reserve: reserve(&source.values),
        plan: source
            .values
            .plan
            .as_ref()
            .map(|plan| plan.choice)
            .unwrap_or_default(),
        code: source.values.code.unwrap_or_default(),
    }
}
