//! A function in the making: operations, branches and tables, with the cycles that they
//! are expected to take; then its bytes.

use super::isa::{Condition, Instruction, InstructionSet, Operation, Register};

/// A place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label(usize);

#[derive(Debug)]
enum Item {
    Instruction(Instruction),
    Label(Label),
    Branch {
        condition: Condition,
        /// Whether the flags say what the condition asks.
        compared: bool,
        to: Label,
        /// How often it is taken, of the times that it is reached.
        share: f64,
        form: usize,
    },
    Address(Register, Label),
    /// Up to a word.
    Align,
    Word(u32),
    /// From here on code belongs to that part.
    Part(usize),
}

/// A function in the making.
pub(crate) struct Assembly<'a> {
    isa: &'a dyn InstructionSet,
    /// Each with how often it is expected to run.
    items: Vec<(Item, f64)>,
    labels: usize,
    weight: f64,
    /// The register whose value the flags tell about.
    flags: Option<Register>,
}

/// What is known of a finished function.
#[derive(Clone, Debug)]
pub(crate) struct Assembled {
    /// As it is in flash, from a word's address on.
    pub(crate) bytes: Vec<u8>,
    /// A line for each instruction and word of a table.
    pub(crate) text: String,
    /// Bytes and expected cycles of each part, in order.
    pub(crate) parts: Vec<Part>,
}

