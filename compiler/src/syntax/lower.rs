//! From what was written to a [`Declaration`]: what only the parts together
//! can be wrong about.

use super::Outline;
use super::ast::{BytesAst, ItemAst, ListAst, Source, Values};
use super::keys::Key;
use super::list::Letter;
use super::{features, mistakes, plan};
use crate::budget::LARGEST_AVR_ARRAY_BYTES;
use crate::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, SlidingWindow, WeightsSource,
};
use crate::diagnostic::Diagnostics;
use crate::network::{Entry, Item, Kind, LayerId, Network, Pool, PoolFunction, PoolWindow, Shape};
use crate::program::parameter_bytes;
use crate::target::{Architecture, Target};
use crate::weights::WeightsValue;

/// Checks the parts against one another; the declaration is there when the
/// shapes are right and no part is missing.
pub(super) fn lower(source: &Source, errors: &mut Diagnostics) -> (Option<Declaration>, Outline) {
    layout_attributes(source, errors);
    budget_keys(source, errors);
    code_of_loaded_weights(source, errors);
    input_array(source, errors);
    let window = window(source, errors);
    let network = network(source, errors);
    if let (Some(plan), Some(network)) = (&source.values.plan, &network) {
        plan::check(plan, &network.dataflow(), errors);
    }
    if let Some(network) = &network {
        features::check(source, network, errors);
    }
    let weights = match (&source.values.weights, source.key(Key::Weights)) {
        (Some(WeightsValue::Runtime), _) => WeightsSource::Runtime,
        (_, Some(_)) => WeightsSource::File,
        (_, None) => WeightsSource::Nowhere,
    };
    let outline = Outline {
        samples: match (&source.values.features, source.input.shape) {
            (Some(features), Some(shape)) => Some(features.samples(shape) as usize),
            (None, _) | (_, None) => None,
        },
        input_len: source.input.values,
        classes: match &network {
            Some(network) => Some(network.output().values() as usize),
            None => dense_outputs(&source.list),
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
        budget: budget(values),
        reserve: reserve(values),
        weights,
        results: values.results,
        plan: values
            .plan
            .as_ref()
            .map_or(PlanChoice::default(), |plan| plan.choice),
        sparsity: values.sparsity.unwrap_or(0.0),
        window,
        code: values.code.unwrap_or_default(),
        layer_code: source
            .list
            .layers()
            .enumerate()
            .filter_map(|(index, layer)| Some((LayerId(index), layer.code?)))
            .collect(),
    });
    (declaration, outline)
}

/// What the design must fit.
pub(super) fn budget(values: &Values) -> Budget {
    let memory = values.target.and_then(Target::memory);
    Budget {
        target: values.target,
        sram_bytes: values.sram_bytes.or(memory.map(|memory| memory.sram_bytes)),
        flash_bytes: values
            .flash_bytes
            .or(memory.map(|memory| memory.flash_bytes)),
    }
}

/// What is kept of that for the rest of the firmware.
pub(super) fn reserve(values: &Values) -> Reserve {
    let bytes = |reserve: &Option<BytesAst>| reserve.as_ref().map(|reserve| reserve.bytes);
    Reserve {
        sram_bytes: bytes(&values.reserve.sram),
        flash_bytes: bytes(&values.reserve.flash),
    }
}

/// The `n` of a last layer `D`: the classes whatever is before it.
fn dense_outputs(list: &ListAst) -> Option<usize> {
    let mut layers = list.layers().rev().filter(|it| !it.is_training_only());
    let last = layers.next()?;
    let is_dense = last.letter == Some(Letter::D);
    is_dense.then_some(last.outputs? as usize)
}

pub(super) fn layout_attributes(source: &Source, errors: &mut Diagnostics) {
    for attribute in &source.attributes {
        if attribute.path().is_ident("repr") {
            errors.error(
                attribute,
                "a network takes no `repr`: its layout is the memory plan's",
            );
        }
    }
}

