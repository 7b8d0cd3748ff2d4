//! Constant tables, which stay in flash.

use super::{count, own, quantised, rearrange};
use crate::backend::PixelFunctions;
use crate::network::ValueId;
use crate::program::{Addressing, Form, Operation, Program, SumParameters, pack_row};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// Every table of the program.
pub(super) fn emit(program: &Program, pixel_functions: Option<&PixelFunctions>) -> TokenStream {
    let cells = program.arena_bytes * (8 / program.activation_bits);
    let maps = program.maps.iter().filter_map(|(value, map)| {
        let map = map.as_ref()?;
        match &map.addressing {
            Addressing::Table(entries) if is_read_by_pixel(program, value) => {
                let wide = cells > 1 << 16;
                let entry = if wide { quote!(u32) } else { quote!(u16) };
                let entries = entries.iter().map(|&cell| Literal::u32_unsuffixed(cell));
                Some(table(&map_name(value.index()), &entry, entries))
            }
            Addressing::Table(_) | Addressing::Affine => None,
        }
    });
    let stages = program.all_stages();
    let stages = stages.map(|stage| (stage.plan.node, &stage.operation));
    let steps = program.steps();
    let steps = steps.map(|step| (step.node, &step.operation));
    let sums = stages.chain(steps).flat_map(|(layer, operation)| {
        let quantised = match operation {
            Operation::Quantised(it) => Some(quantised::tables((layer, it), pixel_functions)),
            Operation::Rearrange(it) => Some(rearrange::tables(layer, it)),
            Operation::Recurrent(_) | Operation::Tree(_) | Operation::Prototypes(_) => {
                Some(own::tables(layer, operation))
            }
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat => None,
        };
        let sums = operation.sums().enumerate().filter(|_| quantised.is_none());
        let sums: Vec<TokenStream> = sums
            .filter_map(move |(half, sum)| match &sum.parameters {
                SumParameters::Constant(constants) if constants.form == Form::Table => {
                    let (weights, biases) = sum_names(layer.index(), half);
                    let rows = constants.weights.chunks(sum.outputs as usize);
                    let packed = rows.flat_map(|row| pack_row(row, program.weight_bits));
                    let packed = packed.map(Literal::u8_unsuffixed);
                    let weights = table(&weights, &quote!(u8), packed);
                    let values = constants.biases.iter();
                    let values = values.map(|&bias| Literal::i32_unsuffixed(bias));
                    let integer = match sum.bias_bytes() {
                        4 => quote!(i32),
                        _ => quote!(i16),
                    };
                    let biases = table(&biases, &integer, values);
                    Some(quote!(#weights #biases))
                }
                SumParameters::Constant(_) | SumParameters::Runtime(_) => None,
            })
            .collect();
        quantised.into_iter().chain(sums)
    });
    quote!(#(#maps)* #(#sums)*)
}

/// Whether code finds single pixels of the map: a dense layer reads it as it
/// is stored, and only the intake and the stages write pixels in another order.
fn is_read_by_pixel(program: &Program, value: ValueId) -> bool {
    let mut readers = program.steps().filter(|step| step.input == value);
    let reads_as_stored = readers.any(|step| step.operation.is_dense());
    let by_a_step = program.steps().any(|step| step.writes == value);
    !by_a_step || !reads_as_stored
}

pub(super) fn table(
    name: &Ident,
    entry: &TokenStream,
    entries: impl Iterator<Item = Literal>,
) -> TokenStream {
    let entries: Vec<Literal> = entries.collect();
    let length = count(entries.len() as u32);
    of_array(name, entry, &length, &quote!([#(#entries),*]))
}

/// The table of an array of that length.
pub(super) fn of_array(
    name: &Ident,
    entry: &TokenStream,
    length: &Literal,
    array: &TokenStream,
) -> TokenStream {
    quote! {
        #[cfg_attr(target_arch = "avr", unsafe(link_section = ".progmem.data"))]
        static #name: runtime::Flash<#entry, #length> = runtime::Flash::new(#array);
    }
}

/// The address table of map `index`.
pub(super) fn map_name(index: usize) -> Ident {
    format_ident!("CELLS_OF_MAP_{index}")
}

/// The tables of weights and biases of a layer's first or second sum.
pub(super) fn sum_names(layer: usize, half: usize) -> (Ident, Ident) {
    match half {
        0 => (
            format_ident!("WEIGHTS_{layer}"),
            format_ident!("BIASES_{layer}"),
        ),
        _ => (
            format_ident!("POINTWISE_WEIGHTS_{layer}"),
            format_ident!("POINTWISE_BIASES_{layer}"),
        ),
    }
}
