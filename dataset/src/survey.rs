//! What labelled data look like, before anything is trained on them.

use crate::{Examples, Recordings};

/// What a channel of the data holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// Its least value.
    pub least: f32,
    pub mean: f64,
    /// Its greatest value.
    pub greatest: f32,
}

/// What a network of some bits sees of examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Bits of an activation.
    pub bits: u32,
    /// How many of the `2^bits` levels occur.
    pub levels: usize,
    /// Examples whose values are all the same.
    pub constant_examples: usize,
    /// Places of an input that have the same level in all examples.
    pub constant_places: usize,
    /// Places of an input.
    pub places: usize,
    /// Examples that were looked at.
    pub examples: usize,
}

/// What each channel holds; nothing where there are no recordings.
pub fn channels(recordings: &Recordings) -> Vec<Channel> {
    let count = recordings.shape.channels as usize;
    let mut channels = vec![
        Channel {
            least: f32::INFINITY,
            mean: 0.0,
            greatest: f32::NEG_INFINITY,
        };
        count
    ];
    let mut add = |at: usize, value: f32| {
        let channel = &mut channels[at % count];
        channel.least = channel.least.min(value);
        channel.greatest = channel.greatest.max(value);
        channel.mean += f64::from(value);
    };
    let length = match &recordings.values {
        crate::Values::Bytes(bytes) => {
            let values = bytes.iter().enumerate();
            values.for_each(|(at, &byte)| add(at, byte.into()));
            bytes.len()
        }
        crate::Values::Numbers(numbers) => {
            let values = numbers.iter().enumerate();
            values.for_each(|(at, &number)| add(at, number));
            numbers.len()
        }
    };
    if length == 0 {
        return Vec::new();
    }
    for channel in &mut channels {
        channel.mean /= (length / count) as f64;
    }
    channels
}

impl Seen {
    /// What is left of the examples' bytes in that many bits.
    pub fn of(examples: &Examples, bits: u32) -> Self {
        let places = examples.shape.values();
        let shift = 8 - bits.clamp(1, 8);
        let mut has_level = [false; 256];
        let mut is_constant = vec![true; places];
        let mut constant_examples = 0;
        for index in 0..examples.len() {
            let input = examples.input(index);
            let first = input[0] >> shift;
            constant_examples += usize::from(input.iter().all(|it| it >> shift == first));
            for (at, value) in input.iter().enumerate() {
                has_level[usize::from(value >> shift)] = true;
                is_constant[at] &= value >> shift == examples.inputs[at] >> shift;
            }
        }
        Self {
            bits,
            levels: has_level.iter().filter(|it| **it).count(),
            constant_examples,
            constant_places: is_constant.iter().filter(|it| **it).count(),
            places,
            examples: examples.len(),
        }
    }

    /// What is wrong with them, in words: that nothing, or little, is left.
    pub fn warnings(&self) -> Vec<String> {
        let Self {
            bits,
            levels,
            constant_examples,
            constant_places,
            places,
            examples,
        } = *self;
        let mut warnings = Vec::new();
        if examples == 0 {
            return warnings;
        }
        if constant_places == places {
            warnings.push(format!(
                "at {bits} bits, what a network sees is the same for every example: nothing can be \
                 learnt from it"
            ));
        } else if levels <= 2 && bits > 1 {
            warnings.push(format!(
                "at {bits} bits, the inputs have only {levels} of {} levels",
                1_u32 << bits
            ));
        }
        if constant_examples > 0 && constant_places < places {
            warnings.push(format!(
                "at {bits} bits, {constant_examples} of {examples} examples have the same value \
                 everywhere: nothing is left of them"
            ));
        }
        warnings
    }
}

/// How many examples each class has, and whether they are so unequal that a network would rather
/// learn the common ones.
pub fn are_unequal(counts: &[u64]) -> bool {
    /// The greatest ratio of two classes that are called equal.
    const EQUAL: u64 = 3;
    let there = counts.iter().filter(|&&it| it > 0);
    let (least, most) = (there.clone().min(), there.max());
    least
        .zip(most)
        .is_some_and(|(least, most)| 2 * most > EQUAL * least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InputShape;

    #[test]
    fn what_vanishes_at_the_bits_is_said() {
        let shape = InputShape {
            height: 1,
            width: 2,
            channels: 1,
        };
        let of = |inputs: &[u8]| {
            let labels = vec![0; inputs.len() / 2];
            Examples::indexed(shape, inputs.to_vec(), labels)
        };
        let dark = Seen::of(&of(&[0, 3, 1, 2]), 4);
        assert_eq!((dark.levels, dark.constant_places), (1, 2));
        assert!(dark.warnings()[0].contains("the same for every example"));
        assert!(Seen::of(&of(&[0, 3, 1, 2]), 8).warnings().is_empty());
        let one = Seen::of(&of(&[0, 255, 70, 71, 16, 140]), 4);
        assert_eq!(one.constant_examples, 1);
        assert_eq!(one.warnings().len(), 1);
    }

    #[test]
    fn classes_of_more_than_three_halves_are_unequal() {
        assert!(!are_unequal(&[5421, 6742, 0]));
        assert!(are_unequal(&[580, 20]));
        assert!(!are_unequal(&[]));
    }
}
