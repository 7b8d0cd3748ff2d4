//! The portable backend: a program written down as Rust, one function a layer.
//!
//! It decides nothing. What it emits names everything by an absolute path or
//! through two imports of a module of its own, so that nothing of the
//! user's module can be mistaken for ours.

mod backend;
mod dense;
mod fields;
mod intake;
mod operands;
mod own;
mod point;
mod pooling;
mod quantised;
mod rearrange;
mod segment;
mod sink;
mod site;
mod stage;
mod streamed_dense;
mod sum;
mod tables;
mod window;

pub(crate) use operands::parameters_type;
pub(crate) use quantised::shares;

pub(crate) use backend::Portable;

use super::PixelFunctions;
use crate::network::{Element, ValueId};
use crate::plan::Place;
use crate::program::{
    Accumulator, ByPixel, Job, Operation, Program, QuantisedKernel, ResultInteger, Step,
};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use site::StepSite;

/// The functions and tables of a program.
///
/// Expects `runtime` (the hidden module of `herringbone`) and the primitive
/// types to be in scope; gives `absorb`, which takes one byte in, and `infer`,
/// which computes the results from a complete input and, where they come at run
/// time, the parameters. A machine may have functions for the pixels of some layers.
pub(crate) fn emit(program: &Program, pixel_functions: Option<&PixelFunctions>) -> TokenStream {
    let arena_bytes = count(program.arena_bytes);
    let results = results_type(program);
    let tables = tables::emit(program, pixel_functions);
    let functions_of_pixels = pixel_functions.map(|functions| &functions.items);
    let absorb = intake::emit(program);
    let stages = match stage::is_plain(program) {
        true => (!program.stages().is_empty()).then(|| stage::emit(program)),
        false => Some(segment::emit_arriving(program, pixel_functions)),
    };
    let segments = segment::emit_completed(program, pixel_functions);
    let parameters = parameters_type(program).filter(|_| program.steps_read_parameters());
    let parameters = parameters.map(|bytes| quote!(parameters: &#bytes,));
    let argument = parameters.as_ref().map(|_| quote!(parameters,));
    let functions = program.steps().map(|step| {
        let name = step_name(step);
        let body = step_body((program, step), pixel_functions);
        let parameters = parameters
            .as_ref()
            .filter(|_| reads_parameters(&step.operation));
        let signature = if step.stores {
            quote!(arena: &mut [u8; #arena_bytes], #parameters)
        } else {
            quote!(arena: &[u8; #arena_bytes], #parameters results: &mut #results)
        };
        quote! {
            #[inline(never)]
            fn #name(#signature) { #body }
        }
    });
    let calls = program.completed().iter().enumerate().map(|(index, job)| {
        let argument = argument.as_ref().filter(|_| job.reads_parameters());
        match job {
            Job::Segment(_) => {
                let name = segment::name(index);
                quote!(#name(arena, #argument);)
            }
            Job::Layer(step) => {
                let name = step_name(step);
                let results = (!step.stores).then(|| quote!(results));
                quote!(#name(arena, #argument #results);)
            }
        }
    });
    let emission = emission(program);
    let count_of_results = count(program.results.count);
    quote! {
        #tables
        #functions_of_pixels
        #absorb
        #stages
        #(#segments)*
        #(#functions)*
        #[inline(never)]
        pub(super) fn infer(arena: &mut [u8; #arena_bytes], #parameters results: &mut #results) {
            *results = [0; #count_of_results];
            #(#calls)*
            #emission
        }
    }
}

/// The type of what an inference returns.
pub(crate) fn results_type(program: &Program) -> TokenStream {
    let integer = match program.results.integer {
        ResultInteger::Byte => Ident::new("i8", Span::call_site()),
        ResultInteger::Sum(accumulator) => integer(accumulator),
    };
    let length = count(program.results.count);
    quote!([#integer; #length])
}

/// The integer that results are stored in: that of the program, or, of a design
/// to size, the widest that its weights may want.
pub(crate) fn stored_results(program: Option<&Program>) -> Accumulator {
    program.map_or(Accumulator::I32, |program| program.results.accumulator())
}

/// Whether an operation has parameters, which may come at run time.
fn reads_parameters(operation: &Operation) -> bool {
    operation.has_parameters()
}

fn step_name(step: &Step) -> Ident {
    format_ident!("layer_{}", step.node.index())
}

fn step_body(
    (program, step): (&Program, &Step),
    pixel_functions: Option<&PixelFunctions>,
) -> TokenStream {
    let site = StepSite {
        program,
        step,
        pixel_functions,
    };
    if let Operation::Rearrange(it) = &step.operation {
        return rearrange::emit(&site, it);
    }
    if let Operation::Quantised(it) = &step.operation {
        return match &it.kernel {
            QuantisedKernel::Dense(sum) => quantised::dense_step(&site, sum),
            QuantisedKernel::Pool { pooling, finish } => {
                quantised::pool_step(&site, *pooling, finish)
            }
            QuantisedKernel::Convolution(_)
            | QuantisedKernel::Depthwise { .. }
            | QuantisedKernel::Pixel { .. }
            | QuantisedKernel::Concat(_) => quantised::fields(&site, it),
        };
    }
    match step.operation.by_pixel() {
        Some(ByPixel::Sums(sum)) => dense::emit(&site, sum),
        Some(ByPixel::Windows(pooling)) => pooling::emit(&site, pooling),
        Some(ByPixel::Steps(_)) => unreachable!("it runs in a segment"),
        None => fields::emit(&site, &step.operation, step.joined.len()),
    }
}

/// Copies what is stored of the results: sums that a stage keeps, or a last map,
/// in row-major order.
fn emission(program: &Program) -> TokenStream {
    match program.place_of_results() {
        Place::Nowhere | Place::Ring(_) | Place::Windows(_) => TokenStream::new(),
        Place::Sums(_) => {
            let first = program.results.place_byte.map(count);
            quote!(runtime::copy_sums(arena, #first, results);)
        }
        Place::Whole(_) => {
            let maps = program
                .outputs()
                .map(|output| emission_of_map(program, output));
            quote! {
                let mut first = 0;
                #(#maps)*
            }
        }
    }
}

/// Copies a map of results, from the `first` one on.
fn emission_of_map(program: &Program, output: ValueId) -> TokenStream {
    let map = program.map(output);
    let window = window::FieldWalk::of_whole(map, output.index());
    let walk = window.walk_row_major(map.shape.height, map.shape.width);
    let cell = window.cell(0, 0);
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let aligned = map.is_byte_aligned(program.activation_bits);
    let signed = map.signed;
    let channels = count(map.shape.channels);
    if map.element == Element::Wide {
        let values = count(map.shape.channels / program.cells_of(output));
        return quote! {
            for field in #walk {
                runtime::emit_wide::<#bits>(results, (first, #values), arena, #cell);
                first = first.wrapping_add(#values);
            }
        };
    }
    let emit = match program.results.integer {
        ResultInteger::Byte => quote!(runtime::emit_bytes::<#channels>),
        ResultInteger::Sum(_) => quote!(runtime::emit::<#bits, #aligned, #signed, #channels>),
    };
    quote! {
        for field in #walk {
            #emit(results, first, arena, #cell);
            first = first.wrapping_add(#channels);
        }
    }
}

/// The type of the cursor.
fn cursor_type(program: &Program) -> TokenStream {
    let sizes = cursor_sizes(program);
    quote!(runtime::Cursor<#sizes>)
}

/// Its const arguments: bytes of the row and of the column, and positions.
pub(crate) fn cursor_sizes(program: &Program) -> TokenStream {
    let (rows, columns) = program.cursor_axis_bytes();
    let (rows, columns, positions) = (count(rows), count(columns), count(program.positions));
    quote!(#rows, #columns, #positions)
}

/// A count as a plain literal.
fn count(number: u32) -> Literal {
    Literal::u32_unsuffixed(number)
}

/// The type of a sum.
pub(crate) fn integer(accumulator: Accumulator) -> Ident {
    Ident::new(
        match accumulator {
            Accumulator::I16 => "i16",
            Accumulator::I32 => "i32",
        },
        Span::call_site(),
    )
}
