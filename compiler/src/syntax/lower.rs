//! From what was written to a [`Declaration`]: what only the parts together
//! can be wrong about.

use super::Outline;
use super::ast::{BytesAst, LayerAst, Source};
use super::keys::Key;
use super::plan;
use super::size;
use super::tokens::alternatives;
use crate::budget::LARGEST_AVR_ARRAY_BYTES;
use crate::declaration::{Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource};
use crate::diagnostic::Diagnostics;
use crate::network::{Kernel, LayerId, LayerKind, MOST_CHANNELS, Network, Shape, ShapeError};
use crate::program::parameter_bytes;
use crate::target::Architecture;
use crate::weights::WeightsValue;

/// Checks the parts against one another; the declaration is there when the
/// shapes are right and no part is missing.
pub(super) fn lower(source: &Source, errors: &mut Diagnostics) -> (Option<Declaration>, Outline) {
    layout_attributes(source, errors);
    budget_keys(source, errors);
    code_of_loaded_weights(source, errors);
    input_array(source, errors);
    let network = network(source, errors);
    if let (Some(plan), Some(network)) = (&source.values.plan, &network) {
        plan::check(plan, network, errors);
    }
    let weights = match (&source.values.weights, source.key(Key::Weights)) {
        (Some(WeightsValue::Runtime), _) => WeightsSource::Runtime,
        (_, Some(_)) => WeightsSource::File,
        (_, None) => WeightsSource::Nowhere,
    };
    let outline = Outline {
        input_len: source.input.values,
        classes: match &network {
            Some(network) => Some(network.output().values() as usize),
            None => dense_outputs(&source.layers),
        },
        weights,
        parameter_bytes: network
            .as_ref()
            .filter(|_| weights == WeightsSource::Runtime)
            .map(parameter_bytes),
    };
    let values = &source.values;
    let declaration = network.map(|network| Declaration {
        network,
        budget: Budget {
            target: values.target,
            sram_bytes: values
                .sram_bytes
                .or(values.target.map(|target| target.sram_bytes)),
            flash_bytes: values
                .flash_bytes
                .or(values.target.map(|target| target.flash_bytes)),
        },
        reserve: Reserve {
            sram_bytes: values.reserve.sram.as_ref().map(|reserve| reserve.bytes),
            flash_bytes: values.reserve.flash.as_ref().map(|reserve| reserve.bytes),
        },
        weights,
        results: values.results,
        plan: values
            .plan
            .as_ref()
            .map_or(PlanChoice::default(), |plan| plan.choice),
        code: values.code.unwrap_or_default(),
        layer_code: source
            .layers
            .iter()
            .enumerate()
            .filter_map(|(index, layer)| Some((LayerId(index), layer.code?)))
            .collect(),
    });
    (declaration, outline)
}

/// The `n` of a last layer `D`: the classes whatever is before it.
fn dense_outputs(layers: &[LayerAst]) -> Option<usize> {
    let dropout = |layer: &&LayerAst| matches!(layer.kind, Some(LayerKind::Dropout { .. }));
    let last = layers.iter().rev().find(|layer| !dropout(layer))?;
    last.text
        .starts_with("D")
        .then_some(last.outputs?)
        .map(|outputs| outputs as usize)
}

fn layout_attributes(source: &Source, errors: &mut Diagnostics) {
    for attribute in &source.attributes {
        if attribute.path().is_ident("repr") {
            errors.error(
                attribute,
                "a network takes no `repr`: its layout is the memory plan's",
            );
        }
    }
}

fn budget_keys(source: &Source, errors: &mut Diagnostics) {
    let values = &source.values;
    if let Some(target) = values.target {
        for (key, bytes) in [
            (Key::Sram, target.sram_bytes),
            (Key::Flash, target.flash_bytes),
        ] {
            if let Some(entry) = source.key(key) {
                let (key, name) = (key.name(), target.name);
                errors.error(
                    &entry.name,
                    format!("`target: {name}` says {bytes} bytes of {key} already: leave `{key}` or `target` out"),
                );
            }
        }
    }
    let target = values.target;
    let sram_bytes = values.sram_bytes.or(target.map(|target| target.sram_bytes));
    let flash_bytes = values
        .flash_bytes
        .or(target.map(|target| target.flash_bytes));
    for (what, reserve, given) in [
        ("SRAM", &values.reserve.sram, sram_bytes),
        ("flash", &values.reserve.flash, flash_bytes),
    ] {
        if let (Some(BytesAst { tokens, bytes }), Some(given)) = (reserve, given)
            && *bytes >= given
        {
            errors.error(
                tokens,
                format!(
                    "a reserve of {bytes} bytes leaves nothing of {given} bytes of {what}: reserve less"
                ),
            );
        }
    }
}

