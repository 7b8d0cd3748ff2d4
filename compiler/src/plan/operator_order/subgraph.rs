//! The search over the sets of operators of one subgraph.
//!
//! Every rule that leaves out a set is of one of two kinds:
//!
//! *Bounds.* Of a set of operators that have run, and one that has not, some
//! tensors are alive when the latter runs, whatever comes between: those that
//! wait for it or for a descendant of it, or that are outputs. No order goes
//! through the set with a lower peak than their bytes.
//!
//! *First moves.* The bytes that are alive are a submodular function of the
//! set: what one more operator adds to them only falls as others run. Hence an
//! operator that raises neither the peak nor the bytes alive runs at once
//! without loss: moved to the front of any order, it lowers what every operator
//! that it overtakes finds alive. And of two operators that read the same
//! tensors and are read by the same operators, the one that makes no more and
//! takes no less scratch runs first: swapped, each one finds no more alive.

use super::Graph;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// States of a beam, times the operators of its subgraph.
const BEAM_EFFORT: usize = 3_072;

/// An order of a subgraph's operators.
pub(super) struct LeastPeak {
    /// Positions of the operators in the subgraph.
    pub(super) order: Vec<usize>,
    /// Bytes alive at the worst moment, or the bound that was not to be beaten.
    pub(super) peak_bytes: u64,
    /// The same for the order with the least peak, at least.
    pub(super) least_bytes: u64,
    /// Looks that were taken in vain, and the beam's width.
    pub(super) gave_up: Option<(usize, usize)>,
}

