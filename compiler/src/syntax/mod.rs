//! From the tokens of `network! { … }` to a [`Declaration`], or to every
//! mistake in them. No other module parses.
//!
//! ```text
//! attributes visibility Name : [height, width, channels] => < items > , key : value , …
//! attributes visibility Name : "model.tflite" , key : value , …
//! item: Letter(arguments) | 'label: Letter(arguments) | 'label
//! ```
//! The declaration is cut at commas outside of delimiters, so that a mistake
//! in one layer or key hides no other.

mod ast;
mod edit;
mod features;
mod head;
mod keys;
mod list;
mod lower;
mod mistakes;
mod model;
mod plan;
mod tokens;
mod values;

pub use ast::{
    BytesAst, InputAst, ItemAst, KeyAst, LabelAst, ListAst, ModelAst, NetworkAst, PlanAst,
    ReserveAst, Values,
};
pub use edit::{Edit, declarations, offset, range, range_of};
pub use keys::Key;
pub(crate) use plan::check as check_plan;

use proc_macro2::TokenStream;

use crate::declaration::{Declaration, ModelDeclaration, WeightsSource};
use crate::diagnostic::Diagnostics;

/// What could be read of a declaration.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// There as soon as the name could be read, wrong as the rest may be.
    pub ast: Option<NetworkAst>,
    /// There when nothing is wrong with the text, and it declares a network.
    pub declaration: Option<Declaration>,
    /// There when nothing is wrong with the text, and it names the file of a model.
    pub model: Option<ModelDeclaration>,
    /// Everything that is wrong with the text.
    pub errors: Diagnostics,
    /// What is known of the type to declare.
    pub outline: Outline,
}

/// What is known of the generated type although the declaration may be wrong:
/// enough for a stub with the same methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Bytes of the input.
    pub input_len: Option<usize>,
    /// Samples of an input, where it is made of features.
    pub samples: Option<usize>,
    /// Values of the last layer's output.
    pub classes: Option<usize>,
    /// Where weights come from, and with them `run`.
    pub weights: WeightsSource,
    /// Bytes of the parameters that are loaded at run time.
    pub parameter_bytes: Option<u64>,
}

/// Reads one declaration.
pub fn parse(tokens: TokenStream) -> Parsed {
    let mut errors = Diagnostics::new();
    let source = head::parse(tokens, &mut errors);
    let (declaration, model, outline) = match source.model {
        Some(_) => {
            lower::layout_attributes(&source, &mut errors);
            lower::budget_keys(&source, &mut errors);
            let model = model::lower(&source, &mut errors);
            (None, Some(model), Outline::default())
        }
        None => {
            let (declaration, outline) = lower::lower(&source, &mut errors);
            (declaration, None, outline)
        }
    };
    Parsed {
        ast: source.into_ast(),
        declaration: declaration.filter(|_| errors.is_empty()),
        model: model.filter(|_| errors.is_empty()),
        errors,
        outline,
    }
}

#[cfg(test)]
mod tests;
