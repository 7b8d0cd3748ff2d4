//! A function in the making: instructions, labels and tables, with what they
//! take in flash and in cycles.

use super::instruction::{
    Condition, Constant, Immediate, Instruction, Label, Mode, One, Pointer, ProgramCounter,
    Register, Two,
};
use super::{Core, Function, Kind};
use std::fmt::Write;

/// A branch reaches that many words up and down, a relative jump or call that
/// many (AVR Instruction Set Manual, BRBS and RJMP).
const BRANCH_REACH_WORDS: i64 = 63;
const RELATIVE_REACH_WORDS: i64 = 2047;

#[derive(Clone, Debug)]
enum Item {
    Instruction(Instruction),
    Label(Label),
    Kind(Kind),
    /// A table; an even count of bytes.
    Bytes(Label, Vec<u8>),
    /// A table that lies in the first 64 KB of flash.
    NearBytes(Label, Vec<u8>),
}

/// How an item that names a label is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// A branch, `rjmp`, `rcall`.
    Short,
    /// A branch around an `rjmp`; `jmp`, `call`.
    Long,
    /// A branch around a `jmp`.
    Longest,
}

/// A function in the making.
pub(super) struct Assembly {
    core: Core,
    items: Vec<Item>,
    tables: Vec<Item>,
    labels: u32,
    kind: Kind,
    /// How often what is being emitted runs in an inference.
    executions: f64,
    cycles: f64,
    stack_bytes: u32,
    deepest_stack_bytes: u32,
}

