//! Layers that are computed together, pixel by pixel, over a grid of points: a
//! function a layer, and one that calls each of them at its points.
//!
//! Chains whose every layer completes at most one pixel with each that arrives
//! have shorter code, in `stage.rs`.

use super::point::PointSite;
use super::stage::name as stage_name;
use super::{count, cursor_type, parameters_type, reads_parameters};
use crate::backend::PixelFunctions;
use crate::plan::{AxisTiming, Timing};
use crate::program::{Job, Program, Segment, Stage};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The function of a segment that runs when the input is complete.
pub(super) fn name(index: usize) -> Ident {
    format_ident!("segment_{index}")
}

/// `arrive`, which runs the points that a pixel of the input sets off.
pub(super) fn emit_arriving(
    program: &Program,
    pixel_functions: Option<&PixelFunctions>,
) -> TokenStream {
    let segment = program.arriving();
    let run = Functions::new((program, segment), pixel_functions, "at_point");
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
pub(super) fn emit_completed(
    program: &Program,
    pixel_functions: Option<&PixelFunctions>,
) -> Vec<TokenStream> {
    let jobs = program.completed().iter().enumerate();
    let segments = jobs.filter_map(|(index, job)| match job {
        Job::Segment(segment) => Some((index, segment)),
        Job::Layer(_) => None,
    });
    segments
        .map(|(index, segment)| {
            let name = name(index);
            let point = format!("at_point_{index}");
            let run = Functions::new((program, segment), pixel_functions, &point);
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
    pixel_functions: Option<&'a PixelFunctions>,
    point: Ident,
}

impl<'a> Functions<'a> {
    fn new(
        (program, segment): (&'a Program, &'a Segment),
        pixel_functions: Option<&'a PixelFunctions>,
        point: &str,
    ) -> Self {
        Self {
            program,
            segment,
            pixel_functions,
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
            pixel_functions: self.pixel_functions,
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
