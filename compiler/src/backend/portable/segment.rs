//! Layers that are computed together, pixel by pixel, over a grid of points: a
//! function a layer, and one that calls each of them at its points.
//!
//! Chains whose every layer completes at most one pixel with each that arrives
//! have shorter code, in `stage.rs`.

use super::operands::Operands;
use super::sink::{self, PixelPlace, deliver};
use super::site::{PixelSource, Site, first_tap, source_of};
use super::stage::name as stage_name;
use super::{count, cursor_type, integer, parameters_type, pooling, reads_parameters, sum};
use crate::network::{NodeId, ReceptiveField, Shape, Stride};
use crate::plan::{Arrival, AxisTiming, Moves, RingReading, Timing, Windows};
use crate::program::{
    Finish, Job, Operation, PooledIntake, Pooling, Program, Segment, Stage, WeightedSum,
    packed_row_bytes,
};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// Whether what computes as the input arrives is a chain for the code of `stage.rs`.
pub(super) fn is_plain(program: &Program) -> bool {
    let arriving = program.arriving();
    let used = program.intake.output;
    let grid_is_used = arriving.stages.is_empty()
        || (arriving.grid.height, arriving.grid.width) == (used.height, used.width);
    let bytes = if program.activation_bits == 8 { 2 } else { 1 };
    let is_plain_stage = |stage: &Stage| match &stage.operation {
        Operation::Convolution(_) | Operation::Separable { .. } => {
            stage.field.stride == Stride::ONE && !stage.plan.takes
        }
        Operation::Dense(_) => true,
        Operation::Pool(pooling) => {
            let kernel = stage.field.kernel;
            let windows_are_plain = stage.plan.windows().is_some_and(|windows| match pooling {
                Pooling::Maximum => true,
                Pooling::Average(divisor) => {
                    windows.bytes_per_value() == bytes && divisor.shift().is_some()
                }
            });
            windows_are_plain && kernel.height.is_power_of_two() && kernel.width.is_power_of_two()
        }
        Operation::Depthwise(_) | Operation::Concat => false,
    };
    arriving.is_chain() && grid_is_used && arriving.stages.iter().all(is_plain_stage)
}

/// Whether the windows of a leading `A` are found by shifts.
pub(super) fn is_plain_intake(pool: &PooledIntake) -> bool {
    let kernel = pool.field.kernel;
    pool.is_tiled()
        && kernel.height.is_power_of_two()
        && kernel.width.is_power_of_two()
        && pool.windows.bytes_per_value() == 2
}

/// The windows of a leading `A` that are not.
pub(super) fn input_windows(pool: &PooledIntake, used: Shape) -> TokenStream {
    let ReceptiveField { kernel, stride, .. } = pool.field;
    let windows = pool.windows;
    let per_byte = windows.cells_per_byte;
    let pair = |first: u32, second: u32| {
        let (first, second) = (count(first), count(second));
        quote!((#first, #second))
    };
    let kernel = pair(kernel.height, kernel.width);
    let stride = pair(stride.rows, stride.columns);
    let outputs = pair(used.height, used.width);
    let bands = count(windows.bands);
    let band_bytes = count(windows.band_cells() / per_byte);
    let column_bytes = count(windows.column_cells() / per_byte);
    quote! {
        runtime::InputWindows {
            kernel: #kernel,
            stride: #stride,
            outputs: #outputs,
            bands: #bands,
            band_bytes: #band_bytes,
            column_bytes: #column_bytes,
        }
    }
}

/// The function of a segment that runs when the input is complete.
pub(super) fn name(index: usize) -> Ident {
    format_ident!("segment_{index}")
}

/// `arrive`, which runs the points that a pixel of the input sets off.
pub(super) fn emit_arriving(program: &Program) -> TokenStream {
    let segment = program.arriving();
    let run = Functions::new(program, segment, "at_point");
    let (functions, call) = (run.emit(), run.call());
    let used = program.intake.output;
    let (last_row, last_column) = (count(used.height - 1), count(used.width - 1));
    let (rows, columns) = (count(used.height), count(used.width));
    let (grid_rows, grid_columns) = (count(segment.grid.height), count(segment.grid.width));
    let beyond = (segment.grid.width > used.width).then(|| {
        quote! {
            let mut column = #columns;
            while column != #grid_columns {
                let point = (pixel.0, column);
                #call
                column = column.wrapping_add(1);
            }
        }
    });
    let below = (segment.grid.height > used.height).then(|| {
        quote! {
            if pixel.0 == #last_row {
                let mut row = #rows;
                while row != #grid_rows {
                    let mut column = 0;
                    while column != #grid_columns {
                        let point = (row, column);
                        #call
                        column = column.wrapping_add(1);
                    }
                    row = row.wrapping_add(1);
                }
            }
        }
    });
    let after = (beyond.is_some() || below.is_some())
        .then(|| quote!(if pixel.1 == #last_column { #beyond #below }));
    let signature = run.signature(quote!(pixel: runtime::Pixel));
    quote! {
        #functions
        #[inline(never)]
        fn arrive #signature {
            let point = pixel;
            #call
            #after
        }
    }
}

