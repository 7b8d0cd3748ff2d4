//! How windows slide over a map.

use super::Call;
use super::call::Map;

/// How windows slide along one of a map's two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Rows or columns of the map.
    pub input: usize,
    /// Rows or columns of outputs.
    pub output: usize,
    /// Taps of the kernel.
    pub kernel: usize,
    /// From a window to the next one.
    pub stride: usize,
    /// From a tap to the next one.
    pub dilation: usize,
    /// Rows or columns that are missing before the map.
    pub before: usize,
}

/// How windows slide over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From row to row.
    pub rows: Axis,
    /// From column to column.
    pub columns: Axis,
}

/// Rows or columns from a kernel's first tap to its last at most.
const MOST_REACH: usize = 1 << 16;

/// Numbers of the fields of an operator's options.
pub(super) struct Fields {
    pub(super) padding: usize,
    pub(super) stride_columns: usize,
    pub(super) stride_rows: usize,
    pub(super) dilation: Option<(usize, usize)>,
}

impl Axis {
    /// Taps inside of the map, and the row or column that each reads.
    pub fn taps(&self, output: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self {
            input,
            kernel,
            dilation,
            before,
            ..
        } = *self;
        let first = output * self.stride;
        let start = before.saturating_sub(first).div_ceil(dilation);
        let end = (input + before).saturating_sub(first).div_ceil(dilation);
        let inside = start..end.min(kernel);
        inside.map(move |tap| (tap, first + tap * dilation - before))
    }

    fn new(
        input: usize,
        kernel: usize,
        stride: i32,
        dilation: i32,
        is_same: bool,
    ) -> Result<Self, String> {
        let positive = |value: i32, what: &str| match usize::try_from(value) {
            Ok(value) if value > 0 => Ok(value),
            Ok(_) | Err(_) => Err(format!("it has the {what} {value}: expected at least 1")),
        };
        let (stride, dilation) = (positive(stride, "stride")?, positive(dilation, "dilation")?);
        let taps = kernel.checked_sub(1).filter(|&taps| taps < MOST_REACH);
        let reach = taps
            .map(|taps| taps.saturating_mul(dilation).saturating_add(1))
            .filter(|&reach| reach <= MOST_REACH)
            .ok_or("its kernel is empty, or larger than any map")?;
        let output = match is_same {
            true => input.div_ceil(stride),
            false => (input + 1).saturating_sub(reach).div_ceil(stride),
        };
        if output == 0 {
            return Err(format!(
                "its kernel reaches over {reach} of {input} rows or columns"
            ));
        }
        let missing = match is_same {
            true => (output - 1)
                .saturating_mul(stride)
                .saturating_add(reach)
                .saturating_sub(input),
            false => 0,
        };
        Ok(Self {
            input,
            output,
            kernel,
            stride,
            dilation,
            before: missing / 2,
        })
    }
}

impl Window {
    pub(super) fn read(
        call: &Call<'_>,
        map: Map,
        (kernel_rows, kernel_columns): (usize, usize),
        fields: Fields,
    ) -> Result<Self, String> {
        let is_same = match call.options.byte(fields.padding)? {
            0 => true,
            1 => false,
            other => {
                return Err(format!(
                    "it has the padding {other}: expected SAME or VALID"
                ));
            }
        };
        let stride = |field| call.options.int(field, 0);
        let (dilation_columns, dilation_rows) = match fields.dilation {
            Some((columns, rows)) => (call.options.int(columns, 1)?, call.options.int(rows, 1)?),
            None => (1, 1),
        };
        let (stride_rows, stride_columns) =
            (stride(fields.stride_rows)?, stride(fields.stride_columns)?);
        Ok(Self {
            rows: Axis::new(map.height, kernel_rows, stride_rows, dilation_rows, is_same)?,
            columns: Axis::new(
                map.width,
                kernel_columns,
                stride_columns,
                dilation_columns,
                is_same,
            )?,
        })
    }

    /// Taps of the kernel.
    pub fn kernel(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    /// Pixels of a map that it slides over.
    pub fn input_pixels(&self) -> usize {
        self.rows.input * self.columns.input
    }

    /// Pixels of outputs.
    pub fn output_pixels(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Calls `visit` for each output with the taps that are inside of the map: the tap and the
    /// pixel, both counted row by row.
    pub(super) fn each(&self, mut visit: impl FnMut(&[(usize, usize)])) {
        let mut taps = Vec::new();
        for row in 0..self.rows.output {
            for column in 0..self.columns.output {
                taps.clear();
                for (tap_row, y) in self.rows.taps(row) {
                    for (tap_column, x) in self.columns.taps(column) {
                        let tap = tap_row * self.columns.kernel + tap_column;
                        taps.push((tap, y * self.columns.input + x));
                    }
                }
                visit(&taps);
            }
        }
    }

    /// Taps of all outputs, those outside of the map included.
    pub(super) fn taps(&self) -> u64 {
        self.kernel() as u64 * self.output_pixels() as u64
    }
}
