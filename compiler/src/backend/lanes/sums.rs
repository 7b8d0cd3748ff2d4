//! Which register each sum of a kernel is in, and what a value adds to all of them.

use super::assembly::Assembly;
use super::isa::{InstructionSet, Operation, Register, Roles};
use super::layer::Weights;
use super::multiples::{Multiple, Multiples, Needs, multiply_fast};
use std::ops::Range;

/// Arrangements of sums that are tried.
const TRIES: usize = 8;

/// Where a sum is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located {
    pub(crate) register: Register,
    /// Whether every operation takes the register.
    pub(crate) is_low: bool,
    /// The lane, unless the register has the sum alone.
    pub(crate) lane: Option<u32>,
}

impl Located {
    /// What loads the sum, or a value of the same sign, into `value`, and what makes the
    /// sum of that, if it is not negative or `signed` says that it may be.
    pub(crate) fn load(
        self,
        isa: &dyn InstructionSet,
        value: Register,
        scratch: Register,
        signed: bool,
    ) -> (Vec<Operation>, Vec<Operation>) {
        use Operation::{Move, ShiftRight, ShiftRightSigned};
        let down = match signed {
            true => ShiftRightSigned(value, value, 16),
            false => ShiftRight(value, value, 16),
        };
        match self.lane {
            None => (vec![Move(value, self.register)], Vec::new()),
            Some(lane) => (self.load_high(isa, value, scratch, lane), vec![down]),
        }
    }

    /// What puts the sum of a lane into the upper half of `value`; the lower half is then of
    /// no use.
    pub(crate) fn load_high(
        self,
        isa: &dyn InstructionSet,
        value: Register,
        scratch: Register,
        lane: u32,
    ) -> Vec<Operation> {
        use Operation::{Add, Immediate, Move, ShiftLeft, SignExtend, Subtract};
        let sum = self.register;
        match (lane, self.is_low) {
            (0, true) => vec![ShiftLeft(value, sum, 16)],
            (0, false) => vec![Move(value, sum), ShiftLeft(value, value, 16)],
            // The upper lane is one too small where the lower one is negative.
            (_, is_low) => {
                let subtracted = match is_low {
                    true => vec![SignExtend(value, sum), Subtract(value, sum, value)],
                    false => vec![
                        Move(scratch, sum),
                        SignExtend(value, scratch),
                        Subtract(value, scratch, value),
                    ],
                };
                let carried = vec![Immediate(value, 1 << 15), Add(value, value, sum)];
                fastest(isa, [subtracted, carried])
            }
        }
    }
}

/// The operations that take the fewest cycles; of equals the first.
pub(crate) fn fastest(isa: &dyn InstructionSet, ways: [Vec<Operation>; 2]) -> Vec<Operation> {
    let [one, other] = ways;
    match cycles(isa, &other) < cycles(isa, &one) {
        true => other,
        false => one,
    }
}

/// What operations take.
pub(crate) fn cycles(isa: &dyn InstructionSet, operations: &[Operation]) -> f64 {
    let instructions = operations.iter().flat_map(|it| isa.encode(*it));
    instructions.map(|it| it.cycles).sum()
}

/// Sums that are computed at once, in registers.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    /// The outputs that they are of.
    pub(crate) outputs: Range<usize>,
    /// For each, its register, and whether it may be subtracted from.
    places: Vec<(Register, bool)>,
    /// Registers beside them.
    pub(crate) roles: Roles,
    /// Whether the mask has a register.
    pub(crate) keeps_mask: bool,
    /// Whether the pointer to the field has one.
    pub(crate) keeps_base: bool,
    /// Whether the word of several channels has one.
    pub(crate) keeps_word: bool,
    /// What may hold the value negated while it is added.
    negated: Option<Register>,
}

/// What may give its register to a sum, and is in the frame then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spares {
    /// Whether there is a mask at all.
    pub(crate) masks: bool,
    /// The pointer to a field, all of which loads reach.
    pub(crate) base: bool,
    /// The word, where sums do not have to be put together in it.
    pub(crate) word: bool,
}

