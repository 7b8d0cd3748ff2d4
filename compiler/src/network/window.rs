//! Geometry: how windows slide over a map. The one owner of output shapes, of
//! which pixels an output reads, and of which pixel completes an output.

use super::shape::{Kernel, Shape, written};

/// Rows and columns between the windows of neighbouring outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
}

impl Stride {
    /// Every pixel has a window.
    pub const ONE: Self = Self {
        rows: 1,
        columns: 1,
    };

    /// The stride of windows that touch one another.
    pub const fn of(kernel: Kernel) -> Self {
        Self {
            rows: kernel.height,
            columns: kernel.width,
        }
    }

    /// As the declaration writes it: `2`, or rows and columns, `1x2`.
    pub fn written(self) -> String {
        written(self.rows, self.columns)
    }
}

/// What is put around a map before windows slide over it: zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As many rows or columns on each side; 0 is none.
    Each(u32),
    /// TensorFlow's `SAME`: `ceil(in / stride)` outputs; of the
    /// `max((out − 1)·stride + k − in, 0)` rows or columns that are missing, the
    /// smaller half before the map.
    Same,
}

impl Padding {
    /// No padding.
    pub const NONE: Self = Self::Each(0);
}

/// Windows that slide over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Pixels of a window.
    pub kernel: Kernel,
    /// From a window to the next one.
    pub stride: Stride,
    /// What is around the map.
    pub padding: Padding,
}

impl Window {
    /// A kernel at every pixel where it is inside the map.
    pub const fn valid(kernel: Kernel) -> Self {
        Self {
            kernel,
            stride: Stride::ONE,
            padding: Padding::NONE,
        }
    }

    /// Windows that touch one another.
    pub const fn tiles(kernel: Kernel) -> Self {
        Self {
            kernel,
            stride: Stride::of(kernel),
            padding: Padding::NONE,
        }
    }

    /// The windows over a map. Where none fits, the field has the one output that
    /// a map just large enough would have; see [`Self::fits`].
    pub fn over(self, input: Shape) -> ReceptiveField {
        let Self {
            kernel,
            stride,
            padding,
        } = self;
        let rows = Axis::new(kernel.height, stride.rows, padding, input.height);
        let columns = Axis::new(kernel.width, stride.columns, padding, input.width);
        ReceptiveField {
            kernel,
            stride,
            top: rows.before,
            left: columns.before,
            map: Kernel {
                height: input.height,
                width: input.width,
            },
            outputs: Kernel {
                height: rows.outputs,
                width: columns.outputs,
            },
        }
    }

    /// Whether a window fits the map and what is around it.
    pub fn fits(self, input: Shape) -> bool {
        let Self {
            kernel, padding, ..
        } = self;
        match padding {
            Padding::Same => true,
            Padding::Each(each) => {
                let around = each.saturating_mul(2);
                kernel.height <= input.height.saturating_add(around)
                    && kernel.width <= input.width.saturating_add(around)
            }
        }
    }
}

/// One of a window's two axes.
struct Axis {
    before: u32,
    outputs: u32,
}

impl Axis {
    fn new(side: u32, stride: u32, padding: Padding, input: u32) -> Self {
        match padding {
            Padding::Same => {
                let outputs = input.div_ceil(stride).max(1);
                let reach = (outputs - 1).saturating_mul(stride).saturating_add(side);
                Self {
                    before: reach.saturating_sub(input) / 2,
                    outputs,
                }
            }
            Padding::Each(each) => Self {
                before: each,
                outputs: input
                    .saturating_add(each.saturating_mul(2))
                    .saturating_sub(side)
                    / stride
                    + 1,
            },
        }
    }
}

/// Which pixels of a map each output reads.
///
/// The output at `(row, column)` reads `kernel` pixels from
/// `(row·stride − top, column·stride − left)` on; those outside of the map are 0
/// and are never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Pixels of a field, those outside of the map included.
    pub kernel: Kernel,
    /// From a field to the next one.
    pub stride: Stride,
    /// Rows of zeros above the map.
    pub top: u32,
    /// Columns of zeros left of the map.
    pub left: u32,
    /// Rows and columns of the map.
    pub map: Kernel,
    /// Rows and columns of outputs.
    pub outputs: Kernel,
}

/// The part of a field's axis that is inside the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taps {
    /// The kernel's rows or columns that are inside.
    pub inside: std::ops::Range<u32>,
    /// The map's row or column that the first of them reads.
    pub first: u32,
}

impl ReceptiveField {
    /// The only field over a whole map.
    pub fn whole(map: Shape) -> Self {
        let all = Kernel {
            height: map.height,
            width: map.width,
        };
        Window::tiles(all).over(map)
    }

    /// A field of the pixel itself.
    pub fn pixelwise(map: Shape) -> Self {
        Window::valid(Kernel::square(1)).over(map)
    }

    /// Rows of the kernel that are inside the map for the outputs of that row.
    pub fn rows(&self, output_row: u32) -> Taps {
        taps(
            output_row,
            (self.kernel.height, self.stride.rows, self.top),
            self.map.height,
        )
    }

    /// Columns of the kernel that are inside for the outputs of that column.
    pub fn columns(&self, output_column: u32) -> Taps {
        taps(
            output_column,
            (self.kernel.width, self.stride.columns, self.left),
            self.map.width,
        )
    }

