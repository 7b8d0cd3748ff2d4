//! `step`: a row of an input that never ends, of a network that begins with a recurrent cell.

use super::api::Api;
use super::stream::Stream;
use crate::network::{Element, Network, Node};
use crate::program::{EndlessRows, Program};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The function that the method is made of, and the method; without the function, a method that says
/// why there is none, or nothing where there is no reason to look for it. A network to size has no
/// program.
pub(super) fn emit(
    api: &Api<'_>,
    stream: &Stream<'_>,
    network: &Network,
    program: Option<&Program>,
) -> (Option<TokenStream>, Option<TokenStream>) {
    let first = network.computing_nodes().next();
    let begins_with_a_cell = first.is_some_and(|node| node.kind.keeps_states());
    let goes_on = !stream.has_windows() && network.features().is_none();
    if !begins_with_a_cell || !goes_on {
        return (None, None);
    }
    let path = api.path;
    if has_results_of_all_steps(network) {
        let bound = quote!(#path::__private::TakenByLastState<Self>);
        return (None, Some(refusal(api, &bound)));
    }
    match program.map(Program::endless_rows) {
        Some(Some(rows)) => (Some(function(api, rows)), Some(method(api, rows))),
        Some(None) => {
            let bound = quote!(#path::__private::TakenByStreamed<Self>);
            (None, Some(refusal(api, &bound)))
        }
        None => {
            let bound = quote!(#path::__private::TakenByWeighted<Self>);
            (None, Some(refusal(api, &bound)))
        }
    }
}

/// Whether the states of all steps are results, or go to something else than a cell.
fn has_results_of_all_steps(network: &Network) -> bool {
    let makes_all = |node: &Node| node.kind.keeps_states() && node.output.pixels() > 1;
    let reads_all = |node: &Node| {
        let has_one_state = node.input.pixels() == 1;
        node.input_element == Element::Wide && !node.kind.keeps_states() && !has_one_state
    };
    let mut nodes = network.computing_nodes();
    nodes.any(reads_all) || network.computing_nodes().last().is_some_and(makes_all)
}

/// Expects `absorb` and `infer` to be in scope.
fn function(api: &Api<'_>, rows: EndlessRows) -> TokenStream {
    let (name, output) = (api.name, api.output());
    let (row_bytes, last_row) = (
        Literal::u32_unsuffixed(rows.row_bytes),
        Literal::u32_unsuffixed(rows.last_row),
    );
    quote! {
        fn step(
            this_network: &mut #name,
            next_row: &[u8; #row_bytes],
        ) -> ::core::option::Option<#output> {
            let mut these_results = ::core::option::Option::None;
            for next_byte in next_row {
                if absorb(this_network, *next_byte) {
                    these_results = ::core::option::Option::Some(infer(this_network));
                    this_network.cursor = herringbone_runtime::Cursor::at(#last_row, 0);
                }
            }
            these_results
        }
    }
}

fn method(api: &Api<'_>, rows: EndlessRows) -> TokenStream {
    let output = api.output();
    let row_bytes = Literal::u32_unsuffixed(rows.row_bytes);
    let meaning = api.meaning;
    let count = format!(
        " From the row on that completes an input, {} of them, each gives the results for all rows \
         so far: the states of the cells go on from row to row. They are kept within what they can \
         be after as many rows as an input has.",
        rows.last_row + 1
    );
    quote! {
        /// Takes the next row of an input that never ends.
        ///
        #[doc = #count]
        ///
        /// `begin` forgets the rows; so does a `step` after `push`, `run` or `classify` has completed
        /// an input.
        ///
        #[doc = #meaning]
        #[inline]
        #[must_use = "from an input's last row on, these are its results"]
        pub fn step(&mut self, next_row: &[u8; #row_bytes]) -> ::core::option::Option<#output> {
            step(self, next_row)
        }
    }
}

/// No call of it compiles: the error says what is missing.
fn refusal(api: &Api<'_>, bound: &TokenStream) -> TokenStream {
    let output = api.output();
    quote! {
        #[doc(hidden)]
        #[inline]
        pub fn step<Taken: #bound>(
            &mut self,
            _: &Taken,
        ) -> ::core::option::Option<#output> {
            loop {}
        }
    }
}

/// Of a wrong declaration, whose rows may be of any length.
pub(super) fn stub(output: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        pub fn step(&mut self, _: &[u8]) -> ::core::option::Option<#output> {
            ::core::option::Option::None
        }
    }
}