/// The sums of all outputs, as many at once as registers hold.
pub(crate) fn arranged(
    roles: &Roles,
    multiples: &mut Multiples<'_>,
    weights: &Weights,
    spares: Spares,
) -> Vec<Sums> {
    let mut own = roles.clone();
    if !spares.masks {
        own.low.push(roles.mask);
    }
    let count = |roles: &Roles| roles.low.len() + roles.high.len();
    let all = weights.outputs;
    let mut given: Vec<Register> = Vec::new();
    let word = spares.masks && spares.base && spares.word;
    let spare = [
        (spares.masks, roles.mask),
        (spares.base, roles.base),
        (word, roles.word),
    ];
    for (_, register) in spare.into_iter().filter(|(is_spare, _)| *is_spare) {
        if all > count(&own) + given.len() {
            given.push(register);
        }
    }
    if all <= count(&own) + given.len() {
        own.low.extend(&given);
    } else {
        given.clear();
    }
    let keeps = |register: Register| !given.contains(&register);
    own.low.sort();
    let most = count(&own);
    let passes = all.div_ceil(most);
    // An even number, so that each begins at a byte of a pixel.
    let each = all.div_ceil(passes).next_multiple_of(2);
    let each = if each > most { most & !1 } else { each };
    let at_once = if passes == 1 { all } else { each };
    let negated = (at_once < most && multiples.wants_negated(weights.factors()))
        .then(|| own.low.pop())
        .flatten();
    let mut first = 0;
    let mut sums = Vec::new();
    while first < all {
        let end = all.min(first + at_once);
        sums.push(Sums {
            outputs: first..end,
            places: places(&own, multiples, weights, first..end),
            roles: own.clone(),
            keeps_mask: spares.masks && keeps(roles.mask),
            keeps_base: keeps(roles.base),
            keeps_word: keeps(roles.word),
            negated,
        });
        first = end;
    }
    sums
}

/// The best of some arrangements, by the cycles of all multiples.
fn places(
    roles: &Roles,
    multiples: &mut Multiples<'_>,
    weights: &Weights,
    outputs: Range<usize>,
) -> Vec<(Register, bool)> {
    let count = outputs.len();
    let low = roles.low.iter().map(|&register| (register, true));
    let high = roles.high.iter().map(|&register| (register, false));
    let registers: Vec<(Register, bool)> = low.chain(high).take(count).collect();
    let tries = if count <= roles.low.len() { 1 } else { TRIES };
    let mut best: Option<(u32, Vec<(Register, bool)>)> = None;
    let mut order: Vec<usize> = (0..count).collect();
    // A linear congruential generator (Knuth, "The Art of Computer Programming", volume
    // 2, 3.3.4): the same arrangements each time.
    let mut state: u64 = 1;
    for _ in 0..tries {
        let mut places = vec![registers[0]; count];
        for (&output, &register) in order.iter().zip(&registers) {
            places[output] = register;
        }
        let rows = weights.rows();
        let cycles = (0..rows).map(|row| {
            let needs = needs(&places, weights, row, outputs.clone());
            multiples.of(&needs).1
        });
        let cycles = cycles.sum();
        if best.as_ref().is_none_or(|known| cycles < known.0) {
            best = Some((cycles, places));
        }
        for index in (1..count).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            order.swap(index, (state >> 33) as usize % (index + 1));
        }
    }
    best.map_or(Vec::new(), |(_, places)| places)
}

fn needs(
    places: &[(Register, bool)],
    weights: &Weights,
    row: usize,
    outputs: Range<usize>,
) -> Needs {
    let mut needs = Needs::default();
    for (output, &(_, subtracts)) in outputs.zip(places) {
        match (weights.factor(row, output), subtracts) {
            (0, _) => false,
            (factor, true) => needs.either.insert(factor.abs()),
            (factor, false) => needs.signed.insert(factor),
        };
    }
    needs
}

