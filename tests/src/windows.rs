//! Windows over a map, counted out tap by tap: TensorFlow's arithmetic of strides
//! and padding written down again, with nothing of the compiler's.

use herringbone_compiler::network::{
    Convolution, Depthwise, Kernel, Kind, Padding, Pool, PoolWindow, Separable, Shape, Stride,
    Window,
};

/// The windows of a layer over a map of pixels.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    kernel: Kernel,
    stride: Stride,
    /// Rows of zeros above the map, columns of zeros left of it.
    before: (i64, i64),
    map: (i64, i64),
    outputs: (u32, u32),
}

/// One place under a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Row of the kernel.
    pub row: u32,
    /// Column of the kernel.
    pub column: u32,
    /// Row and column of the map; `None` where there is a zero of the padding.
    pub pixel: Option<(u32, u32)>,
}

impl Windows {
    /// The windows of that layer over `map`; of a layer whose every output reads the
    /// whole map, one of the size of the map.
    pub fn of(kind: &Kind, map: Shape) -> Self {
        let pixelwise = Window {
            kernel: Kernel::square(1),
            stride: Stride::ONE,
            padding: Padding::Each(0),
        };
        match kind {
            Kind::Convolution(Convolution { window, .. })
            | Kind::Depthwise(Depthwise { window, .. })
            | Kind::Separable(Separable { window, .. }) => Self::new(*window, map),
            Kind::Pool(Pool { window, .. }) => match *window {
                PoolWindow::Sized { kernel, stride } => {
                    let padding = Padding::Each(0);
                    let window = Window {
                        kernel,
                        stride,
                        padding,
                    };
                    Self::new(window, map)
                }
                PoolWindow::All => Self::whole(map),
            },
            Kind::Dense(_)
            | Kind::Recurrent(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_) => Self::whole(map),
            Kind::Add(_) | Kind::Concat(_) | Kind::Dropout(_) | Kind::Noise(_) => {
                Self::new(pixelwise, map)
            }
        }
    }

    fn whole(map: Shape) -> Self {
        let kernel = Kernel {
            height: map.height,
            width: map.width,
        };
        let window = Window {
            kernel,
            stride: Stride::ONE,
            padding: Padding::Each(0),
        };
        Self::new(window, map)
    }

    fn new(window: Window, map: Shape) -> Self {
        let Window {
            kernel,
            stride,
            padding,
        } = window;
        let axis = |size: u32, side: u32, stride: u32| -> (i64, u32) {
            let (size, side, stride) = (i64::from(size), i64::from(side), i64::from(stride));
            let (before, outputs) = match padding {
                Padding::Same => {
                    let outputs = (size + stride - 1) / stride;
                    let total = ((outputs - 1) * stride + side - size).max(0);
                    (total / 2, outputs)
                }
                Padding::Each(each) => {
                    let each = i64::from(each);
                    (each, (size + 2 * each - side) / stride + 1)
                }
            };
            (before, outputs as u32)
        };
        let (above, rows) = axis(map.height, kernel.height, stride.rows);
        let (left, columns) = axis(map.width, kernel.width, stride.columns);
        Self {
            kernel,
            stride,
            before: (above, left),
            map: (map.height.into(), map.width.into()),
            outputs: (rows, columns),
        }
    }

    /// Rows and columns of outputs.
    pub fn outputs(&self) -> (u32, u32) {
        self.outputs
    }

    /// What the output at a row and a column reads, row by row.
    pub fn taps(&self, output: (u32, u32)) -> Vec<Tap> {
        let (rows, columns) = self.axes(output);
        let mut taps = Vec::with_capacity(rows.len() * columns.len());
        for (row, y) in (0..).zip(&rows) {
            for (column, x) in (0..).zip(&columns) {
                taps.push(Tap {
                    row,
                    column,
                    pixel: y.zip(*x),
                });
            }
        }
        taps
    }

    /// The pixels of the map that the output at a row and a column reads, row by row.
    pub fn pixels(&self, output: (u32, u32)) -> Vec<(u32, u32)> {
        let (rows, columns) = self.axes(output);
        let columns: Vec<u32> = columns.into_iter().flatten().collect();
        let row = |y| columns.iter().map(move |&x| (y, x));
        rows.into_iter().flatten().flat_map(row).collect()
    }

    /// The map's rows and columns under the kernel's; `None` beside the map.
    fn axes(&self, (row, column): (u32, u32)) -> (Vec<Option<u32>>, Vec<Option<u32>>) {
        let axis = |output: u32, side: u32, stride: u32, before: i64, size: i64| {
            let first = i64::from(output) * i64::from(stride) - before;
            let places = (first..).take(side as usize);
            let inside = places.map(|at| (0..size).contains(&at).then_some(at as u32));
            inside.collect()
        };
        let Kernel { height, width } = self.kernel;
        let Stride { rows, columns } = self.stride;
        (
            axis(row, height, rows, self.before.0, self.map.0),
            axis(column, width, columns, self.before.1, self.map.1),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tf.nn.max_pool` with `SAME` of a row of five by windows of 3, two apart: rows
    /// -1..2, 1..4 and 3..6.
    #[test]
    fn same_padding_begins_before_the_map() {
        let window = Window {
            kernel: Kernel {
                height: 1,
                width: 3,
            },
            stride: Stride {
                rows: 1,
                columns: 2,
            },
            padding: Padding::Same,
        };
        let windows = Windows::new(window, Shape::new(1, 5, 1));
        assert_eq!(windows.outputs(), (1, 3));
        assert_eq!(windows.pixels((0, 0)), [(0, 0), (0, 1)]);
        assert_eq!(windows.pixels((0, 1)), [(0, 1), (0, 2), (0, 3)]);
        assert_eq!(windows.pixels((0, 2)), [(0, 3), (0, 4)]);
        let first = windows.taps((0, 0))[0];
        assert_eq!((first.column, first.pixel), (0, None));
    }
}
