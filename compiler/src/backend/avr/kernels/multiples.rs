//! From one multiple of an activation to the next.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

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

/// Which of two registers: that of the activation, or the one of its multiples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Value,
    Multiple,
}

/// An instruction on two registers, or a use of what one of them holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Copies one to the other.
    Copy { from: Holder },
    /// Adds a register to itself or to the other one.
    Add { to: Holder, what: Holder },
    /// Takes the other register off.
    Subtract { from: Holder },
    /// The register holds that multiple, which is wanted.
    Use { multiple: u32, holder: Holder },
}

impl Holder {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Value => Self::Multiple,
            Self::Multiple => Self::Value,
        }
    }
}

/// More wanted multiples than that are made in ascending order.
const MOST_SEARCHED: usize = 8;

/// The fewest instructions that make every wanted multiple of a value once, none beyond `most`.
/// In the end neither register holds the value.
pub(crate) fn chain(wanted: &[u32], most: u32) -> Rc<[Link]> {
    type Found = BTreeMap<(Vec<u32>, u32), Rc<[Link]>>;
    thread_local! {
        // Of a layer's inputs, many want the same.
        static FOUND: RefCell<Found> = RefCell::default();
    }
    FOUND.with_borrow_mut(|found| {
        let links = found
            .entry((wanted.to_vec(), most))
            .or_insert_with(|| match wanted.len() {
                0..=MOST_SEARCHED => Chain::shortest(wanted, most).into(),
                _ => ascending(wanted).into(),
            });
        Rc::clone(links)
    })
}

fn ascending(wanted: &[u32]) -> Vec<Link> {
    let mut links = Vec::new();
    let mut multiple = 0;
    for &next in wanted {
        let mut holder = Holder::Value;
        if next > 1 {
            holder = Holder::Multiple;
            links.extend(steps(multiple, next).into_iter().map(|step| match step {
                MultipleStep::Reset => Link::Copy {
                    from: Holder::Value,
                },
                MultipleStep::Increment => Link::Add {
                    to: Holder::Multiple,
                    what: Holder::Value,
                },
                MultipleStep::Double => Link::Add {
                    to: Holder::Multiple,
                    what: Holder::Multiple,
                },
            }));
            multiple = next;
        }
        links.push(Link::Use {
            multiple: next,
            holder,
        });
    }
    links
}

/// What both registers hold after some instructions.
#[derive(Clone, Copy, Debug)]
struct Chain {
    value: u32,
    /// 0 for nothing yet.
    multiple: u32,
    /// A bit for each wanted multiple that was there.
    used: u32,
    /// The state before, and the instruction.
    before: Option<(usize, Link)>,
}

impl Chain {
    /// Breadth first. A state is passed over where both registers held the same before, and as
    /// much was used.
    fn shortest(wanted: &[u32], most: u32) -> Vec<Link> {
        let largest = wanted.iter().copied().max().unwrap_or(1);
        let most = most.min(largest + 1);
        let all = (1 << wanted.len()) - 1;
        let mut reached: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        let mut states = vec![
            Self {
                value: 1,
                multiple: 0,
                used: 0,
                before: None,
            }
            .using(wanted),
        ];
        let mut next = 0;
        loop {
            let state = states[next];
            if state.used == all {
                return Self::way_to(&states, next, wanted);
            }
            for link in LINKS {
                let Some(mut after) = state.after(link, most) else {
                    continue;
                };
                after.before = Some((next, link));
                let after = after.using(wanted);
                let others = reached.entry((after.value, after.multiple)).or_default();
                if others.iter().all(|&other| other & after.used != after.used) {
                    others.push(after.used);
                    states.push(after);
                }
            }
            next += 1;
        }
    }

    fn holds(self, holder: Holder) -> u32 {
        match holder {
            Holder::Value => self.value,
            Holder::Multiple => self.multiple,
        }
    }