impl Sums {
    /// The register of an output's sum, and whether it may be subtracted from.
    pub(crate) fn place(&self, output: usize) -> (Register, bool) {
        self.places[output - self.outputs.start]
    }

    /// Whether a value of that row adds to any.
    pub(crate) fn uses(&self, weights: &Weights, row: usize) -> bool {
        let mut outputs = self.outputs.clone();
        outputs.any(|output| weights.factor(row, output) != 0)
    }

    /// Adds a value of that row, which is in `value`, times its weights.
    pub(crate) fn add(
        &self,
        asm: &mut Assembly<'_>,
        multiples: &mut Multiples<'_>,
        weights: &Weights,
        row: usize,
    ) {
        let Roles {
            value, multiple, ..
        } = self.roles;
        let needs = needs(&self.places, weights, row, self.outputs.clone());
        let chain = multiples.of(&needs).0.clone();
        let mut left: Vec<usize> = self.outputs.clone().collect();
        left.retain(|&output| weights.factor(row, output) != 0);
        let mut use_up = |asm: &mut Assembly<'_>, made: i32, register: Register| {
            left.retain(|&output| {
                let factor = weights.factor(row, output);
                let (sum, subtracts) = self.place(output);
                if factor == made {
                    asm.emit(Operation::Add(sum, sum, register));
                } else if subtracts && factor == -made {
                    asm.emit(Operation::Subtract(sum, sum, register));
                } else {
                    return true;
                }
                false
            });
        };
        use_up(asm, 1, value);
        let by_negated = |step: &Multiple| step.is_constant() && step.factor < 0;
        let negated = self.negated.filter(|_| chain.iter().any(by_negated));
        if let Some(negated) = negated {
            asm.emit(Operation::Negate(negated, value));
        }
        for step in chain {
            match negated.filter(|_| by_negated(&step)) {
                Some(negated) => {
                    asm.emit_all(multiply_fast(asm.isa(), -step.factor, [multiple, negated]));
                }
                None => asm.emit_all(multiples.make(step, value, multiple)),
            }
            use_up(asm, step.factor, multiple);
        }
        debug_assert!(left.is_empty(), "every weight has its multiple");
    }

    /// Words of a table that [`Self::begin`] reads.
    pub(crate) fn table(&self, word_of: impl Fn(usize) -> u32) -> Vec<u32> {
        self.order().into_iter().map(word_of).collect()
    }

    /// Outputs in the order of loading: through low registers to the high ones, then
    /// the low ones.
    fn order(&self) -> Vec<usize> {
        let of = |is_low: bool| {
            let outputs = self.outputs.clone();
            let mut outputs: Vec<usize> = outputs
                .filter(|&output| self.place(output).1 == is_low)
                .collect();
            outputs.sort_by_key(|&output| self.place(output).0);
            outputs
        };
        let mut order = of(false);
        order.extend(of(true));
        order
    }

    /// Loads what all sums begin with from the words at `value`.
    pub(crate) fn begin(&self, asm: &mut Assembly<'_>) {
        let pointer = self.roles.value;
        let order = self.order();
        let low: Vec<Register> = self.roles.low.clone();
        let isa = asm.isa();
        if isa.load_many(pointer, &low[..1]).is_none() {
            for (word, output) in (0..).zip(order) {
                let (sum, _) = self.place(output);
                asm.emit(Operation::Load(sum, pointer, 4 * word));
            }
            return;
        }
        let (lows, highs): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|&output| self.place(output).1);
        for some in highs.chunks(low.len()) {
            asm.instructions(isa.load_many(pointer, &low[..some.len()]));
            for (&output, &register) in some.iter().zip(&low) {
                asm.emit(Operation::Move(self.place(output).0, register));
            }
        }
        let registers: Vec<Register> = lows.iter().map(|&output| self.place(output).0).collect();
        asm.instructions(isa.load_many(pointer, &registers));
    }
}