/// A part of a function: the code of a layer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    pub(crate) part: usize,
    pub(crate) bytes: u32,
    pub(crate) cycles: f64,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(isa: &'a dyn InstructionSet) -> Self {
        Self {
            isa,
            items: Vec::new(),
            labels: 0,
            weight: 1.0,
            flags: None,
        }
    }

    pub(crate) fn isa(&self) -> &'a dyn InstructionSet {
        self.isa
    }

    fn push(&mut self, item: Item) {
        self.items.push((item, self.weight));
    }

    pub(crate) fn emit(&mut self, operation: Operation) {
        for instruction in self.isa.encode(operation) {
            self.push(Item::Instruction(instruction));
        }
        self.flags = self.isa.flags_of(operation);
    }

    pub(crate) fn emit_all(&mut self, operations: impl IntoIterator<Item = Operation>) {
        for operation in operations {
            self.emit(operation);
        }
    }

    pub(crate) fn instructions(&mut self, instructions: impl IntoIterator<Item = Instruction>) {
        for instruction in instructions {
            self.push(Item::Instruction(instruction));
        }
        self.flags = None;
    }

    /// The code of `body` runs that often each time that this place is reached.
    pub(crate) fn times(&mut self, times: f64, body: impl FnOnce(&mut Self)) {
        let before = self.weight;
        self.weight *= times;
        body(self);
        self.weight = before;
    }

    pub(crate) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    pub(crate) fn bind(&mut self, label: Label) {
        self.push(Item::Label(label));
        self.flags = None;
    }

    pub(crate) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// A branch that is taken that often.
    pub(crate) fn branch(&mut self, condition: Condition, share: f64, to: Label) {
        let (compared, changes_flags) = match condition {
            Condition::Zero(register)
            | Condition::NotZero(register)
            | Condition::Negative(register) => (self.flags == Some(register), false),
            Condition::Always => (false, false),
            Condition::Above(..) | Condition::Less(..) => (false, true),
        };
        self.push(Item::Branch {
            condition,
            compared,
            to,
            share,
            form: 0,
        });
        if changes_flags {
            self.flags = None;
        }
    }

    pub(crate) fn jump(&mut self, to: Label) {
        self.branch(Condition::Always, 1.0, to);
    }

    /// The address of a table, which is bound after this place, and near.
    pub(crate) fn address(&mut self, register: Register, label: Label) {
        self.push(Item::Address(register, label));
        self.flags = None;
    }

    pub(crate) fn table(&mut self, label: Label, words: impl IntoIterator<Item = u32>) {
        self.push(Item::Align);
        self.bind(label);
        for word in words {
            self.push(Item::Word(word));
        }
    }

    pub(crate) fn part(&mut self, part: usize) {
        self.push(Item::Part(part));
    }

    /// Finds the shortest form of each branch, and writes all down.
    pub(crate) fn finish(mut self) -> Assembled {
        loop {
            let (addresses, places) = self.layout();
            let mut grown = false;
            for (index, (item, _)) in self.items.iter_mut().enumerate() {
                let Item::Branch {
                    condition,
                    compared,
                    to,
                    form,
                    ..
                } = item
                else {
                    continue;
                };
                let distance = places[to.0] - addresses[index];
                while self
                    .isa
                    .branch(*condition, *compared, *form, distance)
                    .is_none()
                {
                    *form += 1;
                    grown = true;
                    assert!(*form < self.isa.branch_forms(), "a branch reaches any code");
                }
            }
            if !grown {
                return self.write(&addresses, &places);
            }
        }
    }

    fn bytes_of(&self, item: &Item, address: i64) -> i64 {
        match item {
            Item::Instruction(instruction) => instruction.bytes.into(),
            Item::Label(_) | Item::Part(_) => 0,
            Item::Branch {
                condition,
                compared,
                form,
                ..
            } => {
                // Near enough for every form; bytes do not depend on it.
                let branch = (*form..self.isa.branch_forms())
                    .find_map(|form| self.isa.branch(*condition, *compared, form, 8));
                let instructions = branch.map(|it| it.instructions).unwrap_or_default();
                instructions.iter().map(|it| i64::from(it.bytes)).sum()
            }
            Item::Address(register, _) => {
                let instructions = self.isa.address(*register, 8);
                instructions.iter().map(|it| i64::from(it.bytes)).sum()
            }
            Item::Align => address.rem_euclid(4),
            Item::Word(_) => 4,
        }
    }

    /// The address of each item and of each label.
    fn layout(&self) -> (Vec<i64>, Vec<i64>) {
        let mut places = vec![0; self.labels];
        let mut address = 0;
        let mut addresses = Vec::with_capacity(self.items.len());
        for (item, _) in &self.items {
            addresses.push(address);
            if let Item::Label(label) = item {
                places[label.0] = address;
            }
            address += self.bytes_of(item, address);
        }
        (addresses, places)
    }

    fn write(&self, addresses: &[i64], places: &[i64]) -> Assembled {
        let (mut bytes, mut text) = (Vec::new(), String::new());
        let mut parts = vec![Part::default()];
        for (index, (item, weight)) in self.items.iter().enumerate() {
            let address = addresses[index];
            let mut cycles = None;
            let instructions = match item {
                Item::Instruction(instruction) => vec![instruction.clone()],
                Item::Branch {
                    condition,
                    compared,
                    to,
                    share,
                    form,
                } => {
                    let distance = places[to.0] - address;
                    let branch = self.isa.branch(*condition, *compared, *form, distance);
                    let branch = branch.expect("its form was found");
                    let passed: f64 = branch.instructions.iter().map(|it| it.cycles).sum();
                    cycles = Some(passed + share * (branch.taken_cycles - passed));
                    branch.instructions
                }
                Item::Address(register, label) => {
                    self.isa.address(*register, places[label.0] - address)
                }
                Item::Word(word) => {
                    text += &format!(".4byte {word:#x}\n");
                    bytes.extend(word.to_le_bytes());
                    Vec::new()
                }
                Item::Align => {
                    if address % 4 != 0 {
                        text += ".2byte 0\n";
                        bytes.extend([0; 2]);
                    }
                    Vec::new()
                }
                Item::Label(_) => Vec::new(),
                Item::Part(part) => {
                    parts.push(Part {
                        part: *part,
                        ..Part::default()
                    });
                    Vec::new()
                }
            };
            let own: f64 = instructions.iter().map(|it| it.cycles).sum();
            for instruction in &instructions {
                self.write_one(instruction, &mut bytes, &mut text);
            }
            let part = parts.last_mut().expect("there is a first part");
            part.cycles += weight * cycles.unwrap_or(own);
            let end = addresses.get(index + 1).copied();
            part.bytes += (end.unwrap_or(bytes.len() as i64) - address) as u32;
        }
        Assembled { bytes, text, parts }
    }

    fn write_one(&self, instruction: &Instruction, bytes: &mut Vec<u8>, text: &mut String) {
        let (narrow, wide) = self.isa.directives();
        let Instruction {
            bits, text: told, ..
        } = instruction;
        match instruction.bytes {
            2 => {
                bytes.extend((*bits as u16).to_le_bytes());
                *text += &format!("{narrow} {bits:#06x} // {told}\n");
            }
            _ => {
                bytes.extend(bits.to_le_bytes());
                if narrow == wide {
                    let (first, second) = (bits & 0xFFFF, bits >> 16);
                    *text += &format!("{narrow} {first:#06x} // {told}\n{narrow} {second:#06x}\n");
                } else {
                    *text += &format!("{wide} {bits:#010x} // {told}\n");
                }
            }
        }
    }
}
