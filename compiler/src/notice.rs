//! What a declaration may say, and its author may not mean: warnings.

use crate::backend;
use crate::budget::{Design, Tight};
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::Shape;
use crate::planned::Origin;

/// Something that compiles and is worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub origin: Origin,
    /// What it is called, as an identifier: rustc shows it with the message.
    pub name: &'static str,
    /// What was found, and what to change.
    pub message: String,
}

impl Notice {
    /// A design that barely fits.
    pub(crate) fn of_tight(tight: &Tight) -> Self {
        Self {
            origin: Origin::Layer(tight.layer),
            name: "sram_nearly_exceeded",
            message: tight.to_string(),
        }
    }

    /// Weights as instructions of portable code, for a part with so much flash: of how much they
    /// take of it, nothing is known before it is linked.
    pub(crate) fn of_uncounted_code(declaration: &Declaration, design: &Design) -> Option<Self> {
        let is_known = design.footprint.code.is_some() || backend::of(declaration).counts_code();
        let target = declaration.budget.target.filter(|_| !is_known)?;
        let flash_bytes = declaration.budget.flash_bytes?;
        match declaration.weights {
            WeightsSource::File => {}
            // Of these nothing is generated, or nothing but loops.
            WeightsSource::Nowhere | WeightsSource::Runtime => return None,
        }
        let mut layers = declaration.network.computing_nodes();
        let layer = layers.find(|layer| {
            layer.weight_count() > 0 && declaration.code_of(layer.layer) == CodeChoice::Unrolled
        })?;
        let origin = match declaration.layer_code.contains_key(&layer.layer) {
            true => Origin::Layer(layer.layer),
            false => Origin::Code,
        };
        let because = match &design.footprint.portable_because {
            Some(reason) => format!(": {reason}"),
            None => String::new(),
        };
        Some(Self {
            origin,
            name: "flash_is_not_counted",
            message: format!(
                "`unrolled` is portable Rust on {name}{because}; only the linker knows how much it \
                 takes of the {flash_bytes} bytes of flash: look at the firmware's size, or leave \
                 `code` out",
                name = target.name
            ),
        })
    }

    /// An input that looks like an image with its channels first, as PyTorch has them.
    pub(crate) fn of_input(declaration: &Declaration) -> Option<Self> {
        let network = &declaration.network;
        let is_stream = declaration.window.is_some() || network.features().is_some();
        let input = network.input();
        let Shape {
            height: rows,
            width: columns,
            channels,
        } = input;
        (!is_stream && looks_like_channels_first(input)).then(|| Self {
            origin: Origin::Input,
            name: "channels_come_last",
            message: format!(
                "the shape is rows, columns, channels: this input has {rows} row{s} of {columns} \
                 pixels with {channels} channels each; did you mean `[{columns}, {channels}, {rows}]`?",
                s = if rows == 1 { "" } else { "s" },
            ),
        })
    }
}

/// Whether an input has few rows and many channels, and is no series: a series has one row,
/// and seldom as many channels as samples.
fn looks_like_channels_first(input: Shape) -> bool {
    const LEAST_SIDE: u32 = 8;
    let has_sides = input.width >= LEAST_SIDE && input.channels >= LEAST_SIDE;
    has_sides
        && match input.height {
            1 => input.width == input.channels,
            rows => rows <= 4,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_and_many_channels_look_like_an_image_with_its_channels_first() {
        let looks_so = |height, width, channels| {
            looks_like_channels_first(Shape::new(height, width, channels))
        };
        assert!(looks_so(3, 32, 32));
        assert!(looks_so(4, 24, 48));
        assert!(looks_so(2, 16, 16));
        assert!(looks_so(1, 28, 28));
        assert!(!looks_so(1, 32, 20), "a series of 20 bands");
        assert!(!looks_so(3, 128, 6), "three sensors of six axes");
        assert!(!looks_so(32, 32, 3));
    }
}
