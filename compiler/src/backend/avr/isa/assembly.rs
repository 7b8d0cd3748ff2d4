//! A function in the making: instructions, labels and tables, with what they
//! take in flash and in cycles.

use crate::backend::avr::isa::clobbers::Changes;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Instruction, One};
use crate::backend::avr::isa::item::{ListingItem, Purpose};
use crate::backend::avr::isa::listing::Listing;
use crate::backend::avr::isa::registers::Registers;

/// A function in the making.
pub(crate) struct Assembly {
    core: Core,
    streamed: bool,
    /// Registers that the network's functions change.
    changed_by_code: Registers,
    items: Vec<ListingItem>,
    tables: Vec<ListingItem>,
    labels: u32,
    kind: Purpose,
    /// How often what is being emitted runs in an inference.
    executions: f64,
    cycles: f64,
    stack_bytes: u32,
    deepest_stack_bytes: u32,
    /// Kept where debug assertions are on.
    changes: Changes,
    /// The other functions that were called, and the stack then.
    calls: Vec<(FunctionId, u32)>,
    /// Where a routine that multiplies will be, and how often it is called.
    multiplication: Option<(CodeLabel, f64)>,
}

impl Assembly {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core,
            streamed: false,
            changed_by_code: Registers::ALL,
            items: Vec::new(),
            tables: Vec::new(),
            labels: 0,
            kind: Purpose::Other,
            executions: 1.0,
            cycles: 0.0,
            stack_bytes: 0,
            deepest_stack_bytes: 0,
            changes: Changes::default(),
            calls: Vec::new(),
            multiplication: None,
        }
    }

    /// A function that runs while the input arrives.
    pub(crate) fn streamed(core: Core) -> Self {
        Self {
            streamed: true,
            ..Self::new(core)
        }
    }

    /// The same function where it is known which registers the network's functions change.
    pub(crate) fn of_code_that_changes(self, changed_by_code: Registers) -> Self {
        Self {
            changed_by_code,
            ..self
        }
    }

    pub(crate) fn changed_by_code(&self) -> Registers {
        self.changed_by_code
    }

    pub(crate) fn core(&self) -> Core {
        self.core
    }

    pub(crate) fn label(&mut self) -> CodeLabel {
        self.labels += 1;
        CodeLabel(self.labels)
    }

    /// Puts a label here.
    pub(crate) fn bind(&mut self, label: CodeLabel) {
        self.items.push(ListingItem::Label(label));
    }

    /// A label here.
    pub(crate) fn here(&mut self) -> CodeLabel {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Emits what is of that kind.
    pub(crate) fn of<T>(&mut self, kind: Purpose, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.kind;
        self.set_kind(kind);
        let result = body(self);
        self.set_kind(outer);
        result
    }

    fn set_kind(&mut self, kind: Purpose) {
        if self.kind != kind {
            self.kind = kind;
            // What had no instruction needs no mark.
            if let Some(ListingItem::Purpose(last)) = self.items.last_mut() {
                *last = kind;
            } else {
                self.items.push(ListingItem::Purpose(kind));
            }
        }
    }

    /// Emits what changes these registers and no other. Where debug assertions are on,
    /// every instruction that is emitted inside is looked at; subroutines that are called
    /// are to declare what they change where they are emitted.
    pub(crate) fn changing<T>(
        &mut self,
        registers: Registers,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.declaring(registers, Registers::default(), body)
    }

    /// Emits what changes these registers and gives them back at its end, in a way that
    /// instructions do not show.
    pub(crate) fn restoring<T>(
        &mut self,
        registers: Registers,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.declaring(Registers::ALL, registers, body)
    }

    fn declaring<T>(
        &mut self,
        declared: Registers,
        restored: Registers,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.changes.enter();
        let result = body(self);
        self.changes.leave(before, declared, restored);
        result
    }

    /// Emits what runs `times` as often as what is around it.
    pub(crate) fn times<T>(&mut self, times: f64, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.executions;
        self.executions *= times;
        let result = body(self);
        self.executions = outer;
        result
    }

    /// Emits a table after the code.
    pub(crate) fn table(&mut self, mut bytes: Vec<u8>) -> CodeLabel {
        let label = self.label();
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        self.tables.push(ListingItem::Bytes(label, bytes));
        label
    }

    /// Emits a table within reach of `lpm`.
    pub(crate) fn near_table(&mut self, bytes: Vec<u8>) -> CodeLabel {
        if !self.core.extended_flash {
            return self.table(bytes);
        }
        let label = self.label();
        self.tables.push(ListingItem::NearBytes(label, bytes));
        label
    }

    pub(crate) fn emit(&mut self, instruction: Instruction) {
        let cycles = instruction.cycles(self.core.program_counter);
        self.charge(f64::from(cycles));
        self.note_changes(&instruction);
        match instruction {
            Instruction::One(One::Push, _) => self.stack_grows(1),
            Instruction::One(One::Pop, _) => self.stack_bytes -= 1,
            Instruction::Call(_) => self.stack_peak(self.core.program_counter.bytes.into()),
            Instruction::CallFunction { function, .. } => {
                self.calls.push((function, self.stack_bytes));
            }
            _ => {}
        }
        self.items.push(ListingItem::Instruction(instruction));
    }

    fn note_changes(&mut self, instruction: &Instruction) {
        if !cfg!(debug_assertions) {
            return;
        }
        match *instruction {
            Instruction::One(One::Push, register) => self.changes.push(register),
            Instruction::One(One::Pop, register) => self.changes.pop(register),
            _ => self.changes.add(instruction.changes()),
        }
    }

    fn charge(&mut self, cycles: f64) {
        self.cycles += cycles * self.executions;
    }

    /// How often what is being emitted runs in an inference.
    pub(crate) fn executions(&self) -> f64 {
        self.executions
    }

    /// Where a routine that multiplies will be, which is to be called once more.
    pub(crate) fn multiplication(&mut self) -> CodeLabel {
        let (label, calls) = match self.multiplication {
            Some(it) => it,
            None => (self.label(), 0.0),
        };
        self.multiplication = Some((label, calls + self.executions));
        label
    }

    /// The same, and how often it was called.
    pub(crate) fn called_multiplication(&self) -> Option<(CodeLabel, f64)> {
        self.multiplication
    }

    pub(crate) fn stack_depth_bytes(&self) -> u32 {
        self.stack_bytes
    }

    /// Takes back or adds what a loop pushes or pops more than once.
    pub(crate) fn stack_changes(&mut self, bytes: i64) {
        if bytes > 0 {
            self.stack_grows(bytes as u32);
        } else {
            self.stack_bytes -= bytes.unsigned_abs() as u32;
        }
        if cfg!(debug_assertions) {
            self.changes.stack_is(self.stack_bytes);
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
    pub(crate) fn branch(&mut self, condition: Condition, label: CodeLabel, taken: f64) {
        self.charge(taken);
        self.emit(Instruction::Branch(condition, label));
    }

    /// The branch back of a loop that runs `times`; times above 1.
    pub(crate) fn loop_back(&mut self, condition: Condition, label: CodeLabel, times: f64) {
        self.branch(condition, label, 1.0 - 1.0 / times);
    }

    /// Writes the function down.
    pub(crate) fn finish(mut self, id: FunctionId) -> Function {
        debug_assert_eq!(self.stack_bytes, 0, "{id} leaves something on the stack");
        crate::effort::spend(30 * self.items.len());
        let tables = std::mem::take(&mut self.tables);
        self.items.extend(tables);
        let near_table_bytes: usize = self
            .items
            .iter()
            .map(|item| match item {
                ListingItem::NearBytes(_, bytes) => bytes.len(),
                _ => 0,
            })
            .sum();
        let listing = Listing::new(self.items, self.labels, self.core.has_jmp);
        Function {
            id,
            streamed: self.streamed,
            spans: listing.spans(),
            flash_bytes: listing.flash_bytes(),
            listing,
            near_table_bytes: near_table_bytes as u32,
            cycles: self.cycles,
            stack_bytes: self.deepest_stack_bytes,
            calls: self.calls,
        }
    }
}
