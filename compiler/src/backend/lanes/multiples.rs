//! Multiples of a value, one after another in one register.
//!
//! A sum that may be subtracted from takes a multiple of either sign; one that is only
//! added to needs its very own.

use super::isa::{InstructionSet, Operation, Register};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// How the next multiple is made, of the value (`Value`) and the last multiple (`Last`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    Value,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Add(Term, Term),
    Subtract(Term, Term),
    Shift(Term, u8),
    Negate(Term),
    /// By a constant that does not follow from the last one.
    Constant,
}

/// A multiple and how it is made of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Multiple {
    pub(crate) factor: i32,
    step: Step,
}

/// What sums need of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Needs {
    /// Factors above 0 of either sign.
    pub(crate) either: BTreeSet<i32>,
    /// Factors of that sign.
    pub(crate) signed: BTreeSet<i32>,
}

impl Needs {
    fn without(&self, factor: i32) -> Self {
        let mut left = self.clone();
        left.either.remove(&factor.abs());
        left.signed.remove(&factor);
        left
    }

    fn is_empty(&self) -> bool {
        self.either.is_empty() && self.signed.is_empty()
    }

    fn greatest(&self) -> i32 {
        let all = self.either.iter().chain(&self.signed);
        all.map(|factor| factor.abs()).max().unwrap_or(0)
    }
}

/// The greatest factor that chains are looked for.
const MOST_IN_CHAINS: i32 = 16;

/// Chains that were found.
pub(crate) struct Multiples<'a> {
    isa: &'a dyn InstructionSet,
    found: BTreeMap<Needs, (Vec<Multiple>, u32)>,
}

impl<'a> Multiples<'a> {
    pub(crate) fn new(isa: &'a dyn InstructionSet) -> Self {
        Self {
            isa,
            found: BTreeMap::new(),
        }
    }

    /// The multiples in the order of making, without the value itself, and their cycles.
    pub(crate) fn of(&mut self, needs: &Needs) -> &(Vec<Multiple>, u32) {
        let needs = needs.without(1);
        if !self.found.contains_key(&needs) {
            let chain = match needs.greatest() <= MOST_IN_CHAINS {
                true => self.chain(&needs),
                false => self.one_by_one(&needs),
            };
            self.found.insert(needs.clone(), chain);
        }
        &self.found[&needs]
    }

    /// The fewest cycles, by Dijkstra's algorithm over the last multiple and what is
    /// still needed.
    fn chain(&self, needs: &Needs) -> (Vec<Multiple>, u32) {
        type State = (i32, Needs);
        let start: State = (0, needs.clone());
        let mut best: BTreeMap<State, (u32, Option<(State, Step)>)> = BTreeMap::new();
        best.insert(start.clone(), (0, None));
        let mut queue = BinaryHeap::from([(std::cmp::Reverse(0), start)]);
        while let Some((std::cmp::Reverse(cycles), state)) = queue.pop() {
            if best[&state].0 < cycles {
                continue;
            }
            if state.1.is_empty() {
                let mut chain = Vec::new();
                let mut at = state;
                while let Some((before, step)) = best[&at].1.clone() {
                    chain.push(Multiple { factor: at.0, step });
                    at = before;
                }
                chain.reverse();
                return (chain, cycles);
            }
            for (factor, step) in steps(state.0) {
                let next: State = (factor, state.1.without(factor));
                let reached = cycles + self.cycles(step);
                if best.get(&next).is_none_or(|known| reached < known.0) {
                    best.insert(next.clone(), (reached, Some((state.clone(), step))));
                    queue.push((std::cmp::Reverse(reached), next));
                }
            }
        }
        unreachable!("every factor is a sum of ones")
    }

    fn cycles(&self, step: Step) -> u32 {
        let (first, second) = match step {
            Step::Add(one, other) => (one, other),
            Step::Subtract(one, _) => (one, Term::Value),
            Step::Shift(term, _) => (term, term),
            Step::Negate(_) => (Term::Value, Term::Value),
            Step::Constant => (Term::Last, Term::Last),
        };
        match first == Term::Last || second == Term::Last && matches!(step, Step::Add(..)) {
            true => 1,
            false => self.isa.three_operand_cycles(),
        }
    }

