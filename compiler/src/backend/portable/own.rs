//! Recurrent cells, trees and prototypes: calls of the runtime, with what it needs to know of
//! their parameters.

use super::point::PointSite;
use super::site::{PixelSource, Site};
use super::{count, sink, tables};
use crate::network::{Element, Feed, Gate, NodeId, TreeGate};
use crate::plan::Arrival;
use crate::program::{
    CellLayout, FactorsLayout, Matrix, Operation, Program, PrototypeScores, Recurrence, TreeScores,
    tangents,
};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The table of an operation's parameters.
fn table_name(layer: NodeId) -> Ident {
    format_ident!("PARAMETERS_{}", layer.index())
}

/// The other tables of an operation, which are the same whatever its parameters are.
fn fixed_names(layer: NodeId) -> (Ident, Ident) {
    let layer = layer.index();
    (
        format_ident!("WHOLE_{layer}"),
        format_ident!("REST_{layer}"),
    )
}

/// The tables of an operation.
pub(super) fn tables(layer: NodeId, operation: &Operation) -> TokenStream {
    let bytes = |name: &Ident, bytes: &[u8]| {
        let entries = bytes.iter().copied().map(Literal::u8_unsuffixed);
        tables::table(name, &quote!(u8), entries)
    };
    let packed = operation.own_packed();
    let own = packed.map(|packed| bytes(&table_name(layer), &packed));
    let (whole, rest) = fixed_names(layer);
    let fixed = match operation {
        Operation::Tree(tree) => match tree.gate {
            TreeGate::Tanh => Some(bytes(&whole, &TreeScores::tanh_table())),
            TreeGate::Hard => None,
        },
        Operation::Prototypes(_) => {
            let entries = PrototypeScores::whole_table().map(Literal::u16_unsuffixed);
            let whole = tables::table(&whole, &quote!(u16), entries.into_iter());
            let rest = bytes(&rest, &PrototypeScores::rest_table());
            Some(quote!(#whole #rest))
        }
        Operation::Recurrent(it) if it.kind.gate.has_table() => {
            let entries = tangents().map(Literal::u16_unsuffixed);
            Some(tables::table(&whole, &quote!(u16), entries.into_iter()))
        }
        Operation::Recurrent(_)
        | Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Dense(_)
        | Operation::Pool(_)
        | Operation::Concat
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => None,
    };
    quote!(#own #fixed)
}

/// The bytes of an operation's parameters, and which of them is the first.
fn place(layer: NodeId, operation: &Operation) -> (TokenStream, Literal) {
    match operation.own_loaded() {
        Some(first) => (quote!(parameters), count(first)),
        None => {
            let table = table_name(layer);
            (quote!(&#table), count(0))
        }
    }
}

fn matrix(it: Matrix) -> TokenStream {
    let (first, row_bytes, columns) =
        (count(it.first_byte), count(it.row_bytes), count(it.columns));
    quote!(runtime::Matrix { first: #first, row_bytes: #row_bytes, columns: #columns })
}

/// The value of the single pixel that a site reads, at an `index`.
fn value_of_pixel(site: &dyn Site) -> TokenStream {
    let bits = site.bits();
    let source = site.source();
    let cell = &site.tap_cells()[0];
    let (signed, wide) = (source.signed, source.is_wide());
    let cells = count(source.cells_of_value(site.program().activation_bits));
    quote! {
        |index: usize| {
            let cell = runtime::offset(index, #cells).wrapping_add(#cell);
            runtime::value::<#bits, #signed, #wide>(arena, cell)
        }
    }
}

/// The scores of a tree.
pub(super) fn tree(site: &dyn Site, tree: &TreeScores) -> TokenStream {
    let (bytes, first) = place(site.layer(), site.operation());
    let (depth, shift) = (count(tree.depth), count(tree.layout.shift_byte));
    let (score, gate, branch) = (
        matrix(tree.layout.score),
        matrix(tree.layout.gate),
        matrix(tree.layout.branch),
    );
    let (weight_bits, classes) = (site.weight_bits(), count(tree.classes));
    let value = value_of_pixel(site);
    let weight = match tree.gate {
        TreeGate::Tanh => {
            let (table, _) = fixed_names(site.layer());
            quote!(&#table)
        }
        TreeGate::Hard => quote!(runtime::HardGate),
    };
    site.for_each_output(&quote! {
        const TREE: runtime::Tree = runtime::Tree {
            depth: #depth,
            shift: #shift,
            score: #score,
            gate: #gate,
            branch: #branch,
        };
        runtime::tree::<#weight_bits, #classes>(&TREE, (#bytes, #first), #weight, #value)
    })
}

/// The scores of prototypes.
pub(super) fn prototypes(site: &dyn Site, it: &PrototypeScores) -> TokenStream {
    let (bytes, first) = place(site.layer(), site.operation());
    let (prototypes, values) = (count(it.count), count(it.values));
    let (first_value, label) = (count(it.layout.prototype_byte), matrix(it.layout.label));
    let (weight_bits, classes) = (site.weight_bits(), count(it.classes));
    let (whole, rest) = fixed_names(site.layer());
    let value = value_of_pixel(site);
    site.for_each_output(&quote! {
        const PROTOTYPES: runtime::Prototypes = runtime::Prototypes {
            count: #prototypes,
            values: #values,
            first: #first_value,
            label: #label,
        };
        runtime::prototypes::<#weight_bits, #classes>(
            &PROTOTYPES,
            (#bytes, #first),
            (&#whole, &#rest),
            #value,
        )
    })
}

fn factors(layout: &FactorsLayout) -> TokenStream {
    let (last, shift) = (matrix(layout.last), count(layout.shift_byte));
    let first = match layout.first {
        None => quote!(::core::option::Option::None),
        Some((first, shift)) => {
            let (first, shift) = (matrix(first), count(shift));
            quote!(::core::option::Option::Some((#first, #shift)))
        }
    };
    quote!(runtime::Factors { first: #first, last: #last, shift: #shift })
}

fn cell(layout: &CellLayout, steps: u32) -> TokenStream {
    // No input has more.
    let steps = Literal::i32_unsuffixed(steps.try_into().unwrap_or(i32::MAX));
    let (input, state) = (factors(&layout.input), factors(&layout.state));
    let hidden = count(layout.input.last.rows);
    let [fraction, mix, input_bias, gate_bias, update_bias] = [
        layout.fraction_byte,
        layout.mix_byte,
        layout.input_bias_byte,
        layout.gate_bias_byte,
        layout.update_bias_byte,
    ]
    .map(count);
    quote! {
        runtime::Cell {
            hidden: #hidden,
            steps: #steps,
            fraction: #fraction,
            input: #input,
            state: #state,
            mix: #mix,
            input_bias: #input_bias,
            gate_bias: #gate_bias,
            update_bias: #update_bias,
        }
    }
}

/// How the steps over what is taken in follow one another: from one to the next, and from a
/// group of them to the next, how many values further they begin.
struct StepOrder {
    groups: (u32, u32),
    steps: (u32, u32),
}

impl StepOrder {
    fn of(recurrence: &Recurrence) -> Self {
        let map = recurrence.map;
        let row_values = map.width * map.channels;
        match recurrence.kind.feed {
            Feed::Rows => Self {
                groups: (1, 0),
                steps: (map.height, row_values),
            },
            Feed::RowMajor => Self {
                groups: (map.channels, 1),
                steps: (map.height, row_values),
            },
            Feed::ChannelMajor => Self {
                groups: (map.height, row_values),
                steps: (map.channels, 1),
            },
            // Here a group is a cell.
            Feed::Multi => Self {
                groups: (map.channels, 1),
                steps: (map.height, row_values),
            },
        }
    }
}

/// Takes a row, or the whole map, into the states of a recurrent layer, at the `pixel` of what
/// is taken in.
pub(super) fn take(site: &PointSite<'_>, recurrence: &Recurrence) -> TokenStream {
    let stage = site.stage;
    let program = site.program;
    let states = stage.plan.states().expect("a recurrent layer keeps states");
    let (bytes, first) = place(stage.plan.node, &stage.operation);
    let begin = site.begin_field(0);
    let (state_byte, half_bytes) = (count(states.first_byte), states.bytes() / 2);
    let made_byte = count(states.first_byte + half_bytes);
    let half_bytes = count(half_bytes);
    let layout = cell(&recurrence.layout, recurrence.steps_of_input);
    let weight_bits = site.weight_bits();
    let (table, _) = fixed_names(stage.plan.node);
    let gates = match recurrence.kind.gate {
        Gate::Hard => quote!(runtime::HardGates),
        Gate::Sigmoid => quote!(runtime::Logistic(&#table)),
        Gate::Tanh => quote!(runtime::Tangents(&#table)),
    };
    let rank = recurrence.kind.rank;
    let (input_rank, state_rank) = (
        count(rank.map_or(0, |rank| rank.input)),
        count(rank.map_or(0, |rank| rank.state)),
    );
    let source = site.source_of(0);
    let cells = source.cells_of_value(program.activation_bits);
    let value = load(site, source);
    let StepOrder { groups, steps } = StepOrder::of(recurrence);
    let (group_count, group_cells) = (count(groups.0), count(groups.1 * cells));
    let (step_count, step_cells) = (count(steps.0), count(steps.1 * cells));
    let stride = count(recurrence.stride() * cells);
    let (cell_bytes, cell_states) = match recurrence.kind.feed {
        Feed::Multi => (recurrence.layout.bytes, 2 * recurrence.kind.hidden),
        Feed::Rows | Feed::RowMajor | Feed::ChannelMajor => (0, 0),
    };
    let (cell_bytes, cell_states) = (count(cell_bytes), count(cell_states));
    quote! {
        const CELL: runtime::Cell = #layout;
        if pixel.0 == 0 {
            runtime::clear_states(arena, #state_byte, #half_bytes);
        }
        #begin
        let mut group = 0usize;
        while group != #group_count {
            let mut step = 0usize;
            while step != #step_count {
                let first_value = runtime::offset(group, #group_cells)
                    .wrapping_add(runtime::offset(step, #step_cells));
                let states = runtime::offset(group, #cell_states);
                runtime::cell_step::<#weight_bits, #input_rank, #state_rank, _>(
                    arena,
                    &CELL,
                    #gates,
                    (#bytes, runtime::offset(group, #cell_bytes).wrapping_add(#first)),
                    (states.wrapping_add(#state_byte), states.wrapping_add(#made_byte)),
                    |arena: &[u8], index: usize| {
                        let place = runtime::offset(index, #stride).wrapping_add(first_value);
                        #value
                    },
                );
                step = step.wrapping_add(1);
            }
            group = group.wrapping_add(1);
        }
    }
}

/// The value that begins `place` cells after the first one of what is taken in.
fn load(site: &PointSite<'_>, source: PixelSource) -> TokenStream {
    let bits = site.bits();
    let (signed, wide) = (source.signed, source.is_wide());
    let cell = match site.stage.plan.arrival {
        Arrival::Ring(reading) => {
            let first = count(reading.ring.first_cell);
            match reading.position {
                None => quote!(place.wrapping_add(#first)),
                Some(_) => {
                    let cells = count(reading.ring.cells());
                    quote! {
                        runtime::around(field_0.wrapping_add(place), #cells).wrapping_add(#first)
                    }
                }
            }
        }
        Arrival::Map(_) => quote!(field_0.wrapping_add(place)),
        Arrival::Bytes | Arrival::Window(_) | Arrival::Values => {
            unreachable!("what is taken in at once is stored")
        }
    };
    quote! {
        let cell = #cell;
        runtime::value::<#bits, #signed, #wide>(arena, cell)
    }
}

/// Hands the states of a recurrent layer on.
pub(super) fn hand_on(
    site: &PointSite<'_>,
    merge: fn(&Program, &crate::program::Stage) -> TokenStream,
) -> TokenStream {
    let stage = site.stage;
    let states = stage.plan.states().expect("a recurrent layer keeps states");
    let (bits, cells) = (site.bits(), count(stage.plan.output.channels));
    let first = count(states.first_byte * (8 / site.program.activation_bits));
    let deliver = sink::deliver(site.program, stage, merge);
    quote! {
        let values = runtime::load::<#bits, true, #cells>(arena, #first);
        #deliver
    }
}

impl PixelSource {
    /// Whether its values are wide.
    pub(super) fn is_wide(&self) -> bool {
        match self.element {
            Element::Wide => true,
            Element::Activation => false,
        }
    }

    /// Cells of a value.
    pub(super) fn cells_of_value(&self, activation_bits: u32) -> u32 {
        self.element.cells(activation_bits)
    }
}
