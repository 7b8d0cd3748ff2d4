//! A function written down: how far each branch reaches, and the text.

use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{CodeLabel, Constant, Instruction};
use crate::backend::avr::isa::item::ListingItem;
use std::fmt::Write;

/// A branch reaches that many words up and down, a relative jump or call that
/// many (AVR Instruction Set Manual, BRBS and RJMP).
const BRANCH_REACH_WORDS: i64 = 63;
const RELATIVE_REACH_WORDS: i64 = 2047;

/// How an item that names a label is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum JumpReach {
    /// A branch, `rjmp`, `rcall`.
    Short,
    /// A branch around an `rjmp`; `jmp`, `call`.
    Long,
    /// A branch around a `jmp`.
    Longest,
}

/// A function's items, each with the shortest form that reaches its label.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    items: Vec<ListingItem>,
    labels: u32,
    has_jmp: bool,
    reaches: Vec<JumpReach>,
}

impl Listing {
    pub(crate) fn new(items: Vec<ListingItem>, labels: u32, has_jmp: bool) -> Self {
        let mut listing = Self {
            reaches: vec![JumpReach::Short; items.len()],
            items,
            labels,
            has_jmp,
        };
        listing.relax();
        listing
    }

    /// Whether every jump reaches its label: an `rjmp` spans 4 KB, and the
    /// smallest parts have no other.
    pub(crate) fn spans(&self) -> bool {
        let layout = self.layout();
        self.items
            .iter()
            .enumerate()
            .all(|(index, item)| match item {
                ListingItem::Instruction(
                    Instruction::Branch(_, label)
                    | Instruction::Jump(label)
                    | Instruction::Call(label),
                ) => self.has_jmp || layout.distance(index, *label).abs() < RELATIVE_REACH_WORDS,
                _ => true,
            })
    }

    /// Bytes of code and of the tables after it.
    pub(crate) fn flash_bytes(&self) -> u32 {
        self.layout().words as u32 * 2
    }

    /// The shortest way for each item to reach its label.
    fn relax(&mut self) {
        loop {
            let layout = self.layout();
            let mut changed = false;
            for (index, item) in self.items.iter().enumerate() {
                let ListingItem::Instruction(
                    instruction @ (Instruction::Branch(_, label)
                    | Instruction::Jump(label)
                    | Instruction::Call(label)),
                ) = item
                else {
                    continue;
                };
                let words = layout.distance(index, *label);
                let is_branch = matches!(instruction, Instruction::Branch(..));
                let needed = if is_branch && words.abs() <= BRANCH_REACH_WORDS {
                    JumpReach::Short
                } else if words.abs() < RELATIVE_REACH_WORDS || !self.has_jmp {
                    if is_branch {
                        JumpReach::Long
                    } else {
                        JumpReach::Short
                    }
                } else if is_branch {
                    JumpReach::Longest
                } else {
                    JumpReach::Long
                };
                // Never back: what grows stays grown, so this ends.
                if needed > self.reaches[index] {
                    self.reaches[index] = needed;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn layout(&self) -> ListingLayout {
        let mut layout = ListingLayout {
            starts: Vec::with_capacity(self.items.len()),
            labels: vec![0; self.labels as usize + 1],
            words: 0,
        };
        for (item, reach) in self.items.iter().zip(&self.reaches) {
            layout.starts.push(layout.words);
            match item {
                ListingItem::Label(label) => layout.labels[label.0 as usize] = layout.words,
                ListingItem::Bytes(label, bytes) => {
                    layout.labels[label.0 as usize] = layout.words;
                    layout.words += bytes.len() as i64 / 2;
                }
                ListingItem::Instruction(instruction) => {
                    layout.words += words(instruction, *reach);
                }
                ListingItem::Purpose(_) | ListingItem::NearBytes(..) => {}
            }
        }
        layout
    }

    /// The instructions in order.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.items.iter().filter_map(|item| match item {
            ListingItem::Instruction(instruction) => Some(instruction),
            ListingItem::Label(_)
            | ListingItem::Purpose(_)
            | ListingItem::Bytes(..)
            | ListingItem::NearBytes(..) => None,
        })
    }

    /// The instructions in order, with what each costs as it is written, and where it
    /// leads.
    pub(crate) fn placed(&self) -> Vec<Placed> {
        let mut count = 0;
        let mut labels = vec![0; self.labels as usize + 1];
        for item in &self.items {
            match item {
                ListingItem::Instruction(_) => count += 1,
                ListingItem::Label(label) => labels[label.0 as usize] = count,
                ListingItem::Purpose(_) | ListingItem::Bytes(..) | ListingItem::NearBytes(..) => {}
            }
        }
        let items = self.items.iter().zip(&self.reaches);
        let placed = items.filter_map(|(item, reach)| match item {
            ListingItem::Instruction(instruction) => {
                Some(Placed::new(instruction, *reach, &labels))
            }
            ListingItem::Label(_)
            | ListingItem::Purpose(_)
            | ListingItem::Bytes(..)
            | ListingItem::NearBytes(..) => None,
        });
        placed.collect()
    }

    /// The tables, each with its label and the byte of the function that it begins at;
    /// `None` of those that are apart from it.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (CodeLabel, Option<u32>, &[u8])> {
        let layout = self.layout();
        self.items.iter().filter_map(move |item| match item {
            ListingItem::Bytes(label, bytes) => {
                let start = layout.labels[label.0 as usize] as u32 * 2;
                Some((*label, Some(start), &bytes[..]))
            }
            ListingItem::NearBytes(label, bytes) => Some((*label, None, &bytes[..])),
            ListingItem::Instruction(_) | ListingItem::Label(_) | ListingItem::Purpose(_) => None,
        })
    }

