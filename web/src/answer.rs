//! What the page gets as answers.

use herringbone_compiler::report::FunctionView;
use herringbone_compiler::report::view::View;
use serde::Serialize;

use crate::place::Place;

/// A text, read and planned.
#[derive(Default, Serialize)]
pub(crate) struct PlanAnswer {
    /// The networks that the text declares.
    pub(crate) networks: Vec<Declared>,
    /// Which of them this is about.
    pub(crate) network: usize,
    pub(crate) errors: Vec<Message>,
    pub(crate) warnings: Vec<Message>,
    pub(crate) weights: WeightsState,
    /// What to know about the weights.
    pub(crate) note: Option<String>,
    pub(crate) classes: Vec<String>,
    /// The plan; `None` where the text is wrong.
    pub(crate) view: Option<View>,
}

/// Where the weights come from that the plan was made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WeightsState {
    /// The weights file.
    File,
    /// The firmware loads them.
    Runtime,
    /// There are none: a design to size.
    #[default]
    None,
}

#[derive(Serialize)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// An error or a warning.
#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) message: String,
    pub(crate) place: Place,
    /// From 1.
    pub(crate) line: usize,
    /// In letters, from 1.
    pub(crate) column: usize,
    pub(crate) remedies: Vec<RemedyAnswer>,
}

/// A change that makes a design fit.
#[derive(Serialize)]
pub(crate) struct RemedyAnswer {
    pub(crate) words: String,
    /// Edits of the text, the last one first.
    pub(crate) edits: Vec<EditAnswer>,
}

#[derive(Serialize)]
pub(crate) struct EditAnswer {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// What is needed to run the generated code.
#[derive(Serialize)]
pub(crate) struct CodeAnswer {
    pub(crate) functions: Vec<FunctionView>,
    /// Whether weights are invented.
    pub(crate) invented: bool,
    pub(crate) part: PartAnswer,
    pub(crate) input_bytes: u32,
    pub(crate) cursor_bytes: u32,
    pub(crate) arena_bytes: u32,
    pub(crate) results: u32,
    pub(crate) result_bytes: u32,
    pub(crate) stack_bytes: u32,
    pub(crate) sram_bytes: u32,
    pub(crate) flash_bytes: u64,
    pub(crate) predicted_cycles: f64,
}

#[derive(Serialize)]
pub(crate) struct PartAnswer {
    pub(crate) name: &'static str,
    pub(crate) sram_bytes: u32,
    pub(crate) flash_bytes: u32,
}

/// The interpreter's integers.
#[derive(Serialize)]
pub(crate) struct InferAnswer {
    pub(crate) results: Vec<i64>,
    pub(crate) maps: Vec<MapAnswer>,
}

#[derive(Serialize)]
pub(crate) struct MapAnswer {
    /// The node that makes it; `None` for the input.
    pub(crate) node: Option<usize>,
    pub(crate) name: String,
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) channels: u32,
    pub(crate) values: Vec<i64>,
}

/// A part of the table, and the design on it.
#[derive(Serialize)]
pub(crate) struct OnPart {
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) sram_bytes: u32,
    pub(crate) flash_bytes: u32,
    pub(crate) plan: String,
    pub(crate) needed_sram_bytes: u32,
    pub(crate) needed_flash_bytes: u64,
    pub(crate) cycles: Option<u64>,
    pub(crate) fits: bool,
}
