//! Where a layer reads and writes: the walk over its receptive fields, the cell
//! of each tap, and the cells that outputs go to.

use super::{count, site::StepSite, tables};
use crate::network::ReceptiveField;
use crate::plan::Order;
use crate::program::{Addressing, Map};
use proc_macro2::TokenStream;
use quote::quote;

/// The fields of a layer over one map. A `field` is a cell where the map is
/// affine, and an index of the map's table otherwise.
pub(super) struct FieldWalk<'a> {
    map: &'a Map,
    map_index: usize,
    field: ReceptiveField,
    order: Order,
    rows: u32,
    columns: u32,
}

impl<'a> FieldWalk<'a> {
    pub(super) fn of(site: &'a StepSite<'_>) -> Self {
        Self {
            map: site.input(),
            map_index: site.step.input.index(),
            field: site.step.field,
            order: site.step.order,
            rows: site.step.output.height,
            columns: site.step.output.width,
        }
    }

    /// Single pixels of a whole map.
    pub(super) fn of_whole(map: &'a Map, map_index: usize) -> Self {
        let field = ReceptiveField::pixelwise(map.shape);
        let (rows, columns) = (map.shape.height, map.shape.width);
        Self {
            map,
            map_index,
            field,
            order: Order::RowMajor,
            rows,
            columns,
        }
    }

    /// Units of `field` between neighbouring pixels.
    fn unit(&self) -> u32 {
        match self.map.addressing {
            Addressing::Affine => self.map.shape.channels,
            Addressing::Table(_) => 1,
        }
    }

    fn first(&self) -> u32 {
        match self.map.addressing {
            Addressing::Affine => self.map.first_cell,
            Addressing::Table(_) => 0,
        }
    }

    /// An iterator over the fields, in the layer's order.
    pub(super) fn walk(&self) -> TokenStream {
        let row_stride = self.field.stride.rows * self.map.shape.width * self.unit();
        let column_stride = self.field.stride.columns * self.unit();
        let (rows, columns) = (count(self.rows), count(self.columns));
        let first = self.first();
        let last = first + (self.rows - 1) * row_stride + (self.columns - 1) * column_stride;
        // A field may begin before the map: at what is 0 there.
        let field = &self.field;
        let before = (field.top * self.map.shape.width + field.left) * self.unit();
        let place = |cell: u32| {
            let (cell, before_cells) = (count(cell), count(before));
            match before {
                0 => quote!(#cell),
                _ => quote!(0usize.wrapping_add(#cell).wrapping_sub(#before_cells)),
            }
        };
        let (first, last) = (place(first), place(last));
        let (down, right) = (count(row_stride), count(column_stride));
        match self.order {
            Order::RowMajor => {
                quote!(runtime::RowMajor::new(#first, (#rows, #columns), (#down, #right)))
            }
            Order::RowMajorBackward => quote! {
                runtime::RowMajor::new(
                    #last,
                    (#rows, #columns),
                    (0usize.wrapping_sub(#down), 0usize.wrapping_sub(#right)),
                )
            },
            Order::Herringbone => {
                quote!(runtime::Herringbone::new(#first, (#rows, #columns), (#down, #right)))
            }
        }
    }

    /// An iterator over `rows` × `columns` fields from the top.
    pub(super) fn walk_row_major(&self, rows: u32, columns: u32) -> TokenStream {
        Self {
            order: Order::RowMajor,
            rows,
            columns,
            ..*self
        }
        .walk()
    }

    /// The first cell of the pixel `row` rows and `column` columns into `field`.
    pub(super) fn cell(&self, row: u32, column: u32) -> TokenStream {
        let offset = count((row * self.map.shape.width + column) * self.unit());
        match self.map.addressing {
            Addressing::Affine => quote!(field.wrapping_add(#offset)),
            Addressing::Table(_) => {
                let table = tables::map_name(self.map_index);
                quote!(#table.get(field.wrapping_add(#offset)))
            }
        }
    }

    /// An iterator over the cells of all taps of a `field`, row by row, for kernels
    /// of many.
    pub(super) fn walk_taps(&self) -> TokenStream {
        let kernel = self.field.kernel;
        let (down, right) = (
            count(self.map.shape.width * self.unit()),
            count(self.unit()),
        );
        let (rows, columns) = (count(kernel.height), count(kernel.width));
        let taps = quote!(runtime::RowMajor::new(field, (#rows, #columns), (#down, #right)));
        match self.map.addressing {
            Addressing::Affine => taps,
            Addressing::Table(_) => {
                let table = tables::map_name(self.map_index);
                quote!(#taps.map(|tap| #table.get(tap)))
            }
        }
    }

    /// The cells of all taps, row by row.
    pub(super) fn tap_cells(&self) -> impl Iterator<Item = TokenStream> {
        let kernel = self.field.kernel;
        (0..kernel.height)
            .flat_map(move |row| (0..kernel.width).map(move |column| (row, column)))
            .map(|(row, column)| self.cell(row, column))
    }
}

/// The cells that outputs go to, in the order of computing them.
pub(super) fn stored_pixels(map: &Map, order: Order) -> TokenStream {
    let channels = map.shape.channels;
    let stride = count(channels);
    if order == Order::RowMajorBackward {
        let last = count(map.first_cell + channels * (map.shape.pixels() - 1));
        let pixels = count(map.shape.pixels());
        quote!(runtime::Pixels::new(#last, 0usize.wrapping_sub(#stride), #pixels))
    } else {
        let first = count(map.first_cell);
        let before_wrap = count(map.pixels_before_wrap);
        quote!(runtime::Pixels::new(#first, #stride, #before_wrap))
    }
}
