//! Errors of a declaration, collected until all of them are known.

use std::collections::BTreeMap;
use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Attribute;

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

    /// One `::core::compile_error! { … }` item an error, in source order. Each has
    /// these attributes: its declaration's `#[cfg]`s.
    pub fn to_compile_errors(&self, conditions: &[&Attribute]) -> TokenStream {
        let errors = self.in_source_order();
        errors
            .iter()
            .map(|error| {
                let item = compile_error(error);
                let conditions = conditions.iter();
                quote::quote!(#(#conditions)* #item)
            })
            .collect()
    }

    /// Of each kind, the first ten, and at the next one how many more there are.
    fn in_source_order(&self) -> Vec<syn::Error> {
        let mut errors: Vec<_> = self.errors.iter().collect();
        errors.sort_by_key(|error| {
            let start = error.span().start();
            (start.line, start.column)
        });
        let mut of_kind: BTreeMap<String, usize> = BTreeMap::new();
        for error in &errors {
            *of_kind.entry(kind(&error.to_string())).or_default() += 1;
        }
        let mut shown: BTreeMap<String, usize> = BTreeMap::new();
        errors
            .into_iter()
            .filter_map(|error| {
                let kind = kind(&error.to_string());
                let all = of_kind[&kind];
                let shown = shown.entry(kind).or_default();
                *shown += 1;
                match *shown {
                    // One more takes no more room than its number.
                    ..=MOST_OF_A_KIND => Some(error.clone()),
                    next if next == MOST_OF_A_KIND + 1 && next == all => Some(error.clone()),
                    next if next == MOST_OF_A_KIND + 1 => {
                        let more = all - MOST_OF_A_KIND;
                        let message = format!("and {more} more errors like those before");
                        Some(syn::Error::new(error.span(), message))
                    }
                    _ => None,
                }
            })
            .collect()
    }
}

/// Errors that are shown of each kind.
const MOST_OF_A_KIND: usize = 10;

/// A message without what differs between errors of a kind: names and numbers.
fn kind(message: &str) -> String {
    let outside_of_quotes = message.split('`').step_by(2).collect::<String>();
    outside_of_quotes.replace(|letter: char| letter.is_ascii_digit(), "")
}

/// An item that is that error, from the first of its tokens to the last.
fn compile_error(error: &syn::Error) -> TokenStream {
    if !may_be_edition_2015() {
        return error.to_compile_error();
    }
    // There, `::core` at the user's tokens is a module of the user's. As ours, it
    // is the crate; the message then ends with a note on the macro.
    let place = error.span().resolved_at(Span::mixed_site());
    let message = error.to_string();
    quote_spanned!(place=> ::core::compile_error! { #message })
}

/// Whether the crate to be compiled may be of edition 2015, which no span says: the
/// arguments of rustc, in whose process a macro runs, say any other one.
fn may_be_edition_2015() -> bool {
    let mut arguments = std::env::args().skip_while(|it| !it.starts_with("--edition"));
    match arguments.next().as_deref() {
        None | Some("--edition=2015") => true,
        Some("--edition") => arguments.next().is_none_or(|edition| edition == "2015"),
        Some(_) => false,
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
        let items = errors.to_compile_errors(&[]).to_string();
        assert_eq!(items.matches("compile_error").count(), 3);
    }
    #[test]
    fn errors_of_a_kind_end_with_how_many_more_there_are() {
        let layers = "C1(0,3), ".repeat(25);
        let text = format!("N: [28, 28, 1] => < {layers} X, D*(10) >");
        let errors = crate::syntax::parse(text.parse().unwrap()).errors;
        let messages = errors.messages();
        assert_eq!(messages.len(), 12, "{messages:#?}");
        assert!(messages[9].contains("found 0"));
        assert_eq!(messages[10], "and 15 more errors like those before");
        assert!(messages[11].contains("`X`"));
    }
}
