//! Outputs of a last convolution that are results as they stand: sums that are not rounded.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Operation, Roles};
use super::pass::Pass;

impl Emitter<'_> {
    /// Puts the sums of a group into the results, that many bytes each.
    pub(super) fn store_exactly(&self, asm: &mut Assembly<'_>, pass: &Pass, bytes_each: u32) {
        let layer = self.layer;
        let half = asm.label();
        for pixel in 0..layer.lanes {
            if pixel == 1 && self.has_half_group() {
                self.unless_half(asm, half);
            }
            for output in pass.outputs() {
                let of_pixel = (layer.lanes == 2).then_some(pixel);
                self.load_exactly(asm, pass, (output, of_pixel));
                let place = pixel * layer.output.channels + output as u32;
                self.put_bytes(asm, (place * bytes_each, bytes_each));
            }
        }
        asm.bind(half);
    }

    /// `value` ← the sum of an output.
    fn load_exactly(
        &self,
        asm: &mut Assembly<'_>,
        pass: &Pass,
        (output, pixel): (usize, Option<u32>),
    ) {
        let Roles {
            value, multiple, ..
        } = *self.roles;
        let place = pass.place(output, pixel);
        if let Some(loaded) = self.layer.last().weights.loaded {
            let joined = self.joined_value(output, loaded);
            asm.emit_all(loaded.sum(asm.isa(), self.roles, (place, output), joined));
            return;
        }
        let (load, down) = place.load(asm.isa(), value, multiple, true);
        asm.emit_all(load.into_iter().chain(down));
    }

    /// Stores the lower bytes of `value`, which it changes, from that byte of the group on.
    fn put_bytes(&self, asm: &mut Assembly<'_>, (mut first, bytes): (u32, u32)) {
        let Roles {
            value,
            multiple: pointer,
            ..
        } = *self.roles;
        asm.emit(Operation::LoadSlot(pointer, frame::OUTPUT));
        if first + bytes > 32 {
            asm.emit(Operation::AddImmediate(pointer, first as i32));
            first = 0;
        }
        for byte in 0..bytes {
            if byte > 0 {
                asm.emit(Operation::ShiftRight(value, value, 8));
            }
            asm.emit(Operation::StoreByte(value, pointer, first + byte));
        }
    }
}