/// Operators of a subgraph, by position.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Set<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Set<WORDS> {
    const EMPTY: Self = Self([0; WORDS]);

    fn has(&self, operator: usize) -> bool {
        self.0[operator / 64] >> (operator % 64) & 1 == 1
    }

    fn insert(&mut self, operator: usize) {
        self.0[operator / 64] |= 1 << (operator % 64);
    }

    fn with(mut self, operator: usize) -> Self {
        self.insert(operator);
        self
    }

    fn join(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let mut words = self.0.iter().zip(&other.0);
        words.any(|(word, other)| word & other != 0)
    }

    fn is_within(&self, other: &Self) -> bool {
        let mut words = self.0.iter().zip(&other.0);
        words.all(|(word, other)| word & !other == 0)
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// Mixes the words of a set: the standard hasher takes most of the time of an
/// unoptimised build.
#[derive(Default)]
struct SetHasher(u64);

impl Hasher for SetHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // The multiplier is 2⁶⁴ over the golden ratio.
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type Hash = BuildHasherDefault<SetHasher>;

/// A tensor that an operator of the subgraph reads or makes.
struct Stored<const WORDS: usize> {
    bytes: u64,
    /// Its readers in the subgraph.
    readers: Set<WORDS>,
    /// Whether it outlives the subgraph.
    stays: bool,
    maker: Option<usize>,
}

struct OperatorRun<const WORDS: usize> {
    /// Operators that make what it reads.
    needs: Set<WORDS>,
    /// Tensors that it reads, by position in `Subgraph::stored`.
    reads: Vec<usize>,
    output: usize,
    /// Tensors that it may overwrite, and the bytes that this saves.
    overwrites: Vec<(usize, u64)>,
    scratch_bytes: u64,
    /// Bytes of its output while it waits for a reader.
    kept_bytes: u64,
    /// Bytes alive when it runs, in every order.
    certain_bytes: u64,
    /// Operators whose outputs are alive when it runs, if they have run.
    burdens: Set<WORDS>,
    /// The operators that it is a burden of.
    burdened: Vec<usize>,
    /// Operators that run before it without loss, where both can run.
    before: Set<WORDS>,
}

/// A subgraph, and what is alive when it begins.
pub(super) struct Subgraph<const WORDS: usize> {
    stored: Vec<Stored<WORDS>>,
    steps: Vec<OperatorRun<WORDS>>,
    start_bytes: u64,
}

/// Operators that have run.
#[derive(Clone)]
struct Prefix<const WORDS: usize> {
    done: Set<WORDS>,
    alive_bytes: u64,
    /// The state before, and the operator that has run since.
    from: Option<(usize, usize)>,
}

/// What running an operator takes.
struct Move {
    operator: usize,
    running_bytes: u64,
    alive_bytes: u64,
}

impl<const WORDS: usize> Subgraph<WORDS> {
    /// The subgraph of those operators, which no others come between in an order,
    /// and of the bytes alive before it.
    pub(super) fn new(graph: &Graph<'_>, operators: &[usize], start_bytes: u64) -> Self {
        let position = |tensor: &usize| operators.binary_search(tensor).ok();
        let set = |tensors: &[usize]| {
            let positions = tensors.iter().filter_map(position);
            positions.fold(Set::EMPTY, Set::with)
        };
        let bytes = |tensor: usize| u64::from(graph.tensors[tensor].bytes);
        let last = operators.last().copied();
        let mut tensors = operators.to_vec();
        tensors.extend(operators.iter().flat_map(|&tensor| &graph.reads[tensor]));
        tensors.sort_unstable();
        tensors.dedup();
        let stored = tensors.iter().map(|&tensor| {
            let readers = &graph.readers[tensor];
            Stored {
                bytes: bytes(tensor),
                readers: set(readers),
                stays: graph.tensors[tensor].is_output
                    || readers.iter().any(|&reader| Some(reader) > last),
                maker: position(&tensor),
            }
        });
        let stored: Vec<Stored<WORDS>> = stored.collect();
        let place = |tensor: &usize| match tensors.binary_search(tensor) {
            Ok(place) => place,
            Err(_) => unreachable!("every tensor of an operator is stored"),
        };
        let steps = operators.iter().map(|&tensor| {
            let operator = graph.tensors[tensor].operator.as_ref();
            let operator = operator.expect("a subgraph has operators alone");
            let output = place(&tensor);
            let waits = stored[output].stays || stored[output].readers != Set::EMPTY;
            let overwrites = operator.overwrites.iter();
            OperatorRun {
                needs: set(&graph.reads[tensor]),
                reads: graph.reads[tensor].iter().map(place).collect(),
                output,
                overwrites: overwrites
                    .map(|overwrite| (place(&overwrite.input), u64::from(overwrite.saved_bytes)))
                    .collect(),
                scratch_bytes: u64::from(operator.scratch_bytes),
                kept_bytes: if waits { bytes(tensor) } else { 0 },
                certain_bytes: 0,
                burdens: Set::EMPTY,
                burdened: Vec::new(),
                before: Set::EMPTY,
            }
        });
        let mut subgraph = Self {
            steps: steps.collect(),
            stored,
            start_bytes,
        };
        subgraph.bound();
        subgraph.pair();
        subgraph
    }

    /// Works out what is alive when an operator runs, in any order.
    fn bound(&mut self) {
        let count = self.steps.len();
        let mut above = vec![Set::<WORDS>::EMPTY; count];
        let mut below = vec![Set::<WORDS>::EMPTY; count];
        for operator in 0..count {
            for need in (0..operator).filter(|&need| self.steps[operator].needs.has(need)) {
                let needed = above[need].with(need);
                above[operator].join(&needed);
            }
        }
        for operator in (0..count).rev() {
            for need in (0..operator).filter(|&need| self.steps[operator].needs.has(need)) {
                let needing = below[operator].with(operator);
                below[need].join(&needing);
            }
        }
        // What nobody reads here is alive throughout.
        let read_here = self.stored.iter().filter(|tensor| tensor.maker.is_none());
        let through_bytes = self.start_bytes - read_here.map(|tensor| tensor.bytes).sum::<u64>();
        for operator in 0..count {
            let at_or_below = below[operator].with(operator);
            let mut certain_bytes = through_bytes;
            for tensor in &self.stored {
                if !tensor.stays && !tensor.readers.meets(&at_or_below) {
                    continue;
                }
                match tensor.maker {
                    None => certain_bytes += tensor.bytes,
                    Some(maker) if above[operator].has(maker) => certain_bytes += tensor.bytes,
                    Some(maker) if at_or_below.has(maker) => {}
                    Some(maker) => {
                        self.steps[operator].burdens.insert(maker);
                        self.steps[maker].burdened.push(operator);
                    }
                }
            }
            let step = &mut self.steps[operator];
            let own_bytes = self.stored[step.output].bytes + step.scratch_bytes;
            let saved_bytes = step.overwrites.iter().map(|overwrite| overwrite.1).max();
            step.certain_bytes =
                (certain_bytes + own_bytes).saturating_sub(saved_bytes.unwrap_or(0));
        }
    }

    /// Finds operators that take each other's place.
    fn pair(&mut self) {
        for later in 0..self.steps.len() {
            let before = (0..self.steps.len()).filter(|&first| self.runs_before(first, later));
            self.steps[later].before = before.fold(Set::EMPTY, Set::with);
        }
    }

    /// Whether the first of two operators that can both run does so without loss,
    /// where it does not raise the peak.
    fn runs_before(&self, first: usize, later: usize) -> bool {
        let (a, b) = (&self.steps[first], &self.steps[later]);
        let (made, other) = (&self.stored[a.output], &self.stored[b.output]);
        if first == later
            || a.reads != b.reads
            || made.readers != other.readers
            // The bytes after both, and whether a later reader is the last one, are
            // then the same.
            || made.stays != other.stays
            // What nobody waits for is gone after its operator.
            || a.kept_bytes < made.bytes
            || !a.overwrites.is_empty()
            || made.bytes > other.bytes
            || a.scratch_bytes < b.scratch_bytes
        {
            return false;
        }
        let twins = made.bytes == other.bytes
            && a.scratch_bytes == b.scratch_bytes
            && b.overwrites.is_empty();
        !twins || first < later
    }

    /// Bytes below which no order's peak is.
    pub(super) fn least_bytes(&self) -> u64 {
        let certain = self.steps.iter().map(|step| step.certain_bytes);
        certain.fold(self.start_bytes, u64::max)
    }

    /// The order with the least peak, or one with a peak of `bound_bytes` or less;
    /// by a beam where the search takes more than `most_looks` looks.
    pub(super) fn search(&self, bound_bytes: u64, most_looks: usize) -> LeastPeak {
        let mut bound = bound_bytes.max(self.least_bytes());
        let mut states: Vec<Prefix<WORDS>> = vec![self.start()];
        // Sets that are reached at the bound, and those that need more.
        let mut open = vec![0_usize];
        let mut dearer = BinaryHeap::<Reverse<(u64, usize)>>::new();
        let mut reached = HashSet::<Set<WORDS>, Hash>::default();
        let mut cheapest = HashMap::<Set<WORDS>, u64, Hash>::default();
        let mut looks = 0;
        loop {
            let index = match open.pop() {
                Some(index) => index,
                None => {
                    let Some(Reverse((peak, index))) = dearer.pop() else {
                        unreachable!("operators that are in order can all run");
                    };
                    bound = bound.max(peak);
                    if !reached.insert(states[index].done) {
                        continue;
                    }
                    index
                }
            };
            let state = states[index].clone();
            if state.done.len() == self.steps.len() {
                return LeastPeak {
                    order: way(&states, index),
                    peak_bytes: bound,
                    least_bytes: bound,
                    gave_up: None,
                };
            }
            if looks > most_looks {
                drop((states, dearer, reached, cheapest));
                return self.follow(bound_bytes, bound, looks);
            }
            let mut next = Vec::new();
            for (step, needs) in self.first_moves(&state, bound) {
                looks += 1;
                let done = state.done.with(step.operator);
                if reached.contains(&done) {
                    continue;
                }
                if needs > bound {
                    let least = cheapest.entry(done).or_insert(u64::MAX);
                    if needs >= *least {
                        continue;
                    }
                    *least = needs;
                    dearer.push(Reverse((needs, states.len())));
                } else {
                    reached.insert(done);
                    next.push((Reverse(step.alive_bytes), states.len()));
                }
                states.push(Prefix {
                    done,
                    alive_bytes: step.alive_bytes,
                    from: Some((index, step.operator)),
                });
            }
            // The set with the fewest bytes alive is looked at first.
            next.sort_unstable();
            open.extend(next.iter().map(|&(_, index)| index));
        }
    }

    fn start(&self) -> Prefix<WORDS> {
        Prefix {
            done: Set::EMPTY,
            alive_bytes: self.start_bytes,
            from: None,
        }
    }

    /// Operators that may run next, and below what peak no order has them so.
    fn first_moves(&self, state: &Prefix<WORDS>, bound: u64) -> Vec<(Move, u64)> {
        let ready = |operator: &usize| {
            !state.done.has(*operator) && self.steps[*operator].needs.is_within(&state.done)
        };
        let ready = (0..self.steps.len()).filter(ready);
        let mut moves: Vec<Move> = ready.map(|operator| self.run(state, operator)).collect();
        let free =
            |step: &Move| step.running_bytes <= bound && step.alive_bytes <= state.alive_bytes;
        if let Some(free) = moves.iter().position(free) {
            let step = moves.swap_remove(free);
            let needs = step.running_bytes;
            return vec![(step, needs)];
        }
        let at_bound = moves.iter().filter(|step| step.running_bytes <= bound);
        let at_bound = at_bound.fold(Set::EMPTY, |set: Set<WORDS>, step| set.with(step.operator));
        moves.retain(|step| !self.steps[step.operator].before.meets(&at_bound));
        let burdens: Vec<u64> = (0..self.steps.len())
            .map(|operator| self.needed_bytes(operator, &state.done))
            .collect();
        let needs = |step: Move| {
            let added_bytes = self.steps[step.operator].kept_bytes;
            let burdened = self.steps[step.operator].burdened.iter();
            let burdened = burdened.filter(|&&other| !state.done.has(other));
            let least = burdened.map(|&other| burdens[other] + added_bytes).max();
            let needs = step.running_bytes.max(least.unwrap_or(0));
            (step, needs)
        };
        moves.into_iter().map(needs).collect()
    }

    /// Bytes that are alive when the operator runs, whatever runs before it beside
    /// those that have.
    fn needed_bytes(&self, operator: usize, done: &Set<WORDS>) -> u64 {
        let step = &self.steps[operator];
        let mut bytes = step.certain_bytes;
        for (index, (burdens, done)) in step.burdens.0.iter().zip(&done.0).enumerate() {
            let mut word = burdens & done;
            while word != 0 {
                let maker = index * 64 + word.trailing_zeros() as usize;
                bytes += self.steps[maker].kept_bytes;
                word &= word - 1;
            }
        }
        bytes
    }

    fn run(&self, state: &Prefix<WORDS>, operator: usize) -> Move {
        let step = &self.steps[operator];
        let done = state.done.with(operator);
        let dies = |&tensor: &usize| {
            let tensor = &self.stored[tensor];
            !tensor.stays && tensor.readers.is_within(&done)
        };
        let dead = step.reads.iter().filter(|tensor| dies(tensor));
        let dead_bytes: u64 = dead.map(|&tensor| self.stored[tensor].bytes).sum();
        let saved = step.overwrites.iter().filter(|(tensor, _)| dies(tensor));
        let saved_bytes = saved.map(|&(_, bytes)| bytes).max().unwrap_or(0);
        let own_bytes = self.stored[step.output].bytes + step.scratch_bytes;
        Move {
            operator,
            running_bytes: (state.alive_bytes + own_bytes).saturating_sub(saved_bytes),
            alive_bytes: state.alive_bytes + step.kept_bytes - dead_bytes,
        }
    }

    /// Follows the orders with the least peaks side by side, an operator at a time.
    fn follow(&self, bound_bytes: u64, least_bytes: u64, looks: usize) -> LeastPeak {
        let beam = (BEAM_EFFORT / self.steps.len()).max(8);
        let mut states = vec![self.start()];
        let mut level = vec![(bound_bytes.max(least_bytes), 0)];
        for _ in &self.steps {
            let mut next = Vec::new();
            let mut cheapest = HashMap::<Set<WORDS>, u64, Hash>::default();
            for &(peak, index) in &level {
                let state = &states[index];
                for (step, needs) in self.first_moves(state, peak) {
                    let key = (peak.max(needs), step.alive_bytes);
                    let done = state.done.with(step.operator);
                    let least = cheapest.entry(done).or_insert(u64::MAX);
                    if key.0 < *least {
                        *least = key.0;
                        next.push((key, index, step.operator, done));
                    }
                }
            }
            next.retain(|(key, _, _, done)| key.0 == cheapest[done]);
            next.sort_by_key(|&(key, index, operator, _)| (key, index, operator));
            next.truncate(beam);
            level.clear();
            for ((peak, alive_bytes), index, operator, done) in next {
                level.push((peak, states.len()));
                states.push(Prefix {
                    done,
                    alive_bytes,
                    from: Some((index, operator)),
                });
            }
        }
        let (peak_bytes, index) = level[0];
        LeastPeak {
            order: way(&states, index),
            peak_bytes,
            least_bytes,
            gave_up: Some((looks, beam)),
        }
    }
}

/// The operators that led to a state.
fn way<const WORDS: usize>(states: &[Prefix<WORDS>], mut index: usize) -> Vec<usize> {
    let mut order = Vec::new();
    while let Some((before, operator)) = states[index].from {
        order.push(operator);
        index = before;
    }
    order.reverse();
    order
}
