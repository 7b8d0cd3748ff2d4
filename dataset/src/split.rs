use crate::Examples;
use crate::random::{Purpose, Rng};

/// Splits `examples` into those for training and those for validation.
///
/// Of every class, the share nearest to `validation_share` (0 to 1) is for validation, but never
/// all: one example at least stays for training. Which ones is drawn by `seed`, the same on every
/// machine. Both parts keep the order of the examples.
pub fn split(examples: Examples, validation_share: f64, seed: u64) -> (Examples, Examples) {
    let classes = examples
        .labels
        .iter()
        .max()
        .map_or(0, |&label| usize::from(label) + 1);
    let mut by_class = vec![Vec::new(); classes];
    for (index, &label) in examples.labels.iter().enumerate() {
        by_class[usize::from(label)].push(index);
    }

    let mut random = Rng::new(Purpose::Split, seed, 0, 0);
    let mut is_validation = vec![false; examples.len()];
    for indices in &mut by_class {
        random.shuffle(indices);
        let share = (indices.len() as f64 * validation_share).round() as usize;
        let count = share.min(indices.len().saturating_sub(1));
        for &index in &indices[..count] {
            is_validation[index] = true;
        }
    }
    if !is_validation.contains(&true) {
        let none = Examples::none(examples.shape);
        return (examples, none);
    }
    let (validation, training): (Vec<_>, Vec<_>) =
        (0..examples.len()).partition(|&index| is_validation[index]);
    (examples.select(&training), examples.select(&validation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InputShape;

    /// `counts[class]` examples of each class, in turns; an input is its index.
    fn examples(counts: &[usize]) -> Examples {
        let shape = InputShape {
            height: 1,
            width: 1,
            channels: 1,
        };
        let labels: Vec<_> = (0..counts.iter().copied().max().unwrap_or(0))
            .flat_map(|round| {
                (0..counts.len())
                    .filter(move |&class| round < counts[class])
                    .map(|class| class as u16)
            })
            .collect();
        let inputs = (0..labels.len()).map(|index| index as u8).collect();
        Examples::indexed(shape, inputs, labels)
    }

    fn count(examples: &Examples, class: u16) -> usize {
        examples
            .labels
            .iter()
            .filter(|&&label| label == class)
            .count()
    }

    #[test]
    fn every_class_gives_its_share_and_keeps_one_for_training() {
        let (training, validation) = split(examples(&[40, 14, 1, 0, 2]), 0.25, 1);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|class| count(&validation, class)),
            [10, 4, 0, 0, 1]
        );
        assert_eq!(
            [0, 1, 2, 3, 4].map(|class| count(&training, class)),
            [30, 10, 1, 0, 1]
        );
        let (training, _) = split(examples(&[3, 2]), 1.0, 1);
        assert_eq!(training.len(), 2);
    }

    #[test]
    fn the_parts_are_the_whole_in_its_order() {
        let whole = examples(&[30, 20]);
        let (training, validation) = split(whole.clone(), 0.3, 7);
        let mut inputs = [&training.inputs[..], &validation.inputs].concat();
        assert!(training.inputs.is_sorted() && validation.inputs.is_sorted());
        inputs.sort_unstable();
        assert_eq!(inputs, whole.inputs);
        for part in [training, validation] {
            for (index, input) in part.inputs.iter().enumerate() {
                assert_eq!(part.labels[index], whole.labels[usize::from(*input)]);
                assert_eq!(part.names[index], format!("image {input}"));
            }
        }
    }

    #[test]
    fn a_seed_splits_the_same_on_every_machine() {
        let (_, validation) = split(examples(&[12, 12]), 0.25, 1);
        assert_eq!(validation.inputs, [7, 10, 14, 15, 20, 21]);
        let (_, another) = split(examples(&[12, 12]), 0.25, 2);
        assert_ne!(another.inputs, validation.inputs);
    }

    #[test]
    fn no_share_leaves_all_for_training() {
        let whole = examples(&[5, 5]);
        let (training, validation) = split(whole.clone(), 0.0, 1);
        assert_eq!(training, whole);
        assert!(validation.is_empty());
    }
}
