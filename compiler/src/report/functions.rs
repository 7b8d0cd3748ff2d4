//! The code of a network for AVR, function by function.

use crate::backend::avr::{Code, FunctionId};
use crate::budget::Design;
use serde::Serialize;

/// A function of the generated code.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionView {
    /// Its name, by which others call it.
    pub name: String,
    /// The node that it computes; `None` of what several share.
    pub node: Option<usize>,
    /// Whether it runs while the input arrives.
    pub streamed: bool,
    /// Assembly, a line each; calls of other functions stand as their names in braces.
    pub text: String,
    /// Bytes of flash, tables included.
    pub flash_bytes: u32,
    /// Cycles that it is expected to take, by [`Expectation`](crate::program::Expectation).
    pub cycles: f64,
}

/// The functions of a design, in the order of its code; none where there is no code for AVR.
pub fn functions(design: &Design) -> Vec<FunctionView> {
    let code = design.footprint.code.as_ref();
    let code = code.and_then(|code| code.as_any().downcast_ref::<Code>());
    let functions = code.map_or(&[][..], |code| &code.functions).iter();
    let views = functions.map(|function| FunctionView {
        name: function.id.to_string(),
        node: match function.id {
            FunctionId::Take(node) | FunctionId::Layer(node) => Some(node.index()),
            FunctionId::Absorb | FunctionId::Infer | FunctionId::High | FunctionId::Segment(_) => {
                None
            }
        },
        streamed: function.streamed,
        text: function.text(),
        flash_bytes: function.all_flash_bytes(),
        cycles: function.cycles,
    });
    views.collect()
}
