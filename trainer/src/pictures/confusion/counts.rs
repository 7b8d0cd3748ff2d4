//! How often each class was taken for each.

/// Counts of samples by actual and by predicted class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    class_names: Vec<String>,
    /// A row for each actual class.
    counts: Vec<u64>,
    /// The sum of each row.
    samples: Vec<u64>,
}

impl Confusion {
    /// Of no samples yet, with a class for each name.
    pub fn new(class_names: Vec<String>) -> Self {
        let classes = class_names.len();
        Self {
            class_names,
            counts: vec![0; classes * classes],
            samples: vec![0; classes],
        }
    }

    /// Counts a sample.
    ///
    /// # Panics
    /// If either is no class.
    pub fn add(&mut self, actual: usize, predicted: usize) {
        let index = self.index(actual, predicted);
        self.counts[index] += 1;
        self.samples[actual] += 1;
    }

    /// How many samples of the one class were taken for the other.
    ///
    /// # Panics
    /// If either is no class.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[self.index(actual, predicted)]
    }

    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// How many samples were counted.
    pub fn total(&self) -> u64 {
        self.samples.iter().sum()
    }

    /// How many of them were classified rightly.
    pub fn right(&self) -> u64 {
        let classes = 0..self.class_names.len();
        classes.map(|class| self.count(class, class)).sum()
    }

    /// The share of the samples that were classified rightly, 0 to 1; none without samples.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.right(), self.total())
    }

    /// The share of the class' own samples that were classified rightly, 0 to 1 (its
    /// recall); none if there are no samples of it.
    ///
    /// # Panics
    /// If it is no class.
    pub fn accuracy_of(&self, class: usize) -> Option<f64> {
        self.share(class, class)
    }

    /// The share of the one class' samples that were taken for the other.
    pub(super) fn share(&self, actual: usize, predicted: usize) -> Option<f64> {
        share(self.count(actual, predicted), self.samples[actual])
    }

    fn index(&self, actual: usize, predicted: usize) -> usize {
        let classes = self.class_names.len();
        for class in [actual, predicted] {
            assert!(class < classes, "class {class} of {classes} classes");
        }
        actual * classes + predicted
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_is_the_share_of_the_diagonal() {
        let mut confusion = Confusion::new(vec!["no".to_owned(), "yes".to_owned()]);
        assert_eq!(confusion.accuracy(), None);
        for (actual, predicted) in [(0, 0), (0, 1), (0, 0), (0, 0)] {
            confusion.add(actual, predicted);
        }
        assert_eq!(confusion.accuracy(), Some(0.75));
        assert_eq!(confusion.accuracy_of(0), Some(0.75));
        assert_eq!(confusion.accuracy_of(1), None);
        assert_eq!(confusion.count(0, 1), 1);
    }
}
