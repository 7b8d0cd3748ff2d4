//! How many cycles instructions take, with memory that has no wait states.

/// Cycles of a core, where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// A branch that is taken, or another write to the program counter.
    pub branch: u32,
    /// `bl`.
    pub branch_with_link: u32,
    /// `bx` and `blx`.
    pub branch_exchange: u32,
    /// `pop` with the program counter, apart from one for each register.
    pub pop_program_counter: u32,
    /// `muls`.
    pub multiply: u32,
    /// `mrs`, `msr` and barriers.
    pub special: u32,
}

impl Cost {
    /// A Cortex-M0 with its fast multiplier (Arm, "Cortex-M0 Technical Reference Manual",
    /// DDI 0432C, section 3.3).
    pub const CORTEX_M0: Self = Self {
        branch: 3,
        branch_with_link: 4,
        branch_exchange: 3,
        // 4 + N, N being the registers with the program counter.
        pop_program_counter: 4,
        multiply: 1,
        special: 4,
    };
    /// A Cortex-M0+ with its fast multiplier (Arm, "Cortex-M0+ Technical Reference Manual",
    /// DDI 0484C, section 3.3).
    pub const CORTEX_M0_PLUS: Self = Self {
        branch: 2,
        branch_with_link: 3,
        branch_exchange: 2,
        pop_program_counter: 3,
        multiply: 1,
        special: 3,
    };

    /// The same core with the small multiplier, which takes 32 cycles.
    #[must_use]
    pub const fn with_small_multiplier(self) -> Self {
        Self {
            multiply: 32,
            ..self
        }
    }
}