    fn one_by_one(&self, needs: &Needs) -> (Vec<Multiple>, u32) {
        let factors: BTreeSet<i32> = needs.either.union(&needs.signed).copied().collect();
        let chain = factors.into_iter().filter(|&factor| factor != 1);
        let chain: Vec<Multiple> = chain
            .map(|factor| Multiple {
                factor,
                step: Step::Constant,
            })
            .collect();
        let cycles = chain.iter().map(|multiple| {
            let operations = multiply(self.isa, multiple.factor, [Register(8), Register(9)]);
            operations.len() as u32
        });
        let cycles = cycles.sum();
        (chain, cycles)
    }

    /// Makes one in `last`, of the value and what `last` holds.
    pub(crate) fn make(
        &self,
        multiple: Multiple,
        value: Register,
        last: Register,
    ) -> Vec<Operation> {
        let register = |term: Term| match term {
            Term::Value => value,
            Term::Last => last,
        };
        match multiple.step {
            Step::Add(one, other) => {
                vec![Operation::Add(last, register(one), register(other))]
            }
            Step::Subtract(one, other) => {
                vec![Operation::Subtract(last, register(one), register(other))]
            }
            Step::Shift(term, by) => vec![Operation::ShiftLeft(last, register(term), by)],
            Step::Negate(term) => vec![Operation::Negate(last, register(term))],
            Step::Constant => multiply(self.isa, multiple.factor, [last, value]),
        }
    }
}

/// What one operation makes of the value and the last multiple, which is 0 where there
/// is none.
fn steps(last: i32) -> Vec<(i32, Step)> {
    let mut terms = vec![(1, Term::Value)];
    if last != 0 {
        terms.push((last, Term::Last));
    }
    let mut steps = Vec::new();
    for &(factor, one) in &terms {
        for &(other_factor, other) in &terms {
            steps.push((factor + other_factor, Step::Add(one, other)));
            steps.push((factor - other_factor, Step::Subtract(one, other)));
        }
        steps.push((-factor, Step::Negate(one)));
        steps.extend((1..=4).map(|by| (factor << by, Step::Shift(one, by))));
    }
    let most = 2 * MOST_IN_CHAINS;
    steps.retain(|&(factor, _)| factor != 0 && factor != last && factor.abs() <= most);
    steps
}

/// `to = factor · from`, a factor other than 0.
pub(crate) fn multiply(
    isa: &dyn InstructionSet,
    factor: i32,
    [to, from]: [Register; 2],
) -> Vec<Operation> {
    let digits = signed_digits(factor);
    let additions = digits.iter().filter(|&&digit| digit != 0).count();
    if isa.multiplies() && (additions > 2 || factor < 0) {
        return vec![
            Operation::Immediate(to, factor),
            Operation::Multiply(to, from),
        ];
    }
    // From the highest digit down: shifted, and added to or subtracted from.
    let mut operations = Vec::new();
    let mut by = 0;
    let mut begun = false;
    for &digit in digits.iter().rev() {
        if begun {
            by += 1;
        }
        if digit == 0 {
            continue;
        }
        if !begun {
            begun = true;
            if digit > 0 {
                operations.push(Operation::Move(to, from));
            } else {
                operations.push(Operation::Immediate(to, 0));
                operations.push(Operation::Subtract(to, to, from));
            }
            continue;
        }
        operations.push(Operation::ShiftLeft(to, to, by));
        by = 0;
        operations.push(match digit > 0 {
            true => Operation::Add(to, to, from),
            false => Operation::Subtract(to, to, from),
        });
    }
    if by > 0 {
        operations.push(Operation::ShiftLeft(to, to, by));
    }
    operations
}

/// Digits −1, 0 and 1 of which no two neighbours are both other than 0, the lowest first
/// (Reitwiesner, "Binary arithmetic", 1960).
fn signed_digits(factor: i32) -> Vec<i32> {
    let mut left = i64::from(factor);
    let mut digits = Vec::new();
    while left != 0 {
        let digit = match left.rem_euclid(4) {
            1 => 1,
            3 => -1,
            _ => 0,
        };
        digits.push(digit);
        left = (left - i64::from(digit)) / 2;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_digits_are_those_of_the_factor() {
        for factor in -300..=300 {
            let digits = signed_digits(factor);
            let value: i32 = digits.iter().rev().fold(0, |sum, digit| 2 * sum + digit);
            assert_eq!(value, factor);
        }
    }
}
