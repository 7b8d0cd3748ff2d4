//! The instructions of ARMv6-M.

/// An instruction; registers by number, offsets in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instruction {
    /// By an immediate, of which 0 stands for 32 where the shift is right.
    ShiftImmediate {
        shift: Shift,
        d: u8,
        m: u8,
        by: u8,
    },
    Add {
        d: u8,
        n: u8,
        operand: Operand,
    },
    Subtract {
        d: u8,
        n: u8,
        operand: Operand,
    },
    Move {
        d: u8,
        immediate: u8,
    },
    Compare {
        n: u8,
        operand: Operand,
    },
    Logic {
        operation: Logic,
        d: u8,
        m: u8,
    },
    /// By a register.
    Shift {
        shift: Shift,
        d: u8,
        m: u8,
    },
    AddCarry {
        d: u8,
        m: u8,
    },
    SubtractCarry {
        d: u8,
        m: u8,
    },
    /// `rsbs`, from zero.
    Negate {
        d: u8,
        n: u8,
    },
    Test {
        n: u8,
        m: u8,
    },
    CompareNegative {
        n: u8,
        m: u8,
    },
    Multiply {
        d: u8,
        m: u8,
    },
    /// Without flags, any registers.
    AddHigh {
        d: u8,
        m: u8,
    },
    MoveHigh {
        d: u8,
        m: u8,
    },
    Exchange {
        m: u8,
        links: bool,
    },
    LoadLiteral {
        t: u8,
        offset: u32,
    },
    Load {
        t: u8,
        n: u8,
        offset: Operand,
        bytes: u8,
        signed: bool,
    },
    Store {
        t: u8,
        n: u8,
        offset: Operand,
        bytes: u8,
    },
    /// `adr`.
    Address {
        d: u8,
        offset: u32,
    },
    AddStackPointer {
        d: u8,
        offset: u32,
    },
    /// `add sp` and `sub sp`.
    MoveStackPointer {
        by: u32,
    },
    Extend {
        d: u8,
        m: u8,
        bytes: u8,
        signed: bool,
    },
    /// Of registers 0 to 7 in the lowest bits, and lr.
    Push {
        registers: u8,
        link: bool,
    },
    /// … and pc.
    Pop {
        registers: u8,
        program_counter: bool,
    },
    Reverse {
        d: u8,
        m: u8,
        order: Order,
    },
    StoreMultiple {
        n: u8,
        registers: u8,
    },
    LoadMultiple {
        n: u8,
        registers: u8,
    },
    /// From the program counter, which is four bytes ahead.
    BranchIf {
        condition: u8,
        offset: u32,
    },
    Branch {
        offset: u32,
    },
    BranchLink {
        offset: u32,
    },
    /// `cps`: there are no interrupts.
    Mask,
    /// `nop` and other hints.
    Hint,
    Barrier,
    ReadSpecial {
        d: u8,
        register: u8,
    },
    WriteSpecial {
        n: u8,
        register: u8,
    },
    /// `bkpt` and `svc`.
    Trap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Register(u8),
    Immediate(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Left,
    Right,
    ArithmeticRight,
    Rotate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
    ExclusiveOr,
    Clear,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Word,
    Halfwords,
    SignedHalfword,
}