fn code_of_loaded_weights(source: &Source, errors: &mut Diagnostics) {
    if !matches!(source.values.weights, Some(WeightsValue::Runtime)) {
        return;
    }
    let network = source
        .key(Key::Code)
        .map(|entry| (source.values.code, &entry.value));
    let layers = source
        .layers
        .iter()
        .map(|layer| (layer.code, &layer.code_tokens));
    for (code, tokens) in network.into_iter().chain(layers) {
        if code == Some(CodeChoice::Unrolled) {
            errors.error(
                tokens,
                "`unrolled` writes weights down as constants, and weights at `runtime` are none: \
                 leave `code` out, or give the path of a file",
            );
        }
    }
}

fn input_array(source: &Source, errors: &mut Diagnostics) {
    let (Some(target), Some(shape)) = (source.values.target, source.input.shape) else {
        return;
    };
    if target.architecture == Architecture::Avr && shape.values() > LARGEST_AVR_ARRAY_BYTES {
        errors.error(
            &source.input.tokens,
            format!(
                "an input of {shape} takes {} bytes, but an array on {} takes at most {LARGEST_AVR_ARRAY_BYTES}: use a smaller input",
                shape.values(),
                target.name,
            ),
        );
    }
}

fn network(source: &Source, errors: &mut Diagnostics) -> Option<Network> {
    let kinds: Vec<_> = source
        .layers
        .iter()
        .map(|layer| layer.kind)
        .collect::<Option<_>>()?;
    let input = source.input.shape?;
    // An empty list is reported where it was read.
    if kinds.is_empty() {
        return None;
    }
    let bits = source.values.bits.unwrap_or_default();
    // Behind a layer that does not fit, shapes are guesses: only the first
    // error is the author's.
    match Network::new(input, bits, &kinds).map_err(|errors| errors.into_iter().next()) {
        Ok(network) => Some(network),
        Err(Some(ShapeError::KernelLargerThanMap { layer, kernel, map })) => {
            misfit(source, layer, kernel, map, errors);
            None
        }
        Err(Some(ShapeError::TooManyChannels { layer, channels })) => {
            errors.error(
                &source.layers[layer.0].tokens,
                format!(
                    "`C2` takes at most {MOST_CHANNELS} channels, and reads {channels}: use fewer \
                     outputs before it, or `C1`"
                ),
            );
            None
        }
        Err(_) => {
            errors.error(
                &source.list_tokens,
                "no layer computes anything: expected at least one beside `Dr`, such as `D*(10)`",
            );
            None
        }
    }
}

/// The input's shape with its first dimension last, where that looks like the
/// channels: as in PyTorch, an image of 1, 3 or 4 of them.
fn channels_first(is_input: bool, input: Shape) -> Option<String> {
    let Shape {
        height: channels,
        width: height,
        channels: width,
    } = input;
    let looks_so = is_input && matches!(channels, 1 | 3 | 4) && height > 4 && width > 4;
    looks_so.then(|| format!("[{height}, {width}, {channels}]"))
}

/// The error for a kernel or window that is larger than its map.
fn misfit(source: &Source, id: LayerId, kernel: Kernel, map: Shape, errors: &mut Diagnostics) {
    let layer = &source.layers[id.0];
    let maker = source.layers[..id.0]
        .iter()
        .rev()
        .find(|before| !matches!(before.kind, Some(LayerKind::Dropout { .. })));
    let map_of = match maker {
        Some(maker) => format!("{map} map that `{}` makes", maker.text),
        None => format!("{map} input"),
    };
    let sizes = match layer.kind {
        Some(LayerKind::AveragePool { .. } | LayerKind::MaxPool { .. }) => size::WINDOW,
        _ => size::KERNEL,
    };
    let what = sizes.what();
    let change = match &sizes.that_fit(kernel, map)[..] {
        [] => "leave the layer out".to_owned(),
        fitting => format!("use a {what} of {}", alternatives(fitting)),
    };
    let change = match channels_first(maker.is_none(), map) {
        Some(meant) => format!("is `{meant}` meant? The channels come last; or {change}"),
        None => change,
    };
    let message = format!("the {kernel} {what} does not fit the {map_of}: {change}");
    let place = if layer.kernel_tokens.is_empty() {
        &layer.tokens
    } else {
        &layer.kernel_tokens
    };
    errors.error(place, message);
}