    /// After an instruction; `None` where it makes nothing of use.
    fn after(self, link: Link, most: u32) -> Option<Self> {
        use Holder::Multiple;
        // Whether it reads a multiple, which there may be none of yet.
        let (to, result, reads_multiple) = match link {
            Link::Copy { from } => (from.other(), self.holds(from), from == Multiple),
            Link::Add { to, what } => {
                let sum = self.holds(to) + self.holds(what);
                (to, sum, to == Multiple || what == Multiple)
            }
            Link::Subtract { from } => {
                let rest = self.holds(from).checked_sub(self.holds(from.other()));
                (from, rest?, true)
            }
            Link::Use { .. } => return None,
        };
        if reads_multiple && self.multiple == 0 || result == 0 || result > most {
            return None;
        }
        Some(match to {
            Holder::Value => Self {
                value: result,
                ..self
            },
            Holder::Multiple => Self {
                multiple: result,
                ..self
            },
        })
    }

    fn using(mut self, wanted: &[u32]) -> Self {
        for (index, &multiple) in wanted.iter().enumerate() {
            if multiple == self.value || multiple == self.multiple {
                self.used |= 1 << index;
            }
        }
        self
    }

    /// The instructions up to a state, each before the uses of what it made.
    fn way_to(states: &[Self], last: usize, wanted: &[u32]) -> Vec<Link> {
        let mut path = vec![last];
        while let Some((before, _)) = states[path[path.len() - 1]].before {
            path.push(before);
        }
        let mut links = Vec::new();
        let mut used = 0;
        for state in path.into_iter().rev().map(|index| states[index]) {
            links.extend(state.before.map(|(_, link)| link));
            for (index, &multiple) in wanted.iter().enumerate() {
                if (state.used & !used) >> index & 1 == 1 {
                    let holder = match state.value == multiple {
                        true => Holder::Value,
                        false => Holder::Multiple,
                    };
                    links.push(Link::Use { multiple, holder });
                }
            }
            used = state.used;
        }
        links
    }
}

const LINKS: [Link; 8] = {
    use Holder::{Multiple, Value};
    [
        Link::Copy { from: Value },
        Link::Copy { from: Multiple },
        Link::Add {
            to: Multiple,
            what: Multiple,
        },
        Link::Add {
            to: Multiple,
            what: Value,
        },
        Link::Add {
            to: Value,
            what: Value,
        },
        Link::Add {
            to: Value,
            what: Multiple,
        },
        Link::Subtract { from: Multiple },
        Link::Subtract { from: Value },
    ]
};

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

    /// What a chain makes, in order, and its instructions.
    fn run(links: &[Link]) -> (Vec<u32>, usize) {
        let (mut value, mut multiple) = (1, 0);
        let mut made = Vec::new();
        for &link in links {
            let state = Chain {
                value,
                multiple,
                used: 0,
                before: None,
            };
            let mut put = |to: Holder, result: u32| match to {
                Holder::Value => value = result,
                Holder::Multiple => multiple = result,
            };
            match link {
                Link::Copy { from } => put(from.other(), state.holds(from)),
                Link::Add { to, what } => put(to, state.holds(to) + state.holds(what)),
                Link::Subtract { from } => put(from, state.holds(from) - state.holds(from.other())),
                Link::Use {
                    multiple: wanted,
                    holder,
                } => {
                    assert_eq!(state.holds(holder), wanted);
                    made.push(wanted);
                }
            }
            assert!(value <= 17 && multiple <= 17);
        }
        made.sort_unstable();
        let uses = made.len();
        (made, links.len() - uses)
    }

    #[test]
    fn a_chain_makes_every_wanted_multiple_once_and_never_takes_longer_than_ascending() {
        for set in 0_u32..1 << 8 {
            let wanted: Vec<u32> = (1..=8).filter(|bit| set >> (bit - 1) & 1 == 1).collect();
            let (made, instructions) = run(&chain(&wanted, 17));
            assert_eq!(made, wanted);
            let (also_made, in_order) = run(&ascending(&wanted));
            assert_eq!(also_made, wanted);
            assert!(instructions <= in_order, "{wanted:?}");
        }
    }

    #[test]
    fn many_multiples_are_made_in_ascending_order() {
        let wanted: Vec<u32> = (1..=17).collect();
        assert_eq!(run(&chain(&wanted, 17)), (wanted, 17));
    }
}
