//! How many cycles instructions take.

/// Cycles of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// A load.
    pub load: u32,
    /// More, if the next instruction reads what was loaded.
    pub load_use: u32,
    /// A store.
    pub store: u32,
    /// A branch that is taken.
    pub branch: u32,
    /// `jal` and `jalr`.
    pub jump: u32,
    /// More, for a jump or branch to an instruction of 32 bits that is not aligned to them.
    pub unaligned_target: u32,
    /// A multiplication.
    pub multiply: u32,
    /// A division or remainder.
    pub divide: u32,
    /// How instructions come from flash, if not as fast as they are executed.
    pub fetch: Option<LineFetch>,
}

/// Flash that is read by lines of 32 bits, ahead of what is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineFetch {
    /// Cycles that a line takes.
    pub cycles: u32,
}

impl Cost {
    /// QingKe V2A and V2C with memory without wait states: the CH32V003 up to 24 MHz, and its
    /// SRAM (measured by jnk0le, <https://github.com/jnk0le/random>, "pipeline cycle test",
    /// `ch32v003_(qkv2).md`; the V2C of the CH32V002, which multiplies, is assumed to be like it,
    /// with a multiplication in a cycle).
    pub const QINGKE_V2: Self = Self {
        load: 2,
        load_use: 0,
        store: 2,
        branch: 3,
        jump: 3,
        unaligned_target: 1,
        multiply: 1,
        divide: 17,
        fetch: None,
    };
    /// The same from flash with one wait state: the CH32V003 at 48 MHz. Code in SRAM is as fast as
    /// in [`QINGKE_V2`](Self::QINGKE_V2).
    pub const QINGKE_V2_ONE_WAIT_STATE: Self = Self {
        fetch: Some(LineFetch { cycles: 2 }),
        ..Self::QINGKE_V2
    };
    /// A plain in-order pipeline, such as in the GD32VF103 and the ESP32-C3: assumed, not measured.
    pub const GENERIC: Self = Self {
        load: 1,
        load_use: 1,
        store: 1,
        branch: 3,
        jump: 2,
        unaligned_target: 0,
        multiply: 1,
        divide: 33,
        fetch: None,
    };
    /// Hazard3 as in the RP2350, without its branch predictor, which only makes it faster
    /// (Raspberry Pi, "RP2350 Datasheet", section "Hazard3 processor", instruction cycle counts).
    pub const HAZARD3: Self = Self {
        load: 1,
        load_use: 1,
        store: 1,
        branch: 2,
        jump: 2,
        unaligned_target: 1,
        multiply: 1,
        divide: 19,
        fetch: None,
    };
}
