//! Operators of 8-bit models: the sums and windows of other layers, and TensorFlow Lite's way from
//! those to bytes.

use super::operands::Operands;
use super::point::PointSite;
use super::site::{Site, StepSite};
use super::{count, dense, pooling, sum, tables};
use crate::backend::{PixelCall, PixelFunctions, PixelValues};
use crate::network::{NodeId, ReceptiveField};
use crate::program::{
    ConstantParameters, Operand, Operation, Pixelwise, PoolFinish, Pooling, Program, Quantised,
    QuantisedKernel, RescaledSum, SumParameters,
};
use herringbone_tflite::Rescale;
use herringbone_tflite::operators::{Addition, LEFT_SHIFT, Multiplication, Range, Sign};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The code of an operator that computes each pixel from a whole field.
///
/// # Panics
/// Of one that takes pixels in.
pub(super) fn fields(site: &dyn Site, operation: &Quantised) -> TokenStream {
    let layer = site.layer();
    let values = match &operation.kernel {
        QuantisedKernel::Convolution(sum) => convolution(site, sum),
        QuantisedKernel::Depthwise { sum, multiplier } => depthwise(site, sum, *multiplier),
        QuantisedKernel::Pixel { .. } => site.tap_values().remove(0),
        QuantisedKernel::Concat(parts) => concatenate(site, parts),
        QuantisedKernel::Dense(_) | QuantisedKernel::Pool { .. } => {
            unreachable!("it takes pixels in")
        }
    };
    let followers = (0..).zip(&operation.followers).map(|(index, follower)| {
        let next = pixelwise(site, table_name(layer, index), follower);
        quote!(let values = #next;)
    });
    site.for_each_output(&quote! {
        let values = #values;
        #(#followers)*
        values.map(|value| value as u8)
    })
}

fn convolution(site: &dyn Site, sum: &RescaledSum) -> TokenStream {
    let products = &sum.products;
    let operands = Operands::of(site.layer(), products, 0);
    let tap_weights = constants(sum)
        .weights
        .chunks((products.inputs * products.outputs) as usize);
    let taps = site.tap_values().into_iter().zip(tap_weights);
    let taps = (0..).zip(taps).filter_map(|(tap, (values, weights))| {
        let matters = weights.iter().any(|&weight| weight != 0);
        let sums = quote!(sums);
        matters.then(|| sum::table_tap(site, products, &operands, tap, &sums, &quote!(&#values)))
    });
    let (outputs, bytes) = (count(products.outputs), requantised(site.layer(), sum));
    let portable = quote!({
        let mut sums: [i32; #outputs] = [0; #outputs];
        #(#taps)*
        #bytes
    });
    or_by_function(site, products.outputs, portable)
}

/// The bytes of a pixel by what a machine has for it, or as is `portable`.
fn or_by_function(site: &dyn Site, outputs: u32, portable: TokenStream) -> TokenStream {
    let functions = site.pixel_functions();
    let call = functions.and_then(|it| Some((it, it.calls.get(&site.layer())?)));
    let Some((PixelFunctions { condition, .. }, PixelCall { name, values })) = call else {
        return portable;
    };
    let values = match values {
        PixelValues::Together => {
            let taps = site.tap_values();
            quote!([#(#taps),*].as_ptr().cast())
        }
        PixelValues::OfOneTap(tap) => site.tap_addresses().swap_remove(*tap as usize),
        PixelValues::ByAddress(taps) => {
            let addresses = site.tap_addresses();
            let addresses = taps.iter().map(|&tap| &addresses[tap as usize]);
            quote!([#(#addresses),*].as_ptr().cast())
        }
    };
    let outputs = count(outputs);
    // What the `unsafe` block relies on: all taps are values of the arena, or of a constant, and
    // the function writes that many bytes (`simulator32/tests/models.rs`).
    quote!({
        #[cfg(not(#condition))]
        let these_bytes = #portable;
        #[cfg(#condition)]
        let these_bytes = {
            let mut these_bytes = ::core::mem::MaybeUninit::<[i8; #outputs]>::uninit();
            // SAFETY: the values are those that the function was made for, and it writes all bytes.
            unsafe {
                #name(#values, these_bytes.as_mut_ptr().cast());
                these_bytes.assume_init()
            }
        };
        these_bytes
    })
}

fn depthwise(site: &dyn Site, sum: &RescaledSum, multiplier: u32) -> TokenStream {
    let products = &sum.products;
    let operands = Operands::of(site.layer(), products, 0);
    let (outputs, bytes) = (count(products.outputs), requantised(site.layer(), sum));
    let values = site
        .tap_values()
        .into_iter()
        .map(|values| match multiplier {
            1 => values,
            _ => {
                let (channels, times) = (count(site.source().channels), count(multiplier));
                quote!(runtime::repeat::<#channels, #outputs>(#values, #times))
            }
        });
    let taps = sum::depthwise_taps(site, products, &operands, values);
    let portable = quote!({
        let mut depths: [i32; #outputs] = [0; #outputs];
        #(#taps)*
        let sums = depths;
        #bytes
    });
    or_by_function(site, products.outputs, portable)
}

fn concatenate(site: &dyn Site, parts: &[Operand]) -> TokenStream {
    let mut first = 0;
    let parts: Vec<TokenStream> = parts
        .iter()
        .map(|part| {
            let (channels, values) = match part {
                Operand::Running => {
                    let values = site.load(&site.tap_cells()[0]);
                    (site.source().channels, values)
                }
                Operand::Joined(index) => {
                    let (source, cell) = site.joined(*index);
                    (source.channels, site.load_from(source, &cell))
                }
                Operand::Constant(_) => unreachable!("models that join constants have no plan"),
            };
            let at = count(first);
            first += channels;
            quote!(runtime::put(&mut values, #at, #values);)
        })
        .collect();
    let channels = count(first);
    quote!({
        let mut values = [0i8; #channels];
        #(#parts)*
        values
    })
}

/// A table, and `shares`, which makes shares of a pixel as that node does, with a function for
/// the upper half of a product, doubled and rounded.
///
/// # Panics
/// Where the node does not.
pub(crate) fn shares(program: &Program, node: NodeId) -> TokenStream {
    let step = program.steps().find(|step| step.node == node);
    let step = step.expect("the node has a step");
    let Operation::Quantised(operation) = &step.operation else {
        unreachable!("only models make shares")
    };
    let tables = tables((node, operation), None);
    let table = table_name(node, 0);
    let channels = count(step.output.channels);
    quote! {
        #tables

        pub(super) fn shares(
            values: [i8; #channels],
            high: unsafe extern "C" fn(i32, i32) -> i32,
        ) -> [i8; #channels] {
            // SAFETY: it reads and writes nothing but its arguments and its result.
            runtime::shares(values, &#table, |a, b| unsafe { high(a, b) })
        }
    }
}

/// What a follower makes of `values`, a pixel.
fn pixelwise(site: &dyn Site, table: Ident, follower: &Pixelwise) -> TokenStream {
    let operands = |operands: &[Operand; 2]| {
        let [first, second] = operands.each_ref().map(|operand| match operand {
            Operand::Running => quote!(values),
            Operand::Joined(index) => {
                let (source, cell) = site.joined(*index);
                site.load_from(source, &cell)
            }
            Operand::Constant(_) => quote!(runtime::constant_pixel(&#table)),
        });
        quote!(#first, #second)
    };
    match follower {
        Pixelwise::ByteMap(_) => quote!(runtime::map_bytes(values, &#table)),
        Pixelwise::Softmax(_) => quote!(runtime::shares(values, &#table, runtime::high)),
        Pixelwise::Addition(it, of) => {
            let (how, operands) = (addition(it), operands(of));
            quote!(runtime::add_pixels(#how, #operands))
        }
        Pixelwise::Multiplication(it, of) => {
            let (how, operands) = (multiplication(it), operands(of));
            quote!(runtime::multiply_pixels(#how, #operands))
        }
    }
}

/// The tables of an operator: biases and rescales of its sums, where these are no function's, and
/// those of its followers.
pub(super) fn tables(
    (layer, operation): (NodeId, &Quantised),
    pixel_functions: Option<&PixelFunctions>,
) -> TokenStream {
    let has_function = pixel_functions.filter(|it| it.calls.contains_key(&layer));
    let elsewhere =
        has_function.map(|PixelFunctions { condition, .. }| quote!(#[cfg(not(#condition))]));
    let sums = operation.kernel.sum().map(|sum| {
        let (weights, biases) = tables::sum_names(layer.index(), 0);
        let weights = byte_table(
            &weights,
            constants(sum).weights.iter().map(|&it| packed(it)),
        );
        let biases = tables::table(
            &biases,
            &quote!(i32),
            sum.biases.iter().map(|&bias| Literal::i32_unsuffixed(bias)),
        );
        let rescales = sum.single_rescale().is_none().then(|| {
            let (multipliers, shifts) = rescale_names(layer);
            let rescales = || (0..sum.biases.len()).map(|output| sum.requantise.rescale(output));
            let multipliers = tables::table(
                &multipliers,
                &quote!(i32),
                rescales().map(|it| Literal::i32_unsuffixed(it.multiplier)),
            );
            let shifts = byte_table(&shifts, rescales().map(|it| it.shift as u8));
            quote!(#elsewhere #multipliers #elsewhere #shifts)
        });
        quote!(#elsewhere #weights #elsewhere #biases #rescales)
    });
    let followers = (0..).zip(&operation.followers).map(|(index, follower)| {
        let name = table_name(layer, index);
        let constant_of = |operands: &[Operand; 2]| {
            let mut constants = operands.iter().filter_map(|operand| match operand {
                Operand::Constant(values) => Some(values),
                Operand::Running | Operand::Joined(_) => None,
            });
            let values = constants.next()?;
            Some(byte_table(&name, values.iter().map(|&value| value as u8)))
        };
        match follower {
            Pixelwise::ByteMap(it) => Some(byte_table(&name, it.table.iter().copied())),
            Pixelwise::Softmax(it) => {
                let powers = it
                    .powers
                    .iter()
                    .map(|&power| Literal::i32_unsuffixed(power));
                Some(tables::table(&name, &quote!(i32), powers))
            }
            Pixelwise::Addition(_, operands) | Pixelwise::Multiplication(_, operands) => {
                constant_of(operands)
            }
        }
    });
    quote!(#sums #(#followers)*)
}

/// A weight as it is packed.
fn packed(weight: i8) -> u8 {
    (weight as u8).wrapping_add(128)
}

/// Bytes as one token: models have some hundred thousand.
pub(super) fn byte_table(name: &Ident, bytes: impl Iterator<Item = u8>) -> TokenStream {
    let bytes: Vec<u8> = bytes.collect();
    let (length, bytes) = (count(bytes.len() as u32), Literal::byte_string(&bytes));
    tables::of_array(name, &quote!(u8), &length, &quote!(*#bytes))
}

fn table_name(layer: NodeId, follower: usize) -> Ident {
    format_ident!("TABLE_{}_{follower}", layer.index())
}

/// The tables of multipliers and shifts.
fn rescale_names(layer: NodeId) -> (Ident, Ident) {
    let layer = layer.index();
    (
        format_ident!("MULTIPLIERS_{layer}"),
        format_ident!("SHIFTS_{layer}"),
    )
}

fn constants(sum: &RescaledSum) -> &ConstantParameters {
    match &sum.products.parameters {
        SumParameters::Constant(constants) => constants,
        SumParameters::Runtime(_) => unreachable!("a model's weights are constants"),
    }
}

/// The bytes of `sums`.
fn requantised(layer: NodeId, sum: &RescaledSum) -> TokenStream {
    let arguments = requantise_arguments(layer, sum);
    quote!(runtime::requantise(sums, #arguments))
}

/// The byte of a `sum`, which is that of the `output`.
fn requantised_one(layer: NodeId, sum: &RescaledSum) -> TokenStream {
    let arguments = requantise_arguments(layer, sum);
    quote!(runtime::requantise_one(sum, output, #arguments))
}

fn requantise_arguments(layer: NodeId, sum: &RescaledSum) -> TokenStream {
    let (_, biases) = tables::sum_names(layer.index(), 0);
    let rescales = match sum.single_rescale() {
        Some(single) => rescale(single),
        None => {
            let (multipliers, shifts) = rescale_names(layer);
            quote!((&#multipliers, &#shifts))
        }
    };
    let to = bytes(sum.requantise.zero_point, sum.requantise.range);
    quote!(&#biases, #rescales, #to)
}

fn integer(value: i32) -> Literal {
    Literal::i32_unsuffixed(value)
}

fn rescale(rescale: Rescale) -> TokenStream {
    let (multiplier, shift) = (integer(rescale.multiplier), integer(rescale.shift));
    quote!(runtime::Rescale { multiplier: #multiplier, shift: #shift })
}

fn bytes(zero_point: i32, range: Range) -> TokenStream {
    let (zero_point, least, most) = (
        integer(zero_point),
        integer(range.least.into()),
        integer(range.most.into()),
    );
    quote!(runtime::Bytes { zero_point: #zero_point, least: #least, most: #most })
}

fn addition(it: &Addition) -> TokenStream {
    let zero_points = it.input_zero_points.map(integer);
    let rescales = it.input_rescales.map(rescale);
    let (left, output) = (count(LEFT_SHIFT), rescale(it.output_rescale));
    let subtracts = match it.sign {
        Sign::Plus => false,
        Sign::Minus => true,
    };
    let to = bytes(it.output_zero_point, it.range);
    quote! {
        runtime::Addition {
            zero_points: [#(#zero_points),*],
            rescales: [#(#rescales),*],
            left: #left,
            subtracts: #subtracts,
            rescale: #output,
            to: #to,
        }
    }
}

fn multiplication(it: &Multiplication) -> TokenStream {
    let zero_points = it.input_zero_points.map(integer);
    let rescale = rescale(it.requantise.rescales[0]);
    let to = bytes(it.requantise.zero_point, it.requantise.range);
    quote! {
        runtime::Multiplication {
            zero_points: [#(#zero_points),*],
            rescale: #rescale,
            to: #to,
        }
    }
}

/// A dense layer over a map that is complete.
pub(super) fn dense_step(site: &StepSite<'_>, sum: &RescaledSum) -> TokenStream {
    let byte = requantised_one(site.step.node, sum);
    let cell = count(site.output().first_cell);
    let portable = dense::by_groups(
        site,
        (&sum.products, dense::WIDE_GROUP),
        &quote! {
            let sum = *sum;
            let byte = #byte as u8;
            runtime::store_one::<8>(arena, output.wrapping_add(#cell), byte);
        },
    );
    let functions = site.pixel_functions;
    let call = functions.and_then(|it| Some((it, it.calls.get(&site.layer())?)));
    let Some((PixelFunctions { condition, .. }, PixelCall { name, values })) = call else {
        return portable;
    };
    debug_assert_eq!(
        *values,
        PixelValues::Together,
        "a map is read as it is stored"
    );
    let first_cell = count(site.input().first_cell);
    quote! {
        #[cfg(not(#condition))]
        {
            #portable
        }
        #[cfg(#condition)]
        {
            let first_byte = arena.as_mut_ptr();
            // SAFETY: the map that it reads is in the arena from that cell on, and so is the one
            // that it writes, of which no byte is written before the last value is read that is
            // there.
            unsafe {
                #name(
                    first_byte.wrapping_add(#first_cell).cast_const(),
                    first_byte.wrapping_add(#cell),
                );
            }
        }
    }
}

/// The `values` of a dense layer whose sums the arena keeps.
pub(super) fn kept_sums(site: &PointSite<'_>, sum: &RescaledSum) -> TokenStream {
    let sums = site.stage.plan.sums().expect("a dense layer keeps sums");
    let (first, outputs) = (count(sums.first_byte), count(sum.products.outputs));
    let byte = requantised_one(site.layer(), sum);
    quote! {
        let mut values = [0u8; #outputs];
        let mut output = 0usize;
        for value in &mut values {
            let sum: i32 = runtime::kept_sum(arena, #first, output);
            *value = #byte as u8;
            output = output.wrapping_add(1);
        }
    }
}

/// A pooling of a map that is complete.
pub(super) fn pool_step(site: &StepSite<'_>, pooling: Pooling, finish: &PoolFinish) -> TokenStream {
    let field = site.step.field;
    if field.kernel.taps() <= pooling::MOST_TAPS || field.is_padded() {
        return pool_taps(site, pooling, finish);
    }
    let window = super::window::FieldWalk::of(site);
    let (taps, values) = (window.walk_taps(), site.load(&quote!(tap)));
    let (begin, take) = take(site, pooling);
    let finished = finish_window(pooling, finish, &taps_inside(&field));
    site.for_each_output(&quote! {
        #begin
        for tap in #taps {
            let values = #values;
            #take
        }
        #finished
    })
}

/// A pooling, each tap with code of its own.
pub(super) fn pool_taps(site: &dyn Site, pooling: Pooling, finish: &PoolFinish) -> TokenStream {
    let (begin, take) = take(site, pooling);
    let taps = site.tap_values().into_iter();
    let taps = taps.map(|values| quote!({ let values = #values; #take }));
    let finished = finish_window(pooling, finish, &taps_inside(&site.field()));
    site.for_each_output(&quote! {
        #begin
        #(#taps)*
        #finished
    })
}

/// Begins `kept`, and takes the `values` of a tap in.
fn take(site: &dyn Site, pooling: Pooling) -> (TokenStream, TokenStream) {
    let channels = count(site.source().channels);
    match pooling {
        Pooling::Average(_) => (
            quote!(let mut kept = [0i32; #channels];),
            quote!(runtime::add_each_wide(&mut kept, &values);),
        ),
        Pooling::Maximum => (
            quote!(let mut kept = [i8::MIN; #channels];),
            quote!(runtime::keep_larger(&mut kept, &values);),
        ),
    }
}

/// Taps that are inside of the map, of the output at `pixel`.
fn taps_inside(field: &ReceptiveField) -> TokenStream {
    if !field.is_padded() {
        let taps = count(field.kernel.taps());
        return quote!(#taps);
    }
    let side = |first: TokenStream, taps: u32, before: u32, map: u32| {
        let (taps, before, map) = (count(taps), count(before), count(map));
        quote!(runtime::taps_inside(#first, #taps, #before, #map))
    };
    let (kernel, map) = (field.kernel, field.map);
    let rows = side(quote!(first_row), kernel.height, field.top, map.height);
    let columns = side(quote!(first_column), kernel.width, field.left, map.width);
    quote!(runtime::offset(#rows, #columns))
}

/// The bytes, as they are stored, of what a window has `kept`.
pub(super) fn finish_window(
    pooling: Pooling,
    finish: &PoolFinish,
    inside: &TokenStream,
) -> TokenStream {
    let bytes = match (finish, pooling) {
        (PoolFinish::Within(range), Pooling::Average(_)) => {
            let to = bytes(0, *range);
            quote!(runtime::rounded_averages(kept, #inside, #to))
        }
        (PoolFinish::Within(_), Pooling::Maximum) if finish.keeps_a_maximum() => quote!(kept),
        (PoolFinish::Within(range), Pooling::Maximum) => {
            let to = bytes(0, *range);
            quote!(runtime::within(kept, #to))
        }
        (PoolFinish::Mean(mean), _) => {
            let (zero, rescale) = (integer(mean.zero_of_sum()), rescale(mean.rescale));
            let to = bytes(mean.output_zero_point, Range::ALL);
            quote!(runtime::means(kept, #zero, #rescale, #to))
        }
    };
    quote!(#bytes.map(|value| value as u8))
}