pub(super) fn budget_keys(source: &Source, errors: &mut Diagnostics) {
    let values = &source.values;
    match values.target.map(|target| (target, target.memory())) {
        Some((target, Some(memory))) => {
            for (key, bytes) in [
                (Key::Sram, memory.sram_bytes),
                (Key::Flash, memory.flash_bytes),
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
        Some((core, None)) => memory_of_core(source, core, errors),
        None => {}
    }
    let Budget {
        target: _,
        sram_bytes,
        flash_bytes,
    } = budget(values);
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

/// A core says nothing of memory.
fn memory_of_core(source: &Source, core: &Target, errors: &mut Diagnostics) {
    let missing = [Key::Sram, Key::Flash].into_iter();
    let missing: Vec<String> = missing
        .filter(|&key| source.key(key).is_none())
        .map(|key| format!("`{}`", key.name()))
        .collect();
    if let (false, Some(entry)) = (missing.is_empty(), source.key(Key::Target)) {
        errors.error(
            &entry.value,
            format!(
                "`{}` is a core, which parts have with any memory: give {} in bytes too, or name a part",
                core.name,
                missing.join(" and ")
            ),
        );
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
        .list
        .layers()
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

/// The window, when it is one of this input.
fn window(source: &Source, errors: &mut Diagnostics) -> Option<SlidingWindow> {
    let (window, input) = (source.values.window?, source.input.shape?);
    let SlidingWindow { length, stride } = window;
    let samples = SlidingWindow::samples(input);
    let what = if input.height == 1 { "columns" } else { "rows" };
    let row_values = source.values.features.map(|it| it.row_values());
    let wrong = if let Some(values) = row_values
        && !(input.values() / samples).is_multiple_of(values)
    {
        format!(
            "a sample of a window of features is a whole row of {values} values, and this input's samples are its {samples} {what} of {}: make the input as many rows",
            input.values() / samples
        )
    } else if length != samples {
        format!(
            "a window of {length} samples is not the input, which has {samples} {what}: write `length: {samples}`"
        )
    } else if stride > length {
        format!(
            "a stride of {stride} samples leaves some out of every window of {length}: use at most {length}"
        )
    } else if input.values() > 0xFFFF {
        format!(
            "a window of {} bytes is larger than 65535: use a smaller input",
            input.values()
        )
    } else {
        return Some(window);
    };
    errors.error(source.key(Key::Window).map(|key| &key.value), wrong);
    None
}

/// The network, when nothing is wrong with its list.
fn network(source: &Source, errors: &mut Diagnostics) -> Option<Network> {
    let list = &source.list;
    // An empty list is reported where it was read.
    if list.items.is_empty() {
        return None;
    }
    let known = source.input.shape.is_some() && list.items.iter().all(|it| it.entry.is_some());
    let items = list.items.iter().map(item).collect();
    let input = source.input.shape.unwrap_or(Shape::new(1, 1, 1));
    let bits = source.values.bits.unwrap_or_default();
    match Network::of_list(input, bits, items) {
        Ok(network) => Some(network.with_features(source.values.features)).filter(|_| known),
        Err(found) => {
            for error in found {
                if known || mistakes::is_about_labels(&error) {
                    mistakes::report(source, &error, errors);
                }
            }
            None
        }
    }
}

/// An item as the network sees it: for one that is wrong, a layer that reads
/// any map and the same labels, so that labels can still be checked.
fn item(item: &ItemAst) -> Item {
    let any = || Entry::Layer {
        kind: Kind::Pool(Pool {
            function: PoolFunction::Maximum,
            window: PoolWindow::All,
        }),
        labels: item.reads.iter().map(|label| label.name.clone()).collect(),
    };
    Item {
        label: item.label.as_ref().map(|label| label.name.clone()),
        entry: item.entry.clone().unwrap_or_else(any),
    }
}