/// The functions of all segments that run when the input is complete.
pub(super) fn emit_completed(program: &Program) -> Vec<TokenStream> {
    let jobs = program.completed().iter().enumerate();
    let segments = jobs.filter_map(|(index, job)| match job {
        Job::Segment(segment) => Some((index, segment)),
        Job::Layer(_) => None,
    });
    segments
        .map(|(index, segment)| {
            let name = name(index);
            let run = Functions::new(program, segment, &format!("at_point_{index}"));
            let (functions, call) = (run.emit(), run.call());
            let arena_bytes = count(program.arena_bytes);
            let parameters = run.parameters();
            let (rows, columns) = (count(segment.grid.height), count(segment.grid.width));
            let cursor = cursor_type(program);
            quote! {
                #functions
                #[inline(never)]
                fn #name(arena: &mut [u8; #arena_bytes], #parameters) {
                    let cursor = &mut <#cursor>::new();
                    let mut row = 0;
                    while row != #rows {
                        let mut column = 0;
                        while column != #columns {
                            let point = (row, column);
                            #call
                            column = column.wrapping_add(1);
                        }
                        row = row.wrapping_add(1);
                    }
                }
            }
        })
        .collect()
}

/// The functions of a segment's layers, and the one of a point.
struct Functions<'a> {
    program: &'a Program,
    segment: &'a Segment,
    point: Ident,
}

impl<'a> Functions<'a> {
    fn new(program: &'a Program, segment: &'a Segment, point: &str) -> Self {
        Self {
            program,
            segment,
            point: format_ident!("{point}"),
        }
    }

    fn reads_parameters(&self) -> bool {
        let mut stages = self.segment.stages.iter();
        stages.any(|stage| reads_parameters(&stage.operation))
    }

