//! Multiples of a value, one after another in one register.
//!
//! A sum that may be subtracted from takes a multiple of either sign; one that is only
//! added to needs its very own.

use super::isa::{InstructionSet, Operation, Register, Roles};
use super::sums::{cycles, fastest};
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

impl Multiple {
    /// Whether it does not follow from the last one.
    pub(crate) fn is_constant(&self) -> bool {
        self.step == Step::Constant
    }
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

    fn greatest(&self) -> i32 {
        let all = self.either.iter().chain(&self.signed);
        all.map(|factor| factor.abs()).max().unwrap_or(0)
    }
}

/// The greatest factor that chains are looked for.
const MOST_IN_CHAINS: i32 = 16;

/// The most factors through which the shortest way is looked for.
const MOST_STOPS: usize = 7;

/// Chains that were found.
pub(crate) struct Multiples<'a> {
    isa: &'a dyn InstructionSet,
    ways: Ways,
    found: BTreeMap<Needs, (Vec<Multiple>, u32)>,
    /// Cycles of multiples that do not follow from others.
    constants: BTreeMap<i32, u32>,
}

impl<'a> Multiples<'a> {
    pub(crate) fn new(isa: &'a dyn InstructionSet) -> Self {
        Self {
            isa,
            ways: Ways::of(isa.three_operand_cycles()),
            found: BTreeMap::new(),
            constants: BTreeMap::new(),
        }
    }

    /// A multiple's and the value's.
    fn registers(&self) -> [Register; 2] {
        let Roles {
            multiple, value, ..
        } = self.isa.roles();
        [multiple, value]
    }

    /// Whether products of constants below 0 and a value are cheaper by what it is negated.
    pub(crate) fn wants_negated(&self, mut factors: impl Iterator<Item = i32>) -> bool {
        let cycles = |factor: i32| {
            let operations = multiply_fast(self.isa, factor, self.registers());
            cycles(self.isa, &operations)
        };
        let has_constants = factors.any(|factor| factor.abs() > MOST_IN_CHAINS);
        // Any two of several digits.
        has_constants && cycles(-107) > cycles(107)
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

    /// The fewest cycles: a shortest way through all factors that are needed (Held &
    /// Karp, "A dynamic programming approach to sequencing problems", 1962), or, of many,
    /// always to the nearest one.
    fn chain(&self, needs: &Needs) -> (Vec<Multiple>, u32) {
        // A factor of either sign is two stops, of which one is enough.
        let either = needs.either.iter().map(|&factor| vec![factor, -factor]);
        let signed = needs.signed.iter();
        let signed = signed.filter(|factor| !needs.either.contains(&factor.abs()));
        let needed: Vec<Vec<i32>> = either.chain(signed.map(|&factor| vec![factor])).collect();
        let both = needs
            .signed
            .iter()
            .filter(|it| needs.either.contains(&it.abs()));
        // Where a factor of either sign is needed with one sign by another sum, that one.
        let fixed: BTreeSet<i32> = both.copied().collect();
        let mut needed: Vec<Vec<i32>> = needed
            .into_iter()
            .map(|mut stops| {
                let with_sign: Vec<i32> = stops
                    .iter()
                    .copied()
                    .filter(|it| fixed.contains(it))
                    .collect();
                if !with_sign.is_empty() {
                    stops = with_sign;
                }
                stops
            })
            .collect();
        // A factor that two sums need with different signs is two stops.
        let twice: Vec<usize> = (0..needed.len())
            .filter(|&index| needed[index].len() == 2 && fixed.contains(&needed[index][0]))
            .collect();
        for index in twice {
            let second = needed[index].remove(1);
            needed.push(vec![second]);
        }
        let stops = match needed.len() <= MOST_STOPS {
            true => self.shortest(&needed),
            false => self.nearest(&needed),
        };
        let mut chain = Vec::new();
        let mut cycles = 0;
        let mut at = 0;
        for stop in stops {
            cycles += self.ways.cycles(at, stop);
            chain.extend(self.ways.way(at, stop));
            at = stop;
        }
        (chain, cycles)
    }

    fn shortest(&self, needed: &[Vec<i32>]) -> Vec<i32> {
        let stops: Vec<(usize, i32)> = (0..)
            .zip(needed)
            .flat_map(|(bit, factors)| factors.iter().map(move |&factor| (bit, factor)))
            .collect();
        let all = (1usize << needed.len()) - 1;
        if all == 0 {
            return Vec::new();
        }
        // By what is made and the stop that was made last: cycles, and the stop before.
        let mut best = vec![vec![(u32::MAX, usize::MAX); stops.len()]; all + 1];
        for (index, &(bit, factor)) in stops.iter().enumerate() {
            best[1 << bit][index] = (self.ways.cycles(0, factor), usize::MAX);
        }
        for made in 1..=all {
            for last in 0..stops.len() {
                let (cycles, _) = best[made][last];
                if cycles == u32::MAX {
                    continue;
                }
                for (next, &(bit, factor)) in stops.iter().enumerate() {
                    if made >> bit & 1 == 1 {
                        continue;
                    }
                    let reached = cycles + self.ways.cycles(stops[last].1, factor);
                    let known = &mut best[made | 1 << bit][next];
                    if reached < known.0 {
                        *known = (reached, last);
                    }
                }
            }
        }
        let mut made = all;
        let mut last = (0..stops.len()).min_by_key(|&index| best[all][index].0);
        let mut order = Vec::new();
        while let Some(index) = last {
            order.push(stops[index].1);
            let before = best[made][index].1;
            made &= !(1 << stops[index].0);
            last = (before != usize::MAX).then_some(before);
        }
        order.reverse();
        order
    }

    fn nearest(&self, needed: &[Vec<i32>]) -> Vec<i32> {
        let mut left: Vec<&Vec<i32>> = needed.iter().collect();
        let mut order = Vec::new();
        let mut at = 0;
        while !left.is_empty() {
            let stops = left.iter().enumerate();
            let stops =
                stops.flat_map(|(index, factors)| factors.iter().map(move |&it| (index, it)));
            let Some((index, factor)) =
                stops.min_by_key(|&(_, factor)| self.ways.cycles(at, factor))
            else {
                break;
            };
            order.push(factor);
            at = factor;
            left.remove(index);
        }
        order
    }

    fn one_by_one(&mut self, needs: &Needs) -> (Vec<Multiple>, u32) {
        let factors: BTreeSet<i32> = needs.either.union(&needs.signed).copied().collect();
        let chain = factors.into_iter().filter(|&factor| factor != 1);
        let chain: Vec<Multiple> = chain
            .map(|factor| Multiple {
                factor,
                step: Step::Constant,
            })
            .collect();
        let cycles = chain.iter().map(|multiple| self.constant(multiple.factor));
        let cycles = cycles.sum();
        (chain, cycles)
    }

    /// Cycles of a multiple that does not follow from another one.
    fn constant(&mut self, factor: i32) -> u32 {
        if let Some(&known) = self.constants.get(&factor) {
            return known;
        }
        let operations = multiply_fast(self.isa, factor, self.registers());
        let cycles = cycles(self.isa, &operations) as u32;
        self.constants.insert(factor, cycles);
        cycles
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
            Step::Constant => multiply_fast(self.isa, multiple.factor, [last, value]),
        }
    }
}

