//! What kernels are written in: operations that both instruction sets have, each of
//! which is one instruction or a few of known bytes and cycles.

mod rv32;
mod thumb;

pub(crate) use rv32::Rv32;
pub(crate) use thumb::Thumb;

/// A register by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Register(pub(crate) u8);

/// What is done, and to what. The first register is the one that changes; offsets are
/// in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Move(Register, Register),
    Immediate(Register, i32),
    Add(Register, Register, Register),
    Subtract(Register, Register, Register),
    AddImmediate(Register, i32),
    Negate(Register, Register),
    And(Register, Register),
    Or(Register, Register),
    Xor(Register, Register),
    Multiply(Register, Register),
    ShiftLeft(Register, Register, u8),
    ShiftRight(Register, Register, u8),
    /// Two's complement.
    ShiftRightSigned(Register, Register, u8),
    /// By as many bits as the other register says, 31 at most.
    ShiftLeftBy(Register, Register),
    ShiftRightBy(Register, Register),
    /// Two's complement.
    ShiftRightSignedBy(Register, Register),
    /// The lower 16 bits as two's complement.
    SignExtend(Register, Register),
    /// A word from an aligned address.
    Load(Register, Register, u32),
    Store(Register, Register, u32),
    LoadByte(Register, Register, u32),
    /// 16 bits from an even address.
    LoadHalf(Register, Register, u32),
    /// As two's complement.
    LoadSignedByte(Register, Register, u32),
    StoreByte(Register, Register, u32),
    /// A word of the frame.
    LoadSlot(Register, u32),
    StoreSlot(Register, u32),
    /// The address of a byte of the frame.
    SlotAddress(Register, u32),
    /// Moves the stack pointer.
    AddToStackPointer(i32),
    /// The first register is `t`, which is positive; it becomes
    /// `t + 2^(right−1) − 1 + bit right of t`, so that a shift by `right` bits rounds
    /// halves to even. Changes the second one.
    RoundHalfToEven(Register, Register, u8),
    Return,
}

/// What a branch depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition {
    Always,
    Zero(Register),
    NotZero(Register),
    Negative(Register),
    /// Unsigned, above `2^bits − 1`; the second register is changed.
    Above(Register, u8, Register),
    /// Two's complement.
    Less(Register, Register),
}

/// An instruction as bytes: 2 of them or 4, a halfword each, the first one first.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    pub(crate) bits: u32,
    pub(crate) bytes: u32,
    pub(crate) cycles: f64,
    /// As an assembler writes it.
    pub(crate) text: String,
}

/// A branch in one of its forms.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) instructions: Vec<Instruction>,
    /// Cycles where it is taken; `instructions` have those where it is not.
    pub(crate) taken_cycles: f64,
}

/// Registers of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Roles {
    /// Points at the strip.
    pub(crate) base: Register,
    /// A word of several channels.
    pub(crate) word: Register,
    /// One channel.
    pub(crate) value: Register,
    /// A multiple of it.
    pub(crate) multiple: Register,
    /// The mask of a channel.
    pub(crate) mask: Register,
    /// Sums that are added to and subtracted from.
    pub(crate) low: Vec<Register>,
    /// Sums that are only added to.
    pub(crate) high: Vec<Register>,
}

/// An instruction set.
pub(crate) trait InstructionSet {
    /// The instructions of an operation.
    fn encode(&self, operation: Operation) -> Vec<Instruction>;

    /// The register whose sign and whether it is 0 a branch may look at after that
    /// operation without a comparison.
    fn flags_of(&self, operation: Operation) -> Option<Register>;

    /// Forms of a branch, the shortest first.
    fn branch_forms(&self) -> usize;

    /// A branch in that form over `distance` bytes from its own first byte, or `None`
    /// where it does not reach. `compared` says that the flags are there.
    fn branch(
        &self,
        condition: Condition,
        compared: bool,
        form: usize,
        distance: i64,
    ) -> Option<Branch>;

    /// Loads the address `distance` bytes after its own first byte; bytes do not depend
    /// on the distance.
    fn address(&self, register: Register, distance: i64) -> Vec<Instruction>;

    /// Registers of a kernel; of a pointwise one the mask is a low sum.
    fn roles(&self) -> Roles;

    /// Registers that a function has to save, if it changes them.
    fn save(&self) -> Vec<Instruction>;

    /// Restores them and returns.
    fn restore_and_return(&self) -> Vec<Instruction>;

    /// Bytes of stack that [`Self::save`] takes.
    fn saved_bytes(&self) -> u32;

    /// What the stack pointer is a multiple of.
    fn stack_alignment(&self) -> u32;

    /// Registers of the first and second argument.
    fn arguments(&self) -> [Register; 2];

    /// Registers beside the arguments, and how many of the first ones a function need not
    /// save.
    fn scratch(&self) -> ([Register; 5], usize);

    /// Loads several words from consecutive addresses and moves the pointer past
    /// them, where one instruction does.
    fn load_many(&self, pointer: Register, registers: &[Register]) -> Option<Instruction>;

    /// Whether it multiplies in a cycle.
    fn multiplies(&self) -> bool;

    /// Cycles of an operation that changes a register other than those it reads, as
    /// against one that changes one of them.
    fn three_operand_cycles(&self) -> u32;

    /// The directives of an instruction of 2 bytes and of one of 4; where both are
    /// the same, that of each of its halfwords.
    fn directives(&self) -> (&'static str, &'static str);
}
