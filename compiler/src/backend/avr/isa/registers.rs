//! The registers: their names, and what each is for wherever functions agree on it.
//!
//! A role that one kernel alone has for a register is named there.

use std::fmt;

/// One of the 32 registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Register(u8);

impl Register {
    /// Which of the 32.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The other half of a pair: the register after this one.
    pub(crate) const fn next(self) -> Self {
        self.after(1)
    }

    /// The register that many after this one.
    pub(crate) const fn after(self, registers: u8) -> Self {
        Self(self.0 + registers)
    }

    /// Whether `ldi`, `andi`, `cpi` and their like take it.
    pub(crate) const fn is_upper(self) -> bool {
        self.0 >= 16
    }

    /// Whether it is the lower half of what `movw` takes.
    pub(crate) const fn is_even(self) -> bool {
        self.0.is_multiple_of(2)
    }

    /// Whether it is the lower half of what `adiw` takes.
    pub(crate) const fn takes_adiw(self) -> bool {
        self.0 >= 24 && self.is_even()
    }

    /// It and that many less one after it.
    pub(crate) fn run(self, registers: u8) -> impl Iterator<Item = Self> + Clone {
        (0..registers).map(move |index| self.after(index))
    }

    /// All from it to that one.
    pub(crate) fn to(
        self,
        last: Self,
    ) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        (self.0..=last.0).map(Self)
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

macro_rules! registers {
    ($($name:ident = $number:literal),* $(,)?) => {
        $(#[allow(dead_code, reason = "the names of all 32")]
        pub(crate) const $name: Register = Register($number);)*
    };
}

registers! {
    R0 = 0, R1 = 1, R2 = 2, R3 = 3, R4 = 4, R5 = 5, R6 = 6, R7 = 7,
    R8 = 8, R9 = 9, R10 = 10, R11 = 11, R12 = 12, R13 = 13, R14 = 14, R15 = 15,
    R16 = 16, R17 = 17, R18 = 18, R19 = 19, R20 = 20, R21 = 21, R22 = 22, R23 = 23,
    R24 = 24, R25 = 25, R26 = 26, R27 = 27, R28 = 28, R29 = 29, R30 = 30, R31 = 31,
}

/// Nobody's: changed by whatever needs a register for an instruction or two.
pub(crate) const TEMPORARY: Register = R0;
/// 0 between kernels, and in all that has no product at hand.
pub(crate) const ZERO: Register = R1;
/// Where `mul` leaves its product, the low byte first.
pub(crate) const PRODUCT: [Register; 2] = [R0, R1];

/// The lower halves of the pointers.
pub(crate) const X: Register = Pointer::X.low();
pub(crate) const Y: Register = Pointer::Y.low();
pub(crate) const Z: Register = Pointer::Z.low();

/// The pair of the network's address, where a function is called.
pub(crate) const NETWORK: Register = R24;
/// The pair of the results' address, where `infer` or a layer that puts them is called.
pub(crate) const RESULTS: Register = R22;
/// The row of the pixel that a stage's function is called for; a pair where it
/// [is wide](crate::backend::avr::arithmetic::index::is_wide).
pub(crate) const ROW: Register = R22;
/// Its column, likewise.
pub(crate) const COLUMN: Register = R20;
/// Whether a call completes the sums of a dense layer that are completed by a call of
/// their own: 1 or 0.
pub(crate) const COMPLETES: Register = R18;
/// What functions of segments may change while row and column are needed: a pair.
pub(crate) const SCRATCH: Register = R18;
/// The upper half of a column, where it has one; else to be changed, as [`SCRATCH`].
pub(crate) const SPARE: Register = R21;

/// The pair of where the input field of the output at hand begins. No kernel uses it
/// for anything else.
pub(crate) const POSITION: Register = R24;
/// The pair of the network's address, where a kernel needs it.
pub(crate) const BASE: Register = R22;
/// The output's row and column, where a field reaches beyond the map. No kernel sums
/// up in them.
pub(crate) const ROW_AT: Register = R12;
pub(crate) const COLUMN_AT: Register = R13;

/// What every kernel may change: nobody keeps anything in these while one runs. The
/// register of 0 is 0 again after it.
pub(crate) const KERNEL_SCRATCH: [Register; 6] = [R0, R1, R26, R27, R30, R31];

/// The activation that a kernel of instructions uses, or that is pooled or copied.
pub(crate) const ACTIVATION: Register = R30;
/// The byte that it came in; then that byte's high nibble.
pub(crate) const ACTIVATIONS: Register = R31;
/// The activation that a kernel with a table uses, and the weight, or the byte of
/// weights, that it is multiplied with.
pub(crate) const VALUE: Register = R16;
pub(crate) const WEIGHT: Register = R17;

/// The bytes of the sum that is being rounded, the lowest first; the upper two where
/// it has them.
pub(crate) const SUM: [Register; 4] = [R30, R31, R26, R27];

/// The pointer pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointer {
    X,
    Y,
    Z,
}

impl Pointer {
    /// Its low register.
    pub(crate) const fn low(self) -> Register {
        match self {
            Pointer::X => R26,
            Pointer::Y => R28,
            Pointer::Z => R30,
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pointer::X => "X",
            Pointer::Y => "Y",
            Pointer::Z => "Z",
        })
    }
}

/// A set of registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registers(u32);

impl Registers {
    pub(crate) const ALL: Self = Self(u32::MAX);

    pub(crate) fn of(registers: impl IntoIterator<Item = Register>) -> Self {
        let mut set = Self::default();
        for register in registers {
            set.insert(register);
        }
        set
    }

    pub(crate) fn insert(&mut self, register: Register) {
        self.0 |= 1 << register.0;
    }

    pub(crate) fn contains(self, register: Register) -> bool {
        self.0 >> register.0 & 1 == 1
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Both registers of each of some pairs.
    pub(crate) fn of_pairs(pairs: impl IntoIterator<Item = Register>) -> Self {
        Self::of(pairs.into_iter().flat_map(|low| [low, low.next()]))
    }

    /// These and some more.
    pub(crate) fn and(self, registers: impl IntoIterator<Item = Register>) -> Self {
        self.union(Self::of(registers))
    }
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for register in R0.to(R31).filter(|&register| self.contains(register)) {
            let before = if is_first { "" } else { " " };
            write!(f, "{before}{register}")?;
            is_first = false;
        }
        if is_first {
            f.write_str("nothing")
        } else {
            Ok(())
        }
    }
}
