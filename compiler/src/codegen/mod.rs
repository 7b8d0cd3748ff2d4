//! The portable backend: a program written down as Rust, one function a layer.
//!
//! It decides nothing. What it emits names everything by an absolute path or
//! through two imports of a module of its own, so that nothing of the
//! user's module can be mistaken for ours.

mod assembly;
mod dense;
mod intake;
mod operands;
mod pooling;
mod sum;
mod tables;
mod window;

pub(crate) use operands::parameters_type;

pub(crate) use assembly::emit as emit_assembly;

use crate::program::{Accumulator, Map, Operation, Program, Step};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

/// The functions and tables of a program.
///
/// Expects `runtime` (the hidden module of `herringbone`) and the primitive
/// types to be in scope; gives `absorb`, which takes one byte in, and `infer`,
/// which computes the results from a complete input and, where they come at run
/// time, the parameters.
pub(crate) fn emit(program: &Program) -> TokenStream {
    let arena_bytes = count(program.arena_bytes);
    let results = results_type(program);
    let tables = tables::emit(program);
    let absorb = intake::emit(program);
    let parameters = parameters_type(program);
    let parameters = parameters.map(|bytes| quote!(parameters: &#bytes,));
    let argument = parameters.as_ref().map(|_| quote!(parameters,));
    let reads_parameters = |step: &Step| step.operation.sums().next().is_some();
    let functions = program.steps.iter().enumerate().map(|(index, step)| {
        let name = step_name(step);
        let body = step_body(program, index, step);
        let parameters = parameters.as_ref().filter(|_| reads_parameters(step));
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
    let calls = program.steps.iter().map(|step| {
        let name = step_name(step);
        let argument = argument.as_ref().filter(|_| reads_parameters(step));
        if step.stores {
            quote!(#name(arena, #argument);)
        } else {
            quote!(#name(arena, #argument results);)
        }
    });
    let emission = emission(program);
    let count_of_results = count(program.results.count);
    quote! {
        #tables
        #absorb
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
    let integer = integer(program.results.accumulator);
    let length = count(program.results.count);
    quote!([#integer; #length])
}

fn step_name(step: &Step) -> Ident {
    format_ident!("layer_{}", step.layer.0)
}

fn step_body(program: &Program, index: usize, step: &Step) -> TokenStream {
    let site = Site {
        program,
        step,
        index,
    };
    match &step.operation {
        Operation::Convolution(sum) => sum::convolution(&site, sum),
        Operation::Separable {
            depthwise,
            pointwise,
        } => sum::separable(&site, depthwise, pointwise),
        Operation::Dense(sum) => dense::emit(&site, sum),
        Operation::AveragePool { shift } => pooling::average(&site, *shift),
        Operation::MaxPool => pooling::maximum(&site),
    }
}

/// Copies a last map that is stored to the results, in row-major order.
fn emission(program: &Program) -> TokenStream {
    if program.steps.last().is_some_and(|step| !step.stores) {
        return TokenStream::new();
    }
    let index = program.maps.len() - 1;
    let map = &program.maps[index];
    let window = window::Window::of_whole(map, index);
    let walk = window.walk_row_major(map.shape.height, map.shape.width);
    let cell = window.cell(0, 0);
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let aligned = map.is_byte_aligned(program.activation_bits);
    let signed = map.signed;
    let channels = count(map.shape.channels);
    quote! {
        let mut first = 0;
        for field in #walk {
            runtime::emit::<#bits, #aligned, #signed, #channels>(results, first, arena, #cell);
            first = first.wrapping_add(#channels);
        }
    }
}

/// What an operation is emitted for.
struct Site<'a> {
    program: &'a Program,
    step: &'a Step,
    index: usize,
}

impl Site<'_> {
    fn input(&self) -> &Map {
        &self.program.maps[self.index]
    }

    fn output(&self) -> &Map {
        &self.program.maps[self.index + 1]
    }

    fn bits(&self) -> Literal {
        Literal::u32_unsuffixed(self.program.activation_bits)
    }

    fn weight_bits(&self) -> Literal {
        Literal::u32_unsuffixed(self.program.weight_bits)
    }

    /// Whether a product of an activation and a weight fits 8 bits.
    fn narrow(&self) -> bool {
        self.program.activation_bits == 4 && self.program.weight_bits <= 4
    }

    /// The values of the input pixel that begins at `cell`.
    fn load(&self, cell: &TokenStream) -> TokenStream {
        let (bits, map) = (self.bits(), self.input());
        let aligned = map.is_byte_aligned(self.program.activation_bits);
        let channels = count(map.shape.channels);
        let values = quote!(runtime::load::<#bits, #aligned, #channels>(arena, #cell));
        if map.signed {
            quote!(runtime::signed::<#bits, #channels>(#values))
        } else {
            values
        }
    }

    /// A loop over the layer's outputs; `body` computes one, and ends in an
    /// array of its values: activations to store, or results.
    fn for_each_output(&self, body: &TokenStream) -> TokenStream {
        let window = window::Window::of(self);
        let walk = window.walk();
        let channels = count(self.step.output.channels);
        if !self.step.stores {
            return quote! {
                let mut first = 0;
                for field in #walk {
                    let values = { #body };
                    runtime::put(results, first, values);
                    first = first.wrapping_add(#channels);
                }
            };
        }
        let bits = self.bits();
        let aligned = self.output().is_byte_aligned(self.program.activation_bits);
        let pixels = window::stored_pixels(self.output(), self.step.order);
        quote! {
            let mut pixels = #pixels;
            for field in #walk {
                let values = { #body };
                runtime::store::<#bits, #aligned, #channels>(arena, pixels.next_cell(), values);
            }
        }
    }
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
