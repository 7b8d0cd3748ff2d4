//! Where each instruction of a function may go on, and where the ways that part at it
//! meet again.

use crate::backend::avr::isa::core::ProgramCounter;
use crate::backend::avr::isa::instruction::Instruction;
use crate::backend::avr::isa::listing::Placed;

/// The index of the instruction after the last: where every way ends that returns.
pub(super) type Position = usize;

/// A function as something to run.
pub(super) struct Flow {
    pub(super) steps: Vec<Step>,
}

/// An instruction.
pub(super) struct Step {
    pub(super) instruction: Instruction,
    /// Where a branch, jump or call within the function goes.
    pub(super) target: Position,
    /// Cycles when it goes on to the next one, and when it goes elsewhere.
    pub(super) cycles: [u64; 2],
    /// Where all ways from here meet, if it is a branch or a skip.
    pub(super) meets: Position,
}

impl Flow {
    pub(super) fn new(placed: Vec<Placed>, pc: ProgramCounter) -> Self {
        let words: Vec<u32> = placed.iter().map(|placed| placed.words).collect();
        let mut steps: Vec<Step> = placed
            .into_iter()
            .enumerate()
            .map(|(index, placed)| {
                let cycles = placed.instruction.cycles(pc) + placed.longer_by;
                let taken = match &placed.instruction {
                    Instruction::Branch(..) => placed.taken_cycles,
                    Instruction::SkipIfClear { .. } | Instruction::SkipIfSet { .. } => {
                        1 + words.get(index + 1).copied().unwrap_or(0)
                    }
                    _ => cycles,
                };
                Step {
                    instruction: placed.instruction,
                    target: placed.target,
                    cycles: [cycles.into(), taken.into()],
                    meets: 0,
                }
            })
            .collect();
        let meets = meeting_points(&steps);
        for (step, meets) in steps.iter_mut().zip(meets) {
            step.meets = meets;
        }
        Self { steps }
    }
}

/// The instructions that may be next after one.
fn next(steps: &[Step], index: Position) -> [Position; 2] {
    let step = &steps[index];
    match step.instruction {
        Instruction::Branch(..) => [index + 1, step.target],
        Instruction::SkipIfClear { .. } | Instruction::SkipIfSet { .. } => [index + 1, index + 2],
        Instruction::Jump(_) => [step.target; 2],
        Instruction::Return => [steps.len(); 2],
        _ => [index + 1; 2],
    }
}

/// Of each instruction the first one that every way from it to a return leads through:
/// its immediate postdominator (Cooper, Harvey & Kennedy, "A Simple, Fast Dominance
/// Algorithm", 2001). Of what never returns, the end.
fn meeting_points(steps: &[Step]) -> Vec<Position> {
    let end = steps.len();
    let next: Vec<_> = (0..end)
        .map(|index| next(steps, index).map(|next| next.min(end)))
        .collect();
    let mut before = vec![Vec::new(); end + 1];
    for (index, next) in next.iter().enumerate() {
        before[next[0]].push(index);
        if next[1] != next[0] {
            before[next[1]].push(index);
        }
    }
    // The order of leaving in a search from the end backwards: an instruction has a
    // smaller number than those between it and the end.
    let mut number = vec![usize::MAX; end + 1];
    let mut order = Vec::with_capacity(end + 1);
    let mut seen = vec![false; end + 1];
    let mut stack = vec![(end, 0)];
    seen[end] = true;
    while let Some((position, child)) = stack.pop() {
        if let Some(&earlier) = before[position].get(child) {
            stack.push((position, child + 1));
            if !seen[earlier] {
                seen[earlier] = true;
                stack.push((earlier, 0));
            }
        } else {
            number[position] = order.len();
            order.push(position);
        }
    }
    let mut meets = vec![usize::MAX; end + 1];
    meets[end] = end;
    loop {
        let mut changed = false;
        for &position in order.iter().rev().skip(1) {
            let mut found: Option<Position> = None;
            for &way in &next[position] {
                if meets[way] == usize::MAX {
                    continue;
                }
                found = Some(match found {
                    None => way,
                    Some(mut other) => {
                        let mut way = way;
                        while way != other {
                            while number[way] < number[other] {
                                way = meets[way];
                            }
                            while number[other] < number[way] {
                                other = meets[other];
                            }
                        }
                        way
                    }
                });
            }
            if let Some(found) = found
                && meets[position] != found
            {
                meets[position] = found;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    meets.truncate(end);
    for meets in &mut meets {
        *meets = (*meets).min(end);
    }
    meets
}
