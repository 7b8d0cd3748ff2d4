//! Where the rows of stages are in the frame, and what they keep there.
//!
//! The strip of a stage lies after what stages after it have taken apart before it computes. What it
//! keeps while it computes itself is after its strip, or, where loads would not reach that, before
//! all strips, where other stages have theirs too.

use super::frame;
use super::joined;
use super::layer::{Convolution, Reduction};
use super::reduction::MOST_TAPS;
use super::stage::{Stage, StageLayer};
use super::strip::Strip;
use crate::backend::avr::CodeForm;

/// The strip of each stage that has one, after the rows of maps that are joined.
pub(crate) fn strips(stages: &[Stage]) -> Vec<Option<Strip>> {
    let first = first_byte(stages);
    let strips = strips_from(stages, first, None);
    if end_byte(&strips) <= frame::MOST_SLOTS_BYTES {
        return strips;
    }
    let layers = stages.iter().filter_map(Stage::taking);
    let slots = layers.map(|layer| Strip::of(layer).own_slots_bytes(layer));
    let slots_bytes = slots.max().unwrap_or(0);
    strips_from(stages, first + slots_bytes, Some(first))
}

/// The strips from that byte on, with slots of their own, or, where others have them, with those from
/// there on.
fn strips_from(stages: &[Stage], first: u32, slots: Option<u32>) -> Vec<Option<Strip>> {
    let mut strips: Vec<Option<Strip>> = vec![None; stages.len()];
    for (index, stage) in stages.iter().enumerate().rev() {
        let Some(layer) = stage.taking() else {
            continue;
        };
        let after = stages.iter().zip(&strips).skip(index + 1);
        let ends = after.filter_map(|(later, strip)| later.taken_before(index, (*strip)?));
        let first = ends.max().unwrap_or(first);
        strips[index] = Some(Strip::of(layer).of_stage(layer, first, slots));
    }
    strips
}

/// Bytes of the frame.
pub(crate) fn frame_bytes(stages: &[Stage]) -> u32 {
    end_byte(&strips(stages)).max(frame::STRIP)
}

/// Whether loads reach all slots, and the frame holds all rows.
pub(crate) fn fits(stages: &[Stage]) -> bool {
    let strips = strips(stages);
    let of_layers = stages
        .iter()
        .filter_map(Stage::taking)
        .zip(strips.iter().flatten());
    let mut slots = of_layers.map(|(layer, strip)| strip.end_of_slots(layer));
    slots.all(|end| end <= frame::MOST_SLOTS_BYTES) && end_byte(&strips) <= frame::MOST_BYTES
}

fn end_byte(strips: &[Option<Strip>]) -> u32 {
    let ends = strips.iter().flatten().map(Strip::end_byte);
    ends.max().unwrap_or(0)
}

impl Stage {
    /// What takes rows apart.
    fn taking(&self) -> Option<&Convolution> {
        match &self.layer {
            StageLayer::Convolution(layer) => Some(layer),
            StageLayer::Dense(stage) => stage.taken.as_ref(),
        }
    }

    /// The end of what this stage, whose strip that is, has of its own when that one before it
    /// computes.
    fn taken_before(&self, index: usize, strip: Strip) -> Option<u32> {
        let layer = self.taking()?;
        let is_there = |layer: &Convolution| {
            let before = layer.stage.and_then(|rows| rows.oldest_before);
            before.is_some_and(|before| before <= index)
        };
        match is_there(layer) {
            true => Some(strip.first_byte + strip.row_bytes()),
            false => {
                let has_joined = layer.joined.iter().any(is_there);
                has_joined.then_some(strip.first_byte)
            }
        }
    }
}

impl Strip {
    /// The same of a stage, after the rows of maps that are joined, which begin at that byte; what
    /// it keeps is after it, or, if they are given, at those slots.
    fn of_stage(self, layer: &Convolution, first: u32, slots: Option<u32>) -> Self {
        let slots_bytes = joined::slots_bytes(layer);
        let joined_slots = slots.unwrap_or(first);
        let joined_byte = match slots {
            Some(_) => first,
            None => first + slots_bytes,
        };
        let strip = self.at(joined_byte + joined::rows_bytes(layer));
        Self {
            joined_slots,
            joined_byte,
            kept_byte: slots.map_or(strip.kept_byte, |slots| slots + slots_bytes),
            ..strip
        }
    }

    /// Bytes of the slots that it needs while it computes.
    fn own_slots_bytes(&self, layer: &Convolution) -> u32 {
        joined::slots_bytes(layer) + self.kept_bytes
    }

    /// Bytes of the frame up to the last of these.
    fn end_of_slots(&self, layer: &Convolution) -> u32 {
        let joined = self.joined_slots + joined::slots_bytes(layer);
        joined.max(self.kept_byte + self.kept_bytes)
    }
}

/// The first byte of the frame that no stage has a slot at.
fn first_byte(stages: &[Stage]) -> u32 {
    let has_strip = |stage: &Stage| stage.taking().is_some();
    let end = stages
        .iter()
        .rposition(has_strip)
        .map_or(0, |last| last + 1);
    let has_few = stages[..end].iter().all(|stage| match &stage.layer {
        StageLayer::Convolution(layer) => {
            let is_unrolled = layer.form.code_form() == CodeForm::Unrolled;
            let is_wide = layer.pooled.is_some_and(|it| it.columns > layer.lanes);
            let counts_taps = layer.reduction != Reduction::Weighted && layer.kernel.1 > MOST_TAPS;
            is_unrolled && !is_wide && !counts_taps && layer.pointwise.is_none()
        }
        // Of one after these, no strip is there any more.
        StageLayer::Dense(_) => false,
    });
    match has_few {
        true => frame::OF_FEW,
        false => frame::STRIP,
    }
}
