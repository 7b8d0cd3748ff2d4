//! Sums and products of numbers of 16 bits, as text of assembly.
//!
//! A product of 16 × 16 bits is four of 8 × 8 (Atmel, AVR201: "Using the AVR Hardware Multiplier").

/// The product of two signed numbers, each in a pair of registers `high:low`, into `$3:$2:$1:$0`.
/// Zero is in r8.
macro_rules! product {
    ($high:literal : $low:literal, $other_high:literal : $other_low:literal,
     $b3:literal : $b2:literal : $b1:literal : $b0:literal) => {
        concat!(
            "muls ", $high, ", ", $other_high, "\n",
            "movw ", $b2, ", r0\n",
            "mul ", $low, ", ", $other_low, "\n",
            "movw ", $b0, ", r0\n",
            add_cross!($high : $low, $other_high : $other_low, $b3 : $b2 : $b1),
        )
    };
}

/// The same, added to what is there.
macro_rules! add_product {
    ($high:literal : $low:literal, $other_high:literal : $other_low:literal,
     $b3:literal : $b2:literal : $b1:literal : $b0:literal) => {
        concat!(
            "muls ", $high, ", ", $other_high, "\n",
            "add ", $b2, ", r0\n",
            "adc ", $b3, ", r1\n",
            "mul ", $low, ", ", $other_low, "\n",
            "add ", $b0, ", r0\n",
            "adc ", $b1, ", r1\n",
            "adc ", $b2, ", r8\n",
            "adc ", $b3, ", r8\n",
            add_cross!($high : $low, $other_high : $other_low, $b3 : $b2 : $b1),
        )
    };
}

/// The products of a high and a low byte, added to what is there from the second byte on.
macro_rules! add_cross {
    ($high:literal : $low:literal, $other_high:literal : $other_low:literal,
     $b3:literal : $b2:literal : $b1:literal) => {
        concat!(
            add_signed_product!($high, $other_low, $b3 : $b2 : $b1),
            add_signed_product!($other_high, $low, $b3 : $b2 : $b1),
        )
    };
}

macro_rules! add_signed_product {
    ($signed:literal, $unsigned:literal, $b3:literal : $b2:literal : $b1:literal) => {
        concat!(
            "mulsu ", $signed, ", ", $unsigned, "\n", "sbc ", $b3, ", r8\n", "add ", $b1, ", r0\n",
            "adc ", $b2, ", r1\n", "adc ", $b3, ", r8\n",
        )
    };
}

/// Twice the number in `$3:$2:$1:$0`, rounded: its upper half is then `(number + 2¹⁴) >> 15`.
macro_rules! round {
    ($b3:literal : $b2:literal : $b1:literal : $b0:literal) => {
        concat!(
            "lsl ", $b0, "\n", "rol ", $b1, "\n", "rol ", $b2, "\n", "rol ", $b3, "\n", "lsl ",
            $b1, "\n", "adc ", $b2, ", r8\n", "adc ", $b3, ", r8\n",
        )
    };
}

/// Turns the number in r21:r20 (re) and r23:r22 (im) back by the angle with the cosine in r17:r16
/// and the sine in r19:r18, each part rounded once: its parts are then in r7:r6 and r5:r4. Zero is
/// in r8; r2 and r3 change, and r21:r20.
macro_rules! rotate {
    () => {
        concat!(
            product!("r21":"r20", "r17":"r16", "r5":"r4":"r3":"r2"),
            add_product!("r23":"r22", "r19":"r18", "r5":"r4":"r3":"r2"),
            round!("r5":"r4":"r3":"r2"),
            "movw r6, r4\n",
            negate!("r21":"r20"),
            product!("r23":"r22", "r17":"r16", "r5":"r4":"r3":"r2"),
            add_product!("r21":"r20", "r19":"r18", "r5":"r4":"r3":"r2"),
            round!("r5":"r4":"r3":"r2"),
        )
    };
}

macro_rules! negate {
    ($high:literal : $low:literal) => {
        concat!(
            "com ", $high, "\n", "neg ", $low, "\n", "sbci ", $high, ", 0xFF\n"
        )
    };
}

/// Bits that a number with that high byte needs, into r10.
macro_rules! observe {
    ($high:literal) => {
        concat!(
            "mov r0, ",
            $high,
            "\n",
            "lsl r0\n",
            "eor r0, ",
            $high,
            "\n",
            "or r10, r0\n",
        )
    };
}

/// Half of a sum or a difference, by `add` and `adc` or `sub` and `sbc`, of 17 bits, into
/// r21:r20; r2 changes.
macro_rules! half {
    ($low:literal $high:literal, $one:literal, $other_high:literal : $other_low:literal) => {
        concat!(
            "movw r20, ",
            $one,
            "\n",
            $low,
            " r20, ",
            $other_low,
            "\n",
            $high,
            " r21, ",
            $other_high,
            "\n",
            // The flag S is the sign, whether 16 bits hold it or not.
            "in r2, 0x3F\n",
            "bst r2, 4\n",
            "asr r21\n",
            "ror r20\n",
            "bld r21, 7\n",
        )
    };
}

/// The square of r21:r20 into r25:r24:r23:r22; r2 changes.
macro_rules! square {
    () => {
        concat!(
            "muls r21, r21\n",
            "movw r24, r0\n",
            "mul r20, r20\n",
            "movw r22, r0\n",
            add_twice_cross!(),
        )
    };
}

/// The same, added to what is there.
macro_rules! add_square {
    () => {
        concat!(
            "muls r21, r21\n",
            "add r24, r0\n",
            "adc r25, r1\n",
            "mul r20, r20\n",
            "add r22, r0\n",
            "adc r23, r1\n",
            "adc r24, r8\n",
            "adc r25, r8\n",
            add_twice_cross!(),
        )
    };
}

macro_rules! add_twice_cross {
    () => {
        concat!(
            "mulsu r21, r20\n",
            "lsl r0\n",
            "rol r1\n",
            "sbc r2, r2\n",
            "add r23, r0\n",
            "adc r24, r1\n",
            "adc r25, r2\n",
        )
    };
}
