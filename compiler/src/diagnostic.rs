//! Errors of a declaration, collected until all of them are known.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors found so far, each at the tokens that are responsible for it.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    errors: Vec<syn::Error>,
}

impl Diagnostics {
    /// No errors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error that points at `tokens`, from the first of them to the
    /// last, or at the whole macro call where there are none.
    pub fn error(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.errors.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error that `syn` has found.
    pub fn push(&mut self, error: syn::Error) {
        self.errors.extend(error);
    }

    /// Adds all errors of `other`.
    pub fn append(&mut self, other: Diagnostics) {
        self.errors.extend(other.errors);
    }

    /// Whether there is no error.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The messages in source order.
    pub fn messages(&self) -> Vec<String> {
        self.in_source_order()
            .iter()
            .map(|error| error.to_string())
            .collect()
    }

    /// The messages in source order, each with the tokens that it is about.
    pub fn spanned(&self) -> Vec<(Span, String)> {
        self.in_source_order()
            .iter()
            .map(|error| (error.span(), error.to_string()))
            .collect()
    }

    /// One `::core::compile_error! { … }` item an error, in source order.
    pub fn to_compile_errors(&self) -> TokenStream {
        self.in_source_order()
            .iter()
            .map(|error| error.to_compile_error())
            .collect()
    }

    fn in_source_order(&self) -> Vec<&syn::Error> {
        let mut errors: Vec<_> = self.errors.iter().collect();
        errors.sort_by_key(|error| {
            let start = error.span().start();
            (start.line, start.column)
        });
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_in_source_order_whatever_the_order_of_finding() {
        let tokens: Vec<_> = "first\n second third"
            .parse::<TokenStream>()
            .unwrap()
            .into_iter()
            .collect();
        let mut errors = Diagnostics::new();
        for index in [2, 0, 1] {
            errors.error(&tokens[index], format!("about {}", tokens[index]));
        }
        assert_eq!(
            errors.messages(),
            ["about first", "about second", "about third"]
        );
        let items = errors.to_compile_errors().to_string();
        assert_eq!(items.matches("compile_error").count(), 3);
    }
}
