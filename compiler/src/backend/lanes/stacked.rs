//! The first stage, where its input has a single channel: the rows of a field are taken as the
//! channels of one row, so that a word has two columns of the field, and where all of these are 0
//! it is skipped at once.

use super::assembly::Assembly;
use super::isa::{Condition, Operation};
use super::layer::{Reduction, Weights};
use super::ring::{address_of_slot, back_from_end, load_position, ring_end, slot_before};
use super::stage::{Stage, StageInput, StageLayer, StoredRing};
use super::strip::{Registers, Taking, add_constant, share_of_loops};

/// The fields of four bits of a lane that rows go to, for rows of a lane beside one another are
/// what is easily made of two bytes: of two rows, the second field stays empty.
const FIELDS: [usize; 3] = [0, 2, 1];

/// The first two of them, of the even pixels of two bytes.
const EVEN_PIXELS: i32 = 0x0F0F;

/// Rows that are channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackedRows {
    pub(crate) ring: StoredRing,
    pub(crate) rows: u32,
}

/// Lets the first stage take rows as channels, where it can.
pub(crate) fn stack(stages: &mut [Stage]) {
    let Some(first) = stages.first_mut() else {
        return;
    };
    let StageLayer::Convolution(layer) = &mut first.layer else {
        return;
    };
    let Some(mut stage) = layer.stage else { return };
    let StageInput::Ring(ring) = stage.input else {
        return;
    };
    let rows = layer.kernel.0;
    let is_plain = layer.reduction == Reduction::Weighted
        && layer.pointwise.is_none()
        && !layer.signed_inputs
        && (layer.bits, layer.lanes) == (4, 2);
    // Two pixels are a byte.
    let is_whole = ring.width.is_multiple_of(2) && !ring.breaks_rows();
    let is_single = ring.pixel_cells == 1 && ring.pixels >= rows * ring.width;
    if !(is_plain && is_whole && is_single && (2..=3).contains(&rows)) {
        return;
    }
    stage.input = StageInput::Stacked(StackedRows { ring, rows });
    layer.stage = Some(stage);
    layer.weights = layer.weights.with_rows_as_channels(layer.kernel);
    layer.input.channels = FIELDS.len() as u32;
    layer.input.pixel_cells = layer.input.channels;
    layer.input.height = 1;
    layer.kernel.0 = 1;
    layer.stride.0 = 1;
}

impl Weights {
    /// Of a single channel: the weights of a kernel of one row, whose channels are those of rows.
    fn with_rows_as_channels(&self, (rows, columns): (u32, u32)) -> Self {
        let count = FIELDS.len();
        let taps = (0..columns as usize).flat_map(|column| {
            (0..count).map(move |channel| {
                let row = FIELDS.iter().position(|&field| field == channel);
                row.filter(|row| *row < rows as usize)
                    .map(|row| row * columns as usize + column)
            })
        });
        self.of_rows(taps)
    }
}

impl Taking<'_> {
    /// Takes the newest rows apart, beside one another.
    pub(crate) fn take_stacked(&self, asm: &mut Assembly<'_>, stacked: &StackedRows) {
        let Registers {
            source,
            target,
            word,
            piece,
            count,
        } = Registers::of(self.roles);
        let StackedRows { ring, rows } = *stacked;
        let form = (self.layer.bits, false);
        // Rows begin where their first pixel is, each of which is found by the row before.
        let [second, third, spare] = [0, 1, 2].map(|index| self.roles.low[index]);
        load_position(asm, &ring, [word, piece]);
        slot_before(asm, &ring, rows * ring.width, [word, piece]);
        address_of_slot(asm, &ring, form, [source, word]);
        let distance = ring_end(asm, &ring, form, ([piece, word], 0));
        let starts = [source, second, third];
        for pair in starts[..rows as usize].windows(2) {
            asm.emit(Operation::Move(pair[1], pair[0]));
            add_constant(asm, pair[1], i64::from(ring.width / 2), word);
            back_from_end(asm, [pair[1], piece], distance, word);
        }
        asm.emit(Operation::SlotAddress(target, self.strip.first_byte));
        let pairs = (ring.width / 2).min(self.strip.groups);
        asm.emit(Operation::Immediate(count, pairs as i32));
        let next = asm.here();
        asm.times(pairs.into(), |asm| {
            use Operation::{And, LoadByte, Or, ShiftLeft, ShiftRight, Xor};
            asm.emit(LoadByte(word, source, 0));
            asm.emit(LoadByte(piece, second, 0));
            asm.emit(ShiftLeft(piece, piece, 8));
            asm.emit(Or(word, piece));
            asm.emit(Operation::Immediate(piece, EVEN_PIXELS));
            asm.emit(And(piece, word));
            asm.emit(Xor(word, piece));
            asm.emit(ShiftLeft(word, word, 12));
            asm.emit(Or(word, piece));
            if rows == 3 {
                asm.emit(LoadByte(piece, third, 0));
                asm.emit(ShiftLeft(spare, piece, 28));
                asm.emit(ShiftRight(spare, spare, 24));
                asm.emit(ShiftRight(piece, piece, 4));
                asm.emit(ShiftLeft(piece, piece, 20));
                asm.emit(Or(word, spare));
                asm.emit(Or(word, piece));
            }
            asm.emit(Operation::Store(word, target, 0));
            for pointer in &starts[..rows as usize] {
                asm.emit(Operation::AddImmediate(*pointer, 1));
            }
            asm.emit(Operation::AddImmediate(target, 4));
            asm.emit(Operation::AddImmediate(count, -1));
            asm.branch(Condition::NotZero(count), share_of_loops(pairs), next);
        });
    }
}
