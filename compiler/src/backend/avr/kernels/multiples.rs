//! From one multiple of an activation to the next.

use std::collections::VecDeque;

/// A step of one addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MultipleStep {
    /// Begins with the activation itself.
    Reset,
    /// Adds the activation.
    Increment,
    Double,
}

/// The fewest steps from the multiple `from`, 0 for none, to `to`.
pub(crate) fn steps(from: u32, to: u32) -> Vec<MultipleStep> {
    // Breadth first; where from, and by which step.
    let mut reached: Vec<Option<(u32, MultipleStep)>> = vec![None; to as usize + 1];
    let mut queue = VecDeque::from([from]);
    while let Some(multiple) = queue.pop_front() {
        if multiple == to {
            break;
        }
        let next = [
            (multiple + 1, MultipleStep::Increment),
            (multiple * 2, MultipleStep::Double),
            (1, MultipleStep::Reset),
        ];
        for (result, step) in next {
            let valid = multiple > 0 || step == MultipleStep::Reset;
            if valid && result <= to && result != from && reached[result as usize].is_none() {
                reached[result as usize] = Some((multiple, step));
                queue.push_back(result);
            }
        }
    }
    let mut steps = Vec::new();
    let mut multiple = to;
    while multiple != from {
        let (before, step) = reached[multiple as usize].expect("counting up reaches all");
        steps.push(step);
        multiple = before;
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_from_any_multiple_to_any_larger_one() {
        for from in 0..=128 {
            for to in from..=128 {
                let mut multiple = from;
                for step in steps(from, to) {
                    multiple = match step {
                        MultipleStep::Reset => 1,
                        MultipleStep::Increment => multiple + 1,
                        MultipleStep::Double => multiple * 2,
                    };
                }
                assert_eq!(multiple, to, "from {from}");
            }
        }
    }

    #[test]
    fn a_power_of_two_is_doubled_to() {
        assert_eq!(steps(0, 8).len(), 4);
        assert_eq!(steps(7, 8), [MultipleStep::Increment]);
        assert_eq!(steps(3, 64).len(), 5);
    }
}