    /// The text, in the syntax that GNU as and LLVM share.
    pub(crate) fn text(&self, function: FunctionId) -> String {
        let mut text = String::new();
        // Of local labels that are not bound by then, `f` is meant.
        let mut bound = vec![false; self.labels as usize + 1];
        let mut spare = self.labels;
        let mut near_tables = 0;
        for (item, reach) in self.items.iter().zip(&self.reaches) {
            let reference = |label: CodeLabel, bound: &[bool]| {
                let side = if bound[label.0 as usize] { 'b' } else { 'f' };
                format!("{}{side}", label.0)
            };
            match item {
                ListingItem::Label(label) => {
                    bound[label.0 as usize] = true;
                    let _ = writeln!(text, "{}:", label.0);
                }
                ListingItem::Purpose(kind) => {
                    spare += 1;
                    let _ = writeln!(
                        text,
                        "{spare}: .pushsection .debug_herringbone,\"\",@progbits\n\
                         .long {spare}b\n.byte {}\n.popsection",
                        *kind as u8
                    );
                }
                ListingItem::Bytes(label, bytes) => {
                    let _ = writeln!(text, "{}:", label.0);
                    write_bytes(&mut text, bytes);
                }
                ListingItem::NearBytes(label, bytes) => {
                    near_tables += 1;
                    let table = match near_tables {
                        1 => format!("{{{function}}}.cells"),
                        number => format!("{{{function}}}.cells_{number}"),
                    };
                    let _ = writeln!(
                        text,
                        ".pushsection .progmem.data,\"a\",@progbits\n\
                         .type {table}, @object\n{table}:\n{}:",
                        label.0
                    );
                    write_bytes(&mut text, bytes);
                    let _ = writeln!(text, ".size {table}, . - {table}\n.popsection");
                }
                ListingItem::Instruction(instruction) => match (instruction, reach) {
                    (
                        Instruction::Branch(condition, label),
                        JumpReach::Long | JumpReach::Longest,
                    ) => {
                        let jump = match reach {
                            JumpReach::Longest => "jmp",
                            _ => "rjmp",
                        };
                        spare += 1;
                        let around = Instruction::Branch(condition.inverse(), CodeLabel(spare));
                        let label = reference(*label, &bound);
                        let _ = writeln!(text, "{around} {spare}f\n{jump} {label}\n{spare}:");
                    }
                    (Instruction::Jump(label) | Instruction::Call(label), JumpReach::Short) => {
                        let label = reference(*label, &bound);
                        let _ = writeln!(text, "r{instruction} {label}");
                    }
                    (
                        Instruction::Branch(_, label)
                        | Instruction::Jump(label)
                        | Instruction::Call(label),
                        _,
                    ) => {
                        let label = reference(*label, &bound);
                        let _ = writeln!(text, "{instruction} {label}");
                    }
                    (
                        Instruction::Immediate(
                            _,
                            _,
                            Constant::AddressByte {
                                label,
                                offset_bytes,
                                byte,
                            },
                        ),
                        _,
                    ) => {
                        let label = reference(*label, &bound);
                        let part = ["lo8", "hi8", "hh8"][usize::from(*byte)];
                        let _ = writeln!(text, "{instruction}{part}({label}+{offset_bytes})");
                    }
                    _ => {
                        let _ = writeln!(text, "{instruction}");
                    }
                },
            }
        }
        text
    }
}

/// An instruction as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) instruction: Instruction,
    /// Of what leads to a label: the index of the instruction after it.
    pub(crate) target: usize,
    pub(crate) words: u32,
    /// Cycles beyond those of [`Instruction::cycles`], for a label that is far away.
    pub(crate) longer_by: u32,
    /// Cycles of a branch that is taken.
    pub(crate) taken_cycles: u32,
}

impl Placed {
    fn new(instruction: &Instruction, reach: JumpReach, labels: &[usize]) -> Self {
        let target = match instruction {
            Instruction::Branch(_, label) | Instruction::Jump(label) | Instruction::Call(label) => {
                labels[label.0 as usize]
            }
            _ => 0,
        };
        let is_branch = matches!(instruction, Instruction::Branch(..));
        // A branch that goes on is, where it is written as one around a jump, taken:
        // `brne` 2 cycles, `rjmp` 2, `jmp` and `call` one more than `rjmp` and `rcall`.
        Self {
            instruction: instruction.clone(),
            target,
            words: words(instruction, reach) as u32,
            longer_by: match reach {
                JumpReach::Short => 0,
                JumpReach::Long | JumpReach::Longest => 1,
            },
            taken_cycles: match reach {
                JumpReach::Short => 2,
                JumpReach::Long => 3,
                JumpReach::Longest => 4,
            } * u32::from(is_branch),
        }
    }
}

fn words(instruction: &Instruction, reach: JumpReach) -> i64 {
    match (instruction, reach) {
        (Instruction::CallFunction { far: true, .. }, _) => 2,
        (_, JumpReach::Short) => 1,
        (_, JumpReach::Long) => 2,
        (_, JumpReach::Longest) => 3,
    }
}

/// Where everything is, in words from the function's start.
struct ListingLayout {
    starts: Vec<i64>,
    labels: Vec<i64>,
    words: i64,
}

impl ListingLayout {
    /// Words from after an item to a label.
    fn distance(&self, item: usize, label: CodeLabel) -> i64 {
        self.labels[label.0 as usize] - self.starts[item] - 1
    }
}

fn write_bytes(text: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(32) {
        let bytes: Vec<String> = line.iter().map(u8::to_string).collect();
        let _ = writeln!(text, ".byte {}", bytes.join(","));
    }
}