impl Assembly {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core,
            items: Vec::new(),
            tables: Vec::new(),
            labels: 0,
            kind: Kind::Other,
            executions: 1.0,
            cycles: 0.0,
            stack_bytes: 0,
            deepest_stack_bytes: 0,
        }
    }

    pub(super) fn core(&self) -> Core {
        self.core
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// Puts a label here.
    pub(super) fn bind(&mut self, label: Label) {
        self.items.push(Item::Label(label));
    }

    /// A label here.
    pub(super) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Emits what is of that kind.
    pub(super) fn of<T>(&mut self, kind: Kind, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.kind;
        self.set_kind(kind);
        let result = body(self);
        self.set_kind(outer);
        result
    }

    fn set_kind(&mut self, kind: Kind) {
        if self.kind != kind {
            self.kind = kind;
            // What had no instruction needs no mark.
            if let Some(Item::Kind(last)) = self.items.last_mut() {
                *last = kind;
            } else {
                self.items.push(Item::Kind(kind));
            }
        }
    }

    /// Emits what runs `times` as often as what is around it.
    pub(super) fn times<T>(&mut self, times: f64, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.executions;
        self.executions *= times;
        let result = body(self);
        self.executions = outer;
        result
    }

    /// Emits a table behind the code.
    pub(super) fn table(&mut self, mut bytes: Vec<u8>) -> Label {
        let label = self.label();
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        self.tables.push(Item::Bytes(label, bytes));
        label
    }

    /// Emits a table within reach of `lpm`.
    pub(super) fn near_table(&mut self, bytes: Vec<u8>) -> Label {
        if !self.core.extended_flash {
            return self.table(bytes);
        }
        let label = self.label();
        self.tables.push(Item::NearBytes(label, bytes));
        label
    }

    pub(super) fn emit(&mut self, instruction: Instruction) {
        let cycles = instruction.cycles(self.core.program_counter);
        self.charge(f64::from(cycles));
        match instruction {
            Instruction::One(One::Push, _) => self.stack_grows(1),
            Instruction::One(One::Pop, _) => self.stack_bytes -= 1,
            Instruction::Call(_) => self.stack_peak(self.core.program_counter.bytes.into()),
            _ => {}
        }
        self.items.push(Item::Instruction(instruction));
    }

    fn charge(&mut self, cycles: f64) {
        self.cycles += cycles * self.executions;
    }

    /// How often what is being emitted runs in an inference.
    pub(super) fn executions(&self) -> f64 {
        self.executions
    }

    pub(super) fn stack_depth_bytes(&self) -> u32 {
        self.stack_bytes
    }

    /// `in`.
    pub(super) fn read_port(&mut self, register: Register, port: u8) {
        self.emit(Instruction::In(register, port));
    }

    /// `out`.
    pub(super) fn write_port(&mut self, port: u8, register: Register) {
        self.emit(Instruction::Out(port, register));
    }

    /// Takes back or adds what a loop pushes or pops more than once.
    pub(super) fn stack_changes(&mut self, bytes: i64) {
        if bytes > 0 {
            self.stack_grows(bytes as u32);
        } else {
            self.stack_bytes -= bytes.unsigned_abs() as u32;
        }
    }

    fn stack_grows(&mut self, bytes: u32) {
        self.stack_bytes += bytes;
        self.stack_peak(0);
    }

    fn stack_peak(&mut self, beyond_bytes: u32) {
        let deep = self.stack_bytes + beyond_bytes;
        self.deepest_stack_bytes = self.deepest_stack_bytes.max(deep);
    }

    /// A branch, taken with that probability.
    pub(super) fn branch(&mut self, condition: Condition, label: Label, taken: f64) {
        self.charge(taken);
        self.emit(Instruction::Branch(condition, label));
    }

    /// The branch back of a loop that runs `times`; times above 1.
    pub(super) fn loop_back(&mut self, condition: Condition, label: Label, times: f64) {
        self.branch(condition, label, 1.0 - 1.0 / times);
    }

    /// Writes the function down.
    pub(super) fn finish(mut self, name: &str) -> Function {
        debug_assert_eq!(self.stack_bytes, 0, "{name} leaves something on the stack");
        let tables = std::mem::take(&mut self.tables);
        self.items.extend(tables);
        let reaches = self.relax();
        let layout = self.layout(&reaches);
        let text = self.write(name, &reaches, &layout);
        let near_bytes: usize = self
            .items
            .iter()
            .map(|item| match item {
                Item::NearBytes(_, bytes) => bytes.len(),
                _ => 0,
            })
            .sum();
        Function {
            name: name.to_owned(),
            text,
            flash_bytes: layout.words as u32 * 2,
            near_table_bytes: near_bytes as u32,
            cycles: self.cycles,
            stack_bytes: self.deepest_stack_bytes,
        }
    }

    /// The shortest way for each item to reach its label.
    fn relax(&self) -> Vec<Reach> {
        let mut reaches = vec![Reach::Short; self.items.len()];
        loop {
            let layout = self.layout(&reaches);
            let mut changed = false;
            for (index, item) in self.items.iter().enumerate() {
                let Item::Instruction(
                    instruction @ (Instruction::Branch(_, label)
                    | Instruction::Jump(label)
                    | Instruction::Call(label)),
                ) = item
                else {
                    continue;
                };
                let words = layout.labels[label.0 as usize] - layout.starts[index] - 1;
                let is_branch = matches!(instruction, Instruction::Branch(..));
                let needed = if is_branch && words.abs() <= BRANCH_REACH_WORDS {
                    Reach::Short
                } else if words.abs() <= RELATIVE_REACH_WORDS - 1 || !self.core.has_jmp {
                    if is_branch { Reach::Long } else { Reach::Short }
                } else if is_branch {
                    Reach::Longest
                } else {
                    Reach::Long
                };
                // Never back: what grows stays grown, so this ends.
                if needed as u8 > reaches[index] as u8 {
                    reaches[index] = needed;
                    changed = true;
                }
            }
            if !changed {
                return reaches;
            }
        }
    }

    fn layout(&self, reaches: &[Reach]) -> Layout {
        let mut layout = Layout {
            starts: Vec::with_capacity(self.items.len()),
            labels: vec![0; self.labels as usize + 1],
            words: 0,
        };
        for (item, reach) in self.items.iter().zip(reaches) {
            layout.starts.push(layout.words);
            match item {
                Item::Label(label) => layout.labels[label.0 as usize] = layout.words,
                Item::Bytes(label, bytes) => {
                    layout.labels[label.0 as usize] = layout.words;
                    layout.words += bytes.len() as i64 / 2;
                }
                Item::Instruction(instruction) => {
                    layout.words += match (instruction, reach) {
                        (Instruction::CallFunction { far: true, .. }, _) => 2,
                        (_, Reach::Short) => 1,
                        (_, Reach::Long) => 2,
                        (_, Reach::Longest) => 3,
                    };
                }
                Item::Kind(_) | Item::NearBytes(..) => {}
            }
        }
        layout
    }

    fn write(&self, name: &str, reaches: &[Reach], layout: &Layout) -> String {
        let mut text = String::new();
        // Of local labels that are not bound by then, `f` is meant.
        let mut bound = vec![false; self.labels as usize + 1];
        let mut spare = self.labels;
        for (item, reach) in self.items.iter().zip(reaches) {
            let reference = |label: Label, bound: &[bool]| {
                let side = if bound[label.0 as usize] { 'b' } else { 'f' };
                format!("{}{side}", label.0)
            };
            match item {
                Item::Label(label) => {
                    bound[label.0 as usize] = true;
                    let _ = writeln!(text, "{}:", label.0);
                }
                Item::Kind(kind) => {
                    spare += 1;
                    let _ = writeln!(
                        text,
                        "{spare}: .pushsection .debug_herringbone,\"\",@progbits\n\
                         .long {spare}b\n.byte {}\n.popsection",
                        *kind as u8
                    );
                }
                Item::Bytes(label, bytes) => {
                    let _ = writeln!(text, "{}:", label.0);
                    write_bytes(&mut text, bytes);
                }
                Item::NearBytes(label, bytes) => {
                    let table = format!("{{{name}}}.cells");
                    let _ = writeln!(
                        text,
                        ".pushsection .progmem.data,\"a\",@progbits\n\
                         .type {table}, @object\n{table}:\n{}:",
                        label.0
                    );
                    write_bytes(&mut text, bytes);
                    let _ = writeln!(text, ".size {table}, . - {table}\n.popsection");
                }
                Item::Instruction(instruction) => match (instruction, reach) {
                    (Instruction::Branch(condition, label), Reach::Long | Reach::Longest) => {
                        let jump = match reach {
                            Reach::Longest => "jmp",
                            _ => "rjmp",
                        };
                        spare += 1;
                        let around = Instruction::Branch(condition.inverse(), Label(spare));
                        let label = reference(*label, &bound);
                        let _ = writeln!(text, "{around} {spare}f\n{jump} {label}\n{spare}:");
                    }
                    (Instruction::Jump(label) | Instruction::Call(label), Reach::Short) => {
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
        debug_assert_eq!(layout.starts.len(), self.items.len());
        text
    }
}

/// Where everything lies, in words from the function's start.
struct Layout {
    starts: Vec<i64>,
    labels: Vec<i64>,
    words: i64,
}

fn write_bytes(text: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(32) {
        let bytes: Vec<String> = line.iter().map(u8::to_string).collect();
        let _ = writeln!(text, ".byte {}", bytes.join(","));
    }
}

macro_rules! two_registers {
    ($($name:ident => $operation:ident),* $(,)?) => {
        impl Assembly {
            $(pub(super) fn $name(&mut self, to: Register, from: Register) {
                self.emit(Instruction::Two(Two::$operation, to, from));
            })*
        }
    };
}

two_registers! {
    add => Add, adc => Adc, sub => Sub, sbc => Sbc, and => And, or => Or, eor => Eor, mov => Mov,
    movw => Movw, cp => Cp, cpc => Cpc, mul => Mul, mulsu => Mulsu,
}

macro_rules! immediates {
    ($($name:ident => $operation:ident),* $(,)?) => {
        impl Assembly {
            $(pub(super) fn $name(&mut self, register: Register, value: u8) {
                debug_assert!(register.is_upper());
                let constant = Constant::Value(value);
                self.emit(Instruction::Immediate(Immediate::$operation, register, constant));
            })*
        }
    };
}

immediates! {
    ldi => Ldi, subi => Subi, sbci => Sbci, andi => Andi, ori => Ori, cpi => Cpi,
}

macro_rules! one_register {
    ($($name:ident => $operation:ident),* $(,)?) => {
        impl Assembly {
            $(pub(super) fn $name(&mut self, register: Register) {
                self.emit(Instruction::One(One::$operation, register));
            })*
        }
    };
}

one_register! {
    lsr => Lsr, asr => Asr, ror => Ror, swap => Swap, inc => Inc, dec => Dec,
    com => Com, push => Push, pop => Pop,
}

impl Assembly {
    pub(super) fn lsl(&mut self, register: Register) {
        self.add(register, register);
    }

    pub(super) fn rol(&mut self, register: Register) {
        self.adc(register, register);
    }

    pub(super) fn clr(&mut self, register: Register) {
        self.eor(register, register);
    }

    pub(super) fn tst(&mut self, register: Register) {
        self.emit(Instruction::Two(Two::And, register, register));
    }

    pub(super) fn load(&mut self, register: Register, pointer: Pointer, mode: Mode) {
        self.emit(Instruction::Load(register, pointer, mode));
    }

    pub(super) fn store(&mut self, pointer: Pointer, mode: Mode, register: Register) {
        self.emit(Instruction::Store(pointer, mode, register));
    }

    /// `lpm register, Z+` of a table that [`Assembly::near_table`] made.
    pub(super) fn lpm_near(&mut self, register: Register) {
        self.emit(Instruction::LoadProgram {
            register,
            extended: false,
        });
    }

    /// `lpm register, Z+` of a table that [`Assembly::table`] made.
    pub(super) fn lpm(&mut self, register: Register) {
        let extended = self.core.extended_flash;
        self.emit(Instruction::LoadProgram { register, extended });
    }

    /// `sbrc`: skips the next instruction.
    pub(super) fn skip_if_clear(&mut self, register: Register, bit: u8) {
        self.emit(Instruction::SkipIfClear { register, bit });
    }

    /// `sbrs`: skips the next instruction.
    pub(super) fn skip_if_set(&mut self, register: Register, bit: u8) {
        self.emit(Instruction::SkipIfSet { register, bit });
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.emit(Instruction::Jump(label));
    }

    pub(super) fn call(&mut self, label: Label) {
        self.emit(Instruction::Call(label));
    }

    pub(super) fn ret(&mut self) {
        self.emit(Instruction::Return);
    }

    /// A byte of an address so far behind the start of a table.
    pub(super) fn ldi_address(
        &mut self,
        register: Register,
        (label, offset_bytes): (Label, u32),
        byte: u8,
    ) {
        let constant = Constant::AddressByte {
            label,
            offset_bytes,
            byte,
        };
        self.emit(Instruction::Immediate(Immediate::Ldi, register, constant));
    }

    /// Adds a constant to a pair, in the shortest way.
    pub(super) fn add_to_pair(&mut self, low: Register, value: i32) {
        let high = low.next();
        let [low_byte, high_byte, ..] = value.wrapping_neg().to_le_bytes();
        match value {
            0 => {}
            1..=63 if low.0 >= 24 && low.0.is_multiple_of(2) => {
                self.emit(Instruction::AddToWord(low, value as u8));
            }
            _ if low.is_upper() => {
                self.subi(low, low_byte);
                self.sbci(high, high_byte);
            }
            _ => unreachable!("{low} takes no constant"),
        }
    }

    /// Loads a 16-bit constant by way of `through`, an upper register, where
    /// the pair is a lower one.
    pub(super) fn ldi_pair(&mut self, low: Register, value: u16) {
        let [low_byte, high_byte] = value.to_le_bytes();
        self.ldi(low, low_byte);
        self.ldi(low.next(), high_byte);
    }
}

impl ProgramCounter {
    /// Of a part with that much flash.
    pub(super) fn of_flash(flash_bytes: u32) -> Self {
        Self {
            bytes: if flash_bytes > 1 << 17 { 3 } else { 2 },
        }
    }
}