    /// `parameters: &[u8; N],`, where weights come at run time.
    fn parameters(&self) -> Option<TokenStream> {
        let bytes = parameters_type(self.program).filter(|_| self.reads_parameters())?;
        Some(quote!(parameters: &#bytes,))
    }

    fn arguments(&self) -> TokenStream {
        let arena_bytes = count(self.program.arena_bytes);
        let cursor = cursor_type(self.program);
        quote!(arena: &mut [u8; #arena_bytes], cursor: &mut #cursor,)
    }

    fn signature(&self, place: TokenStream) -> TokenStream {
        let (arguments, parameters) = (self.arguments(), self.parameters());
        quote!((#arguments #place, #parameters))
    }

    /// Runs the `point`.
    fn call(&self) -> TokenStream {
        let name = &self.point;
        let argument = self.parameters().map(|_| quote!(parameters));
        quote!(#name(arena, cursor, point, #argument);)
    }

    fn emit(&self) -> TokenStream {
        let name = &self.point;
        let signature = self.signature(quote!(point: runtime::Pixel));
        let stages = self.segment.stages.iter();
        let calls = stages.clone().map(|stage| self.calls(stage));
        let functions = stages.map(|stage| self.functions(stage));
        quote! {
            #(#functions)*
            #[inline(never)]
            fn #name #signature { #(#calls)* }
        }
    }

    /// What a stage does at a `point`.
    fn calls(&self, stage: &Stage) -> TokenStream {
        let argument = self
            .parameters()
            .filter(|_| reads_parameters(&stage.operation))
            .map(|_| quote!(parameters));
        let call = |name: Ident, timing: Timing| {
            let pixel = pixel_at(timing);
            quote! {
                if let ::core::option::Option::Some(pixel) = #pixel {
                    #name(arena, cursor, pixel, #argument);
                }
            }
        };
        let take = stage
            .plan
            .takes
            .then(|| call(take_name(stage), stage.plan.input_timing));
        let output = call(stage_name(stage), stage.plan.timing);
        quote!(#take #output)
    }

    fn functions(&self, stage: &Stage) -> TokenStream {
        let site = PointSite {
            program: self.program,
            stage,
        };
        let reads = reads_parameters(&stage.operation);
        let parameters = self.parameters().filter(|_| reads);
        let arguments = self.arguments();
        let signature = quote!((#arguments pixel: runtime::Pixel, #parameters));
        let take = stage.plan.takes.then(|| {
            let (name, body) = (take_name(stage), site.take());
            let moves = site.moves(0, stage.plan.input_timing.columns.count);
            quote!(#[inline(never)] fn #name #signature { #body #moves })
        });
        let (name, body) = (stage_name(stage), site.output());
        let first = u32::from(stage.plan.takes);
        let moves = (first as usize..=stage.joined.len())
            .filter_map(|index| site.moves(index, stage.plan.output.width));
        quote! {
            #take
            #[inline(never)]
            fn #name #signature { #body #(#moves)* }
        }
    }
}

fn take_name(stage: &Stage) -> Ident {
    format_ident!("take_{}", stage.plan.node.index())
}

/// The pixel of a value that is computed at the `point`.
fn pixel_at(timing: Timing) -> TokenStream {
    let Timing { rows, columns } = timing;
    let axis = |axis: AxisTiming| {
        let (delay, outputs) = (count(axis.delay), count(axis.count));
        quote!((#delay, #outputs))
    };
    let strides = (count(rows.stride), count(columns.stride));
    let (of_rows, of_columns) = strides;
    let (rows, columns) = (axis(rows), axis(columns));
    quote!(runtime::pixel_at::<#of_rows, #of_columns>(point, #rows, #columns))
}

/// Takes the `values` of a pooling's input at `pixel`, as they are stored, into their
/// window.
fn merge(program: &Program, pooling: &Stage) -> TokenStream {
    let bits = count(program.activation_bits);
    let channels = count(pooling.plan.output.channels);
    let windows = pooling.plan.windows().expect("a pooling keeps windows");
    let (height, width) = (
        count(pooling.field.stride.rows),
        count(pooling.field.stride.columns),
    );
    let tile = quote!(let (window, begins) = runtime::tile::<#height, #width>(pixel););
    let signed = pooling.signed_input;
    let merged = match pooling.pooling() {
        Pooling::Maximum => {
            let cell = window_cell(windows, 1, &quote!(window));
            quote!(runtime::merge_maxima::<#bits, #signed, #channels>(arena, #cell, begins, values);)
        }
        Pooling::Average(_) => {
            let (byte, bytes) = (
                window_cell(windows, windows.cells_per_byte, &quote!(window)),
                count(windows.bytes_per_value()),
            );
            let values = match signed {
                true => quote!(runtime::signed::<#bits, #channels>(values)),
                false => quote!(values),
            };
            quote!(runtime::add_to_window::<#bytes, _, #channels>(arena, #byte, begins, #values);)
        }
    };
    quote!(#tile #merged)
}

/// The first cell of a window, or where `per_unit` cells are a byte its first byte.
fn window_cell(windows: Windows, per_unit: u32, window: &TokenStream) -> TokenStream {
    let each = count(windows.column_cells() / per_unit);
    let first = count(windows.first_cell / per_unit);
    let in_row = quote!(runtime::place_in_row(#window.1, #each, #first));
    if windows.bands == 1 {
        return in_row;
    }
    let (bands, band) = (count(windows.bands), count(windows.band_cells() / per_unit));
    quote!(runtime::place_in_row(#window.0 % #bands, #band, #in_row))
}

/// A stage, at a `pixel` of its input or output.
struct PointSite<'a> {
    program: &'a Program,
    stage: &'a Stage,
}

impl PointSite<'_> {
    fn arrival(&self, index: usize) -> Arrival {
        match index.checked_sub(1) {
            None => self.stage.plan.arrival,
            Some(joined) => self.stage.plan.joined[joined],
        }
    }

    /// How the pixels of an input are stored.
    fn source_of(&self, index: usize) -> PixelSource {
        let (value, signed) = match index.checked_sub(1) {
            None => (self.stage.input, self.stage.signed_input),
            Some(joined) => (self.stage.joined[joined], self.stage.signed_joined[joined]),
        };
        match self.arrival(index) {
            Arrival::Map(_) => source_of(self.program, self.program.map(value)),
            Arrival::Ring(RingReading { ring, .. }) => PixelSource {
                channels: ring.channels,
                signed,
                aligned: ring.pixels == 1 || sink::is_aligned(self.program, ring.channels),
            },
            // Windows begin at bytes.
            Arrival::Window(windows) => PixelSource {
                channels: windows.channels,
                signed,
                aligned: true,
            },
            Arrival::Bytes | Arrival::Values => PixelSource {
                channels: self.stage.plan.input.channels,
                signed,
                aligned: true,
            },
        }
    }

    fn field_name(index: usize) -> Ident {
        format_ident!("field_{index}")
    }

    /// Where the field of an input begins: in cells of its ring from the first one
    /// on, or in cells of the arena.
    fn begin_field(&self, index: usize) -> Option<TokenStream> {
        let name = Self::field_name(index);
        match self.arrival(index) {
            Arrival::Ring(RingReading {
                ring,
                position: Some(position),
                ahead,
                moves: _,
            }) => {
                let (position, channels) = (count(position), count(ring.channels));
                let slot = quote!(cursor.slot(#position));
                let first = match ahead {
                    0 => slot,
                    _ => {
                        let (ahead, pixels) = (count(ahead), count(ring.pixels));
                        quote!(runtime::around(#slot.wrapping_add(#ahead), #pixels))
                    }
                };
                Some(quote!(let #name = #first.wrapping_mul(#channels);))
            }
            Arrival::Map(reading) => {
                let map = self.program.map(reading.value);
                let (position, before) = (count(reading.position), count(reading.before));
                let (channels, first) = (count(map.shape.channels), count(map.first_cell));
                Some(quote! {
                    let #name = cursor
                        .slot(#position)
                        .wrapping_sub(#before)
                        .wrapping_mul(#channels)
                        .wrapping_add(#first);
                })
            }
            Arrival::Ring(_) | Arrival::Window(_) | Arrival::Values | Arrival::Bytes => None,
        }
    }

    /// The cell of the pixel `offset` pixels after the first one of a field.
    fn cell(&self, index: usize, (row, column): (u32, u32)) -> TokenStream {
        let name = Self::field_name(index);
        match self.arrival(index) {
            Arrival::Ring(RingReading { ring, position, .. }) => {
                let first = count(ring.first_cell);
                if position.is_none() {
                    return quote!(#first);
                }
                let offset = (row * self.stage.plan.input.width + column) % ring.pixels;
                let (offset, cells) = (count(offset * ring.channels), count(ring.cells()));
                quote!(runtime::around(#name.wrapping_add(#offset), #cells).wrapping_add(#first))
            }
            Arrival::Map(reading) => {
                let map = self.program.map(reading.value);
                let offset = count((row * map.shape.width + column) * map.shape.channels);
                quote!(#name.wrapping_add(#offset))
            }
            Arrival::Window(windows) => window_cell(windows, 1, &quote!(pixel)),
            Arrival::Bytes | Arrival::Values => unreachable!("such pixels are nowhere"),
        }
    }

    /// Moves a position of its own on, of the input whose fields are `columns` a row.
    fn moves(&self, index: usize, columns: u32) -> Option<TokenStream> {
        let last = count(columns - 1);
        let step = |moves: Moves| {
            let wrapped = |pixels: u32| count(pixels & 0xFFFF);
            let (column, row) = (wrapped(moves.column), wrapped(moves.row));
            quote!(if pixel.1 == #last { #row } else { #column })
        };
        match self.arrival(index) {
            Arrival::Ring(RingReading {
                ring,
                position: Some(position),
                moves: Some(moves),
                ..
            }) => {
                let (position, pixels, step) = (count(position), count(ring.pixels), step(moves));
                Some(quote!(cursor.move_around(#position, #step, #pixels);))
            }
            Arrival::Map(reading) => {
                let (position, step) = (count(reading.position), step(reading.moves));
                Some(quote!(cursor.move_on(#position, #step);))
            }
            Arrival::Ring(_) | Arrival::Window(_) | Arrival::Values | Arrival::Bytes => None,
        }
    }

    /// Takes the pixel of the input in.
    fn take(&self) -> TokenStream {
        let stage = self.stage;
        if stage.plan.arrival == Arrival::Values {
            // Whoever has computed it has.
            return TokenStream::new();
        }
        let begin = self.begin_field(0);
        let cell = self.cell(0, (0, 0));
        let source = self.source_of(0);
        match &stage.operation {
            Operation::Dense(sum) => {
                let add = self.add_to_sums(sum, &self.load_from(source, &cell));
                quote!(#begin #add)
            }
            Operation::Pool(_) => {
                let (bits, channels) = (self.bits(), count(source.channels));
                let aligned = source.aligned;
                let merge = merge(self.program, stage);
                quote! {
                    #begin
                    let values = runtime::load::<#bits, #aligned, #channels>(arena, #cell);
                    #merge
                }
            }
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Concat => unreachable!("such a stage computes from whole fields"),
        }
    }

    fn add_to_sums(&self, sum: &WeightedSum, values: &TokenStream) -> TokenStream {
        let stage = self.stage;
        let sums = stage.plan.sums().expect("a dense layer keeps sums");
        let (first, outputs) = (count(sums.first_byte), count(sum.outputs));
        let (integer, width) = (integer(sum.accumulator), count(stage.plan.input.width));
        let Operands {
            weights,
            first_weight_byte,
            ..
        } = Operands::of(stage.plan.node, sum, 0);
        let (weight_bits, narrow) = (self.weight_bits(), self.narrow());
        let row_bytes = packed_row_bytes(sum.outputs, self.program.weight_bits);
        let pixel_bytes = count(stage.plan.input.channels * row_bytes);
        let first_weight_byte = count(first_weight_byte);
        quote! {
            let values = #values;
            let index = runtime::pixel_index(pixel, #width);
            if index == 0 {
                runtime::begin_sums::<#integer>(arena, #first, #outputs);
            }
            runtime::add_to_sums::<#weight_bits, #narrow, #integer, _>(
                arena,
                (#first, #outputs),
                &values,
                #weights,
                index.wrapping_mul(#pixel_bytes).wrapping_add(#first_weight_byte),
            );
        }
    }

    /// Computes the output.
    fn output(&self) -> TokenStream {
        let stage = self.stage;
        match &stage.operation {
            Operation::Convolution(sum) => sum::convolution(self, sum),
            Operation::Depthwise(sum) => sum::depthwise(self, sum),
            Operation::Separable {
                depthwise,
                pointwise,
            } => sum::separable(self, depthwise, pointwise),
            Operation::Dense(sum) => self.finish_sums(sum),
            Operation::Pool(pooling) if stage.plan.takes => self.complete_window(*pooling),
            Operation::Pool(pooling) => pooling::taps(self, *pooling),
            Operation::Concat => pooling::concatenate(self, stage.joined.len()),
        }
    }

    fn complete_window(&self, pooling: Pooling) -> TokenStream {
        let stage = self.stage;
        let deliver = deliver(self.program, stage, merge);
        if deliver.is_empty() {
            return deliver;
        }
        let (bits, channels) = (self.bits(), count(stage.plan.output.channels));
        let windows = stage.plan.windows().expect("a pooling keeps windows");
        let values = match pooling {
            Pooling::Average(divisor) => {
                let byte = window_cell(windows, windows.cells_per_byte, &quote!(pixel));
                let (bytes, divisor) = (count(windows.bytes_per_value()), count(divisor.0));
                let signed = stage.signed_input;
                quote! {
                    runtime::window_averages::<#bits, #bytes, #signed, #divisor, #channels>(
                        arena, #byte,
                    )
                }
            }
            Pooling::Maximum => {
                let cell = window_cell(windows, 1, &quote!(pixel));
                quote!(runtime::load::<#bits, true, #channels>(arena, #cell))
            }
        };
        quote!(let values = #values; #deliver)
    }

    /// Finishes the sums of a dense layer.
    fn finish_sums(&self, sum: &WeightedSum) -> TokenStream {
        let stage = self.stage;
        let sums = stage.plan.sums().expect("a dense layer keeps sums");
        let (first, outputs) = (count(sums.first_byte), count(sum.outputs));
        let (integer, bits) = (integer(sum.accumulator), self.bits());
        let Operands {
            biases,
            left,
            right,
            skip,
            ..
        } = Operands::of(stage.plan.node, sum, 0);
        let joined = sum.adds.then(|| {
            let (begin, cell) = (self.begin_field(1), self.cell(1, (0, 0)));
            (begin, cell, self.source_of(1).signed)
        });
        let begin = joined.as_ref().and_then(|(begin, ..)| begin.clone());
        let added = joined.map(|(_, cell, signed)| {
            quote! {
                let joined = runtime::joined_value::<#bits, #signed>(
                    arena,
                    output.wrapping_add(#cell),
                );
                let joined = runtime::Sum::shift_left(runtime::Sum::widen(joined), #skip);
                let total: #integer = runtime::Sum::add(total, joined);
            }
        });
        let total = quote! {
            let sum: #integer = runtime::kept_sum(arena, #first, output);
            let bias = runtime::Sum::widen(runtime::Biases::bias(biases, output));
            let total: #integer = runtime::Sum::add(runtime::Sum::shift_left(sum, left), bias);
            #added
        };
        let (store, then) = match PixelPlace::of(self.program, stage.plan.sink) {
            // They are results, and stay.
            None => {
                let bytes = count(sums.bytes_each);
                let store = quote! {
                    let place = output.wrapping_mul(#bytes).wrapping_add(#first);
                    runtime::keep(arena, place, [total.to_le_bytes()]);
                };
                (store, TokenStream::new())
            }
            Some(PixelPlace { cell, then, .. }) => {
                debug_assert_ne!(sum.finish, Finish::Exact, "sums are no activations");
                let finished = sum::finish(self, sum, &quote!(total), &quote!(right));
                let store = quote! {
                    runtime::store_one::<#bits>(arena, output.wrapping_add(first_cell), #finished);
                };
                (quote!(let first_cell = #cell; #store), then)
            }
        };
        quote! {
            #begin
            let (biases, left, right) = (#biases, #left, #right);
            let mut output = 0usize;
            while output != #outputs {
                #total
                #store
                output = output.wrapping_add(1);
            }
            let _ = right;
            #then
        }
    }
}

impl Site for PointSite<'_> {
    fn program(&self) -> &Program {
        self.program
    }

    fn layer(&self) -> NodeId {
        self.stage.plan.node
    }

    fn source(&self) -> PixelSource {
        self.source_of(0)
    }

    fn field(&self) -> ReceptiveField {
        self.stage.field
    }

    fn tap_cells(&self) -> Vec<TokenStream> {
        let kernel = self.stage.field.kernel;
        let taps = 0..kernel.taps();
        taps.map(|tap| self.cell(0, (tap / kernel.width, tap % kernel.width)))
            .collect()
    }

    fn joined(&self, index: usize) -> (PixelSource, TokenStream) {
        (self.source_of(index + 1), self.cell(index + 1, (0, 0)))
    }

    fn for_each_output(&self, body: &TokenStream) -> TokenStream {
        let fields = (0..=self.stage.joined.len()).filter_map(|index| self.begin_field(index));
        let first_tap = first_tap(&self.stage.field);
        let deliver = deliver(self.program, self.stage, merge);
        quote! {
            #first_tap
            #(#fields)*
            let values = { #body };
            #deliver
        }
    }
}