/// The cheapest way from each multiple to each other one; from 0, which is no multiple.
struct Ways(Vec<Vec<(u32, i32, Step)>>);

impl Ways {
    const MOST: i32 = 2 * MOST_IN_CHAINS;

    fn index(factor: i32) -> usize {
        (factor + Self::MOST) as usize
    }

    fn of(three_operand_cycles: u32) -> Self {
        let count = Self::index(Self::MOST) + 1;
        let steps: Vec<Vec<(i32, Step)>> = (-Self::MOST..=Self::MOST).map(steps).collect();
        let from = |start: i32| {
            let mut best = vec![(u32::MAX, 0, Step::Constant); count];
            best[Self::index(start)].0 = 0;
            let mut queue = BinaryHeap::from([(std::cmp::Reverse(0), start)]);
            while let Some((std::cmp::Reverse(cycles), at)) = queue.pop() {
                if best[Self::index(at)].0 < cycles {
                    continue;
                }
                for &(factor, step) in &steps[Self::index(at)] {
                    let reached = cycles + step.cycles(three_operand_cycles);
                    let known = &mut best[Self::index(factor)];
                    if reached < known.0 {
                        *known = (reached, at, step);
                        queue.push((std::cmp::Reverse(reached), factor));
                    }
                }
            }
            best
        };
        Self((-Self::MOST..=Self::MOST).map(from).collect())
    }

    fn cycles(&self, from: i32, to: i32) -> u32 {
        self.0[Self::index(from)][Self::index(to)].0
    }

    fn way(&self, from: i32, to: i32) -> Vec<Multiple> {
        let mut way = Vec::new();
        let mut at = to;
        while at != from {
            let (_, before, step) = self.0[Self::index(from)][Self::index(at)];
            way.push(Multiple { factor: at, step });
            at = before;
        }
        way.reverse();
        way
    }
}

impl Step {
    /// One that changes the last multiple by itself is a single short instruction.
    fn cycles(self, three_operand_cycles: u32) -> u32 {
        let changes_last = match self {
            Step::Add(one, other) => one == Term::Last || other == Term::Last,
            Step::Subtract(one, _) => one == Term::Last,
            Step::Shift(term, _) => term == Term::Last,
            Step::Negate(_) | Step::Constant => false,
        };
        if changes_last {
            1
        } else {
            three_operand_cycles
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
        return by_constant(factor, [to, from]);
    }
    by_digits(factor, [to, from])
}

/// The same in the fewest cycles.
pub(crate) fn multiply_fast(
    isa: &dyn InstructionSet,
    factor: i32,
    registers: [Register; 2],
) -> Vec<Operation> {
    let by_digits = by_digits(factor, registers);
    match isa.multiplies() {
        true => fastest(isa, [by_digits, by_constant(factor, registers)]),
        false => by_digits,
    }
}

/// The same by one multiplication.
fn by_constant(factor: i32, [to, from]: [Register; 2]) -> Vec<Operation> {
    vec![
        Operation::Immediate(to, factor),
        Operation::Multiply(to, from),
    ]
}

/// The same by shifts and additions.
fn by_digits(factor: i32, [to, from]: [Register; 2]) -> Vec<Operation> {
    let digits = signed_digits(factor);
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
                operations.push(Operation::Negate(to, from));
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
