use crate::Examples;
use crate::random::{Purpose, Rng};

/// Splits `examples` into those for training and those for validation.
///
/// Of every class, the share nearest to `validation_share` (0 to 1) is for validation: one example
/// at least, where the share is above 0 and the class has two or more, but never all: one example
/// at least stays for training. Examples of a group stay together: whole groups are for validation,
/// until the share is reached. Which ones is drawn by `seed`, the same on every machine. Both parts
/// keep the order of the examples.
pub fn split(examples: Examples, validation_share: f64, seed: u64) -> (Examples, Examples) {
    let mut random = Rng::new(Purpose::Split, seed, 0, 0);
    let is_validation = match examples.groups.is_empty() {
        true => by_class(&examples, validation_share, &mut random),
        false => by_group(&examples, validation_share, &mut random),
    };
    if !is_validation.contains(&true) {
        let none = Examples::none(examples.shape);
        return (examples, none);
    }
    let (validation, training): (Vec<_>, Vec<_>) =
        (0..examples.len()).partition(|&index| is_validation[index]);
    (examples.select(&training), examples.select(&validation))
}

/// Which examples validate, a share of each class.
fn by_class(examples: &Examples, share: f64, random: &mut Rng) -> Vec<bool> {
    let classes = examples
        .labels
        .iter()
        .max()
        .map_or(0, |&label| usize::from(label) + 1);
    let mut by_class = vec![Vec::new(); classes];
    for (index, &label) in examples.labels.iter().enumerate() {
        by_class[usize::from(label)].push(index);
    }
    let mut is_validation = vec![false; examples.len()];
    for indices in &mut by_class {
        random.shuffle(indices);
        let nearest = (indices.len() as f64 * share).round() as usize;
        let least = usize::from(share > 0.0);
        let count = nearest.max(least).min(indices.len().saturating_sub(1));
        for &index in &indices[..count] {
            is_validation[index] = true;
        }
    }
    is_validation
}

/// Which examples validate, whole groups: as many as come nearest to the share, one at least, and
/// not all of them.
fn by_group(examples: &Examples, share: f64, random: &mut Rng) -> Vec<bool> {
    let mut groups: Vec<(&String, usize)> = Vec::new();
    for group in &examples.groups {
        match groups.iter_mut().find(|(it, _)| *it == group) {
            Some((_, count)) => *count += 1,
            None => groups.push((group, 1)),
        }
    }
    random.shuffle(&mut groups);
    let wanted = examples.len() as f64 * share;
    let (mut chosen, mut taken) = (Vec::new(), 0.0);
    for &(group, count) in groups.iter().take(groups.len().saturating_sub(1)) {
        let nearer = (taken + count as f64 - wanted).abs() < (taken - wanted).abs();
        if share > 0.0 && (nearer || chosen.is_empty()) {
            chosen.push(group);
            taken += count as f64;
        }
    }
    let groups = examples.groups.iter();
    groups.map(|group| chosen.contains(&group)).collect()
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
    fn a_group_is_never_parted() {
        let mut whole = examples(&[30, 30]);
        whole.groups = (0..60)
            .map(|index| format!("person {}", index / 2 % 6))
            .collect();
        for seed in 0..5 {
            let (training, validation) = split(whole.clone(), 0.3, seed);
            assert_eq!(validation.len(), 20, "two of six");
            assert!(
                !training
                    .groups
                    .iter()
                    .any(|it| validation.groups.contains(it))
            );
        }
        let (training, validation) = split(whole.clone(), 0.01, 1);
        assert_eq!((training.len(), validation.len()), (50, 10));
        whole.groups.fill("one".to_owned());
        assert!(split(whole, 0.3, 1).1.is_empty());
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
