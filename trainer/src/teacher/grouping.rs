//! The classes of a teacher that tells more classes apart than its student: each belongs
//! to one class of the student.

use anyhow::{Result, bail};

/// Of each class of a teacher, the class of the student that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Grouping(Vec<u16>);

impl Grouping {
    /// That by which `told` classes of a teacher are the `asked` ones of a student.
    ///
    /// # Errors
    /// When a class of the teacher has none of the student, or one that there is not; when a
    /// class of the student has none of the teacher.
    pub(super) fn new(class_of: &[u16], told: usize, asked: usize) -> Result<Self> {
        if class_of.len() != told {
            bail!(
                "the teacher tells {told} classes apart, and {} have a class of the network: give \
                 each of them one",
                class_of.len()
            );
        }
        if let Some(class) = class_of.iter().find(|&&it| usize::from(it) >= asked) {
            bail!(
                "a class of the teacher belongs to class {class}, and those of the network are 0 \
                 to {}",
                asked - 1
            );
        }
        let is_missing = |class: &usize| class_of.iter().all(|&it| usize::from(it) != *class);
        if let Some(class) = (0..asked).find(is_missing) {
            bail!("no class of the teacher belongs to class {class} of the network: give it one");
        }
        Ok(Self(class_of.to_vec()))
    }

    /// The student's classes.
    fn classes(&self) -> usize {
        1 + usize::from(self.0.iter().copied().max().unwrap_or(0))
    }

    /// The logits of the student's classes, from those of the teacher's: the likelihood of a
    /// group is the sum of its classes' likelihoods.
    pub(super) fn logits(&self, told: &[f64]) -> Vec<f64> {
        (0..self.classes())
            .map(|class| {
                let group = self.0.iter().zip(told);
                let group = group.filter(|(of, _)| usize::from(**of) == class);
                log_sum_exp(group.map(|(_, logit)| *logit))
            })
            .collect()
    }
}

impl std::fmt::Display for Grouping {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let classes: Vec<String> = self.0.iter().map(u16::to_string).collect();
        f.write_str(&classes.join(","))
    }
}

/// log(Σ exp(x)), without overflow.
fn log_sum_exp(logits: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + logits.map(|it| (it - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_as_likely_as_its_classes_together() {
        let grouping = Grouping::new(&[0, 1, 0, 2], 4, 3).unwrap();
        let likelihoods = [0.1, 0.2, 0.3, 0.4_f64];
        // Logits may have any offset, even one whose exponential is infinite.
        let logits = grouping.logits(&likelihoods.map(|it| it.ln() + 1000.0));
        for (logit, expected) in logits.iter().zip([0.4, 0.2, 0.4]) {
            assert!(((logit - 1000.0).exp() - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn each_class_of_either_side_has_one_of_the_other() {
        let message =
            |class_of: &[u16]| format!("{:#}", Grouping::new(class_of, 3, 2).err().unwrap());
        assert!(message(&[0, 1]).contains("tells 3 classes apart, and 2 have"));
        assert!(
            message(&[0, 1, 2]).contains("belongs to class 2, and those of the network are 0 to 1")
        );
        assert!(message(&[0, 0, 0]).contains("no class of the teacher belongs to class 1"));
    }
}
