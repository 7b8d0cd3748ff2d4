//! Values of whole maps that are moved: nested loops over runs of them.

use super::quantised::byte_table;
use super::site::StepSite;
use super::{count, tables};
use crate::network::NodeId;
use crate::program::{AxisPlaces, Block, BlockAxis, BlockSource, Map, Rearrangement};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The code of a step that moves values.
pub(super) fn emit(site: &StepSite<'_>, operation: &Rearrangement) -> TokenStream {
    let first = first_cell(site.output());
    let fill = operation.fill.map(|fill| {
        let (first, length) = (count(first), count(operation.count));
        let fill = Literal::u8_unsuffixed(fill as u8);
        quote!(runtime::fill_values(arena, #first, #length, #fill);)
    });
    let blocks = (0..).zip(&operation.blocks).map(|(index, block)| {
        let source = match block.source {
            BlockSource::Map(0) => Source::Arena(first_cell(site.input())),
            BlockSource::Map(joined) => {
                let value = site.step.joined[joined - 1];
                Source::Arena(first_cell(site.program.map(value)))
            }
            BlockSource::Constant(_) => Source::Table(table_name(site.step.node, index)),
        };
        let (to, from) = (count(first + block.to), source.begin(block));
        let (loops, values) = runs(block);
        let body = source.run(&values);
        let listed = |axis| listed_name(site.step.node, index, axis);
        let body = loops
            .iter()
            .enumerate()
            .rev()
            .fold(body, |body, (axis, it)| in_loop(it, &listed(axis), &body));
        quote!({
            let (to, from): (usize, usize) = (#to, #from);
            #body
        })
    });
    quote! {
        #fill
        #(#blocks)*
    }
}

/// Where a block's values are.
enum Source {
    /// In the arena, from that cell on.
    Arena(u32),
    /// In that table.
    Table(Ident),
}

impl Source {
    /// The place of a block's first value.
    fn begin(&self, block: &Block) -> Literal {
        match self {
            Self::Arena(first) => count(first + block.from),
            Self::Table(_) => count(block.from),
        }
    }

    /// Moves `values` side by side.
    fn run(&self, values: &Literal) -> TokenStream {
        match self {
            Self::Arena(_) => quote!(runtime::move_values(arena, to, from, #values);),
            Self::Table(table) => {
                quote!(runtime::copy_constants(arena, to, &#table, from, #values);)
            }
        }
    }
}

/// A block's loops around runs of values that are side by side at both places, and the length of
/// a run.
fn runs(block: &Block) -> (&[BlockAxis], Literal) {
    match block.axes.split_last() {
        Some((last, loops)) if last.to_step == 1 && last.from == AxisPlaces::Step(1) => {
            (loops, count(last.count))
        }
        Some(_) | None => (&block.axes, count(1)),
    }
}

fn in_loop(axis: &BlockAxis, listed: &Ident, body: &TokenStream) -> TokenStream {
    let (turns, to_step) = (count(axis.count), count(axis.to_step));
    match axis.from {
        AxisPlaces::Step(step) => {
            // Backwards is forwards by so much that it wraps.
            let step = Literal::isize_unsuffixed(step as isize);
            quote! {
                let (mut next_to, mut next_from) = (to, from);
                for _ in 0..#turns {
                    let (to, from) = (next_to, next_from);
                    { #body }
                    next_to = to.wrapping_add(#to_step);
                    next_from = from.wrapping_add_signed(#step);
                }
            }
        }
        AxisPlaces::Listed(_) => quote! {
            let (first_from, mut next_to) = (from, to);
            for turn in 0..#turns {
                let to = next_to;
                let from = first_from.wrapping_add(#listed.get(turn));
                { #body }
                next_to = to.wrapping_add(#to_step);
            }
        },
    }
}

/// The constants that blocks move, and the places that they list.
pub(super) fn tables(layer: NodeId, operation: &Rearrangement) -> TokenStream {
    let blocks = (0..).zip(&operation.blocks).map(|(index, block)| {
        let constants = match &block.source {
            BlockSource::Map(_) => None,
            BlockSource::Constant(values) => {
                let bytes = values.iter().map(|&value| value as u8);
                Some(byte_table(&table_name(layer, index), bytes))
            }
        };
        let (loops, _) = runs(block);
        let listed = loops
            .iter()
            .enumerate()
            .filter_map(|(axis, it)| match &it.from {
                AxisPlaces::Step(_) => None,
                AxisPlaces::Listed(places) => {
                    let is_wide = places.iter().any(|&place| place > u16::MAX.into());
                    let entry = if is_wide { quote!(u32) } else { quote!(u16) };
                    let name = listed_name(layer, index, axis);
                    let places = places.iter().map(|&place| count(place));
                    Some(tables::table(&name, &entry, places))
                }
            });
        quote!(#constants #(#listed)*)
    });
    quote!(#(#blocks)*)
}

/// The first cell of a map that is stored in one piece.
fn first_cell(map: &Map) -> u32 {
    map.stored_cell(0)
}

fn table_name(layer: NodeId, block: usize) -> Ident {
    format_ident!("CONSTANTS_{}_{block}", layer.index())
}

fn listed_name(layer: NodeId, block: usize, axis: usize) -> Ident {
    format_ident!("PLACES_{}_{block}_{axis}", layer.index())
}
