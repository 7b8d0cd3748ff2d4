//! How bytes become the pixels of the first map.

use super::arriving_rows;
use super::design::stored;
use super::layer::StoredMap;
use super::quotient::Quotient;
use super::reason::Reason;
use super::stage::StoredRing;
use super::window_side::WindowSide;
use crate::network::{Kernel, Shape};
use crate::plan::Sink;
use crate::program::Program;

/// What becomes of the input's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intake {
    pub(crate) input: Shape,
    /// Pixels that are used.
    pub(crate) output: Shape,
    /// Rows and columns of the windows of a leading `A`, which lie side by side; 1 without one.
    pub(crate) window: [WindowSide; 2],
    /// Where their sums are, of two bytes each, and how many there are from a column to
    /// the next; `None` without a pooling.
    pub(crate) sums_first_byte: Option<u32>,
    pub(crate) sums_per_column: u32,
    /// What a byte, or a sum, is divided by.
    pub(crate) quotient: Quotient,
    pub(crate) place: InputPlace,
}

impl Intake {
    pub(crate) fn of(program: &Program) -> Result<Self, Reason> {
        let intake = &program.intake;
        let Shape { height, width, .. } = program.input;
        if height > 255 || width > 255 || program.cursor_axis_bytes() != (1, 1) {
            return Err(Reason::LargeInput);
        }
        let place = match intake.sink {
            Sink::Map { value, .. } => InputPlace::Map(stored(program.map(value), program)?),
            Sink::Ring(ring) => {
                InputPlace::Ring(arriving_rows::ring(program, ring, intake.output.width)?)
            }
            Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => {
                return Err(Reason::Streamed);
            }
        };
        let kernel = intake
            .pool
            .map_or(Kernel::square(1), |pool| pool.field.kernel);
        let most = kernel.height * kernel.width * u32::from(u8::MAX);
        let quotient = Quotient::of(intake.divisor.0, most).ok_or(Reason::Intake)?;
        let (sums_first_byte, sums_per_column) = match &intake.pool {
            None => (None, 0),
            Some(pool) => {
                if !pool.is_tiled() || pool.windows.bytes_per_value() != 2 {
                    return Err(Reason::Intake);
                }
                (Some(pool.sums_first_byte()), pool.sums_per_column())
            }
        };
        Ok(Self {
            input: program.input,
            output: intake.output,
            window: [kernel.height, kernel.width].map(WindowSide),
            sums_first_byte,
            sums_per_column,
            quotient,
            place,
        })
    }

    /// Whether a window is more than a pixel.
    pub(crate) fn is_pooled(&self) -> bool {
        self.window != [WindowSide(1); 2]
    }

    /// Rows and columns of the input that are used.
    pub(crate) fn used(&self) -> [u32; 2] {
        let Shape { height, width, .. } = self.output;
        let [rows, columns] = self.window;
        [height * rows.0, width * columns.0]
    }
}

/// Where the pixels of the first map go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InputPlace {
    /// All of them, before anything is computed.
    Map(StoredMap),
    /// Over the oldest ones.
    Ring(StoredRing),
}