    /// The pixels of the map that the output at `(row, column)` reads, row by row.
    pub fn pixels(
        &self,
        (row, column): (u32, u32),
    ) -> impl Iterator<Item = (u32, u32)> + Clone + use<> {
        self.taps((row, column)).map(|(_, pixel)| pixel)
    }

    /// The same with the kernel's tap that reads each, counted row by row.
    pub fn taps(
        &self,
        (row, column): (u32, u32),
    ) -> impl Iterator<Item = (u32, (u32, u32))> + Clone + use<> {
        let (rows, columns) = (self.rows(row), self.columns(column));
        let width = self.kernel.width;
        rows.inside.zip(rows.first..).flat_map(move |(tap_row, y)| {
            columns
                .inside
                .clone()
                .zip(columns.first..)
                .map(move |(tap_column, x)| (tap_row * width + tap_column, (y, x)))
        })
    }

    /// Whether some field reaches beyond the map.
    pub fn is_padded(&self) -> bool {
        self.top > 0 || self.left > 0 || self.bottom() > 0 || self.right() > 0
    }

    /// Rows of zeros below the map that some field reads.
    pub fn bottom(&self) -> u32 {
        let reach = (self.outputs.height - 1) * self.stride.rows + self.kernel.height;
        reach.saturating_sub(self.top + self.map.height)
    }

    /// Columns of zeros right of the map that some field reads.
    pub fn right(&self) -> u32 {
        let reach = (self.outputs.width - 1) * self.stride.columns + self.kernel.width;
        reach.saturating_sub(self.left + self.map.width)
    }

    /// What of the map is read by outputs of the first `used` rows and columns:
    /// rows and columns from the first one on.
    pub fn used_map(&self, used: Kernel) -> Kernel {
        let reach = |used: u32, stride: u32, side: u32, before: u32, map: u32| {
            ((used - 1) * stride + side).saturating_sub(before).min(map)
        };
        Kernel {
            height: reach(
                used.height,
                self.stride.rows,
                self.kernel.height,
                self.top,
                self.map.height,
            ),
            width: reach(
                used.width,
                self.stride.columns,
                self.kernel.width,
                self.left,
                self.map.width,
            ),
        }
    }

    /// Whether fields touch, and none is over another: each pixel is read by one
    /// output, up to the last field. Outputs can then take in what arrives instead of
    /// keeping it.
    pub fn is_tiled(&self) -> bool {
        !self.is_padded()
            && self.stride.rows == self.kernel.height
            && self.stride.columns == self.kernel.width
    }

    /// Pixels from the first that an output reads to its last, as they arrive row
    /// by row, of a map of that width: its kernel's last row, and a row of the map
    /// for each of the others.
    pub fn live_pixels(&self, width: u32) -> u32 {
        (self.kernel.height - 1) * width + self.kernel.width
    }
}

fn taps(output: u32, (side, stride, before): (u32, u32, u32), map: u32) -> Taps {
    let first = output * stride;
    let start = before.saturating_sub(first).min(side);
    let end = (before + map).saturating_sub(first).min(side);
    Taps {
        inside: start..end.max(start),
        first: (first + start).saturating_sub(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(side: u32, stride: u32, padding: Padding) -> Window {
        Window {
            kernel: Kernel::square(side),
            stride: Stride {
                rows: stride,
                columns: stride,
            },
            padding,
        }
    }

    /// The outputs and the rows before the map of TensorFlow's `SAME`, from its
    /// documentation of `tf.nn.convolution`.
    #[test]
    fn same_padding_is_tensorflows() {
        let same = |side, stride, input| {
            let field = window(side, stride, Padding::Same).over(Shape::new(input, input, 1));
            (field.outputs.height, field.top, field.bottom())
        };
        assert_eq!(same(3, 1, 5), (5, 1, 1));
        assert_eq!(same(3, 2, 6), (3, 0, 1));
        assert_eq!(same(3, 2, 5), (3, 1, 1));
        assert_eq!(same(4, 1, 5), (5, 1, 2));
        assert_eq!(same(1, 3, 5), (2, 0, 0));
        assert_eq!(same(11, 1, 3), (3, 5, 5));
    }

    /// Every tap by brute force over the padded map.
    #[test]
    fn a_field_reads_what_is_inside_the_map() {
        for (side, stride, padding, input) in [
            (3, 1, Padding::Same, 5),
            (2, 3, Padding::Each(1), 7),
            (4, 2, Padding::Same, 3),
            (5, 1, Padding::Each(2), 2),
            (1, 4, Padding::NONE, 9),
        ] {
            let field = window(side, stride, padding).over(Shape::new(input, input, 1));
            for output in 0..field.outputs.height {
                let naive: Vec<(u32, u32)> = (0..side)
                    .filter_map(|tap| {
                        let at = (output * stride + tap).checked_sub(field.top)?;
                        (at < input).then_some((tap, at))
                    })
                    .collect();
                let rows = field.rows(output);
                let given: Vec<(u32, u32)> = rows.inside.clone().zip(rows.first..).collect();
                assert_eq!(given, naive, "{side} {stride} {padding:?} {output}");
            }
        }
    }
}
