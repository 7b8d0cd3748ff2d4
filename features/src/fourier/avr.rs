//! Loops over the numbers of a frame, in assembly for AVR with a multiplier.
//!
//! A product of 16 × 16 bits is four of 8 × 8 (Atmel, AVR201: "Using the AVR Hardware Multiplier").

use core::arch::asm;

/// `(one · other + 2¹⁴) >> 15`.
#[inline(always)]
pub(crate) fn rounded_product(one: i16, other: i16) -> i16 {
    let product: i16;
    // SAFETY: only registers that are named change; r1 is 0 again at the end.
    unsafe {
        asm!(
            "clr r8",
            "muls r17, r19",
            "movw r24, r0",
            "mul r16, r18",
            "movw r22, r0",
            "mulsu r17, r18",
            "sbc r25, r8",
            "add r23, r0",
            "adc r24, r1",
            "adc r25, r8",
            "mulsu r19, r16",
            "sbc r25, r8",
            "add r23, r0",
            "adc r24, r1",
            "adc r25, r8",
            // Twice the product, rounded at its lower half.
            "lsl r22",
            "rol r23",
            "rol r24",
            "rol r25",
            "lsl r23",
            "adc r24, r8",
            "adc r25, r8",
            "clr r1",
            in("r17r16") one,
            in("r19r18") other,
            out("r23r22") _,
            out("r25r24") product,
            out("r8") _,
            options(pure, nomem, nostack),
        );
    }
    product
}

/// `one² + other²`.
#[inline(always)]
pub(crate) fn squares(one: i16, other: i16) -> u32 {
    square(one) + square(other)
}

#[inline(always)]
fn square(of: i16) -> u32 {
    let magnitude = of.unsigned_abs();
    let (low, high): (u16, u16);
    // SAFETY: only registers that are named change; r1 is 0 again at the end.
    unsafe {
        asm!(
            "clr r8",
            "mul r17, r17",
            "movw r24, r0",
            "mul r16, r16",
            "movw r22, r0",
            "mul r16, r17",
            "lsl r0",
            "rol r1",
            "adc r25, r8",
            "add r23, r0",
            "adc r24, r1",
            "adc r25, r8",
            "clr r1",
            in("r17r16") magnitude,
            out("r23r22") low,
            out("r25r24") high,
            out("r8") _,
            options(pure, nomem, nostack),
        );
    }
    u32::from(high) << 16 | u32::from(low)
}

/// `power · share >> 8`.
#[inline(always)]
pub(crate) fn share(power: u32, share: u8) -> u32 {
    let (mut low, mut high) = (power as u16, (power >> 16) as u16);
    // SAFETY: only registers that are named change; r1 is 0 again at the end.
    unsafe {
        asm!(
            "clr r8",
            "mul r20, r16",
            "mov r20, r1",
            "mul r21, r16",
            "mov r21, r1",
            "add r20, r0",
            "adc r21, r8",
            "mul r22, r16",
            "mov r22, r1",
            "add r21, r0",
            "adc r22, r8",
            "mul r23, r16",
            "mov r23, r1",
            "add r22, r0",
            "adc r23, r8",
            "clr r1",
            in("r16") share,
            inout("r21r20") low,
            inout("r23r22") high,
            out("r8") _,
            options(pure, nomem, nostack),
        );
    }
    u32::from(high) << 16 | u32::from(low)
}

/// What [`rotated`] and [`add_rotated_pairs`] do to the number in r21:r20 (re) and r23:r22 (im),
/// by the cosine in r17:r16 and the sine in r19:r18: its parts are then in r7:r6 and r5:r4. Zero
/// is in r8; r2 and r3 change, and r21:r20.
macro_rules! rotate {
    () => {
        "
        muls r21, r17
        movw r4, r0
        mul r20, r16
        movw r2, r0
        mulsu r21, r16
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        mulsu r17, r20
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        muls r23, r19
        add r4, r0
        adc r5, r1
        mul r22, r18
        add r2, r0
        adc r3, r1
        adc r4, r8
        adc r5, r8
        mulsu r23, r18
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        mulsu r19, r22
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        lsl r2
        rol r3
        rol r4
        rol r5
        lsl r3
        adc r4, r8
        adc r5, r8
        movw r6, r4
        com r21
        neg r20
        sbci r21, 0xFF
        muls r23, r17
        movw r4, r0
        mul r22, r16
        movw r2, r0
        mulsu r23, r16
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        mulsu r17, r22
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        muls r21, r19
        add r4, r0
        adc r5, r1
        mul r20, r18
        add r2, r0
        adc r3, r1
        adc r4, r8
        adc r5, r8
        mulsu r21, r18
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        mulsu r19, r20
        sbc r5, r8
        add r3, r0
        adc r4, r1
        adc r5, r8
        lsl r2
        rol r3
        rol r4
        rol r5
        lsl r3
        adc r4, r8
        adc r5, r8
        "
    };
}

/// `number · (cosine − i · sine)`, each part rounded once.
#[inline(never)]
pub(super) fn rotated([re, im]: [i16; 2], cosine: i16, sine: i16) -> [i16; 2] {
    let (turned_re, turned_im): (i16, i16);
    // SAFETY: only registers that are named change; r1 is 0 again at the end.
    unsafe {
        asm!(
            "clr r8",
            rotate!(),
            "clr r1",
            in("r17r16") cosine,
            in("r19r18") sine,
            inout("r21r20") re => _,
            in("r23r22") im,
            out("r3r2") _,
            out("r5r4") turned_im,
            out("r7r6") turned_re,
            out("r8") _,
            options(pure, nomem, nostack),
        );
    }
    [turned_re, turned_im]
}

/// Bits that samples need: `x ^ 2x` of all high bytes, or-ed.
#[inline(never)]
pub(super) fn peak<const FRAME: usize>(samples: &[i16; FRAME]) -> u8 {
    let peak: u8;
    // SAFETY: reads FRAME / 8 times 16 bytes, which are the samples.
    unsafe {
        asm!(
            "clr {peak}",
            "2:",
            "ldd {high}, Z+1", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+3", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+5", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+7", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+9", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+11", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+13", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "ldd {high}, Z+15", "mov r0, {high}", "lsl r0", "eor r0, {high}", "or {peak}, r0",
            "adiw r30, 16",
            "dec {left}",
            "brne 2b",
            peak = out(reg) peak,
            high = out(reg) _,
            left = inout(reg) (FRAME / 8) as u8 => _,
            inout("Z") samples.as_ptr() => _,
            options(readonly, nostack),
        );
    }
    peak
}

/// Halves every sample, rounded down.
#[inline(never)]
pub(crate) fn halve<const FRAME: usize>(samples: &mut [i16; FRAME]) {
    // SAFETY: reads and writes FRAME / 4 times 8 bytes, which are the samples.
    unsafe {
        asm!(
            "2:",
            "ldd r0, Z+1", "asr r0", "std Z+1, r0", "ld r0, Z", "ror r0", "st Z, r0",
            "ldd r0, Z+3", "asr r0", "std Z+3, r0", "ldd r0, Z+2", "ror r0", "std Z+2, r0",
            "ldd r0, Z+5", "asr r0", "std Z+5, r0", "ldd r0, Z+4", "ror r0", "std Z+4, r0",
            "ldd r0, Z+7", "asr r0", "std Z+7, r0", "ldd r0, Z+6", "ror r0", "std Z+6, r0",
            "adiw r30, 8",
            "dec {left}",
            "brne 2b",
            left = inout(reg) (FRAME / 4) as u8 => _,
            inout("Z") samples.as_mut_ptr() => _,
            options(nostack),
        );
    }
}

/// The sums and differences of numbers, `$half` apart, the second one of each pair turned by
/// `$turn`: the pair at `$first` of each group of `2 · $half`.
macro_rules! pairs {
    ($samples:ident, $half:ident, $step:ident, $first:expr, $cosine:expr, $sine:expr, $($turn:expr),+) => {{
        let first = $samples.as_mut_ptr().wrapping_add(2 * $first);
        let second = first.wrapping_add(2 * $half);
        // SAFETY: a stage has `step / 2` groups, `8 · half` bytes apart, so that all pairs
        // are within the samples. Y, which the compiler keeps for itself, is given back, and r1 is
        // 0 again.
        unsafe {
            asm!(
                "push r28",
                "push r29",
                "movw r28, r26",
                "clr r8",
                "2:",
                "ld r20, Y", "ldd r21, Y+1", "ldd r22, Y+2", "ldd r23, Y+3",
                $($turn,)+
                "ld r2, Z", "ldd r3, Z+1",
                "movw r20, r2",
                "add r2, r6", "adc r3, r7",
                "sub r20, r6", "sbc r21, r7",
                "st Z, r2", "std Z+1, r3", "st Y, r20", "std Y+1, r21",
                "ldd r2, Z+2", "ldd r3, Z+3",
                "movw r20, r2",
                "add r2, r4", "adc r3, r5",
                "sub r20, r4", "sbc r21, r5",
                "std Z+2, r2", "std Z+3, r3", "std Y+2, r20", "std Y+3, r21",
                "add r30, r24", "adc r31, r25",
                "add r28, r24", "adc r29, r25",
                "dec r9",
                // Further than a branch reaches.
                "breq 3f",
                "rjmp 2b",
                "3:",
                "pop r29",
                "pop r28",
                "clr r1",
                inout("Z") first => _,
                inout("X") second => _,
                in("r25r24") (8 * $half) as u16,
                inout("r9") ($step / 2) as u8 => _,
                in("r17r16") $cosine,
                in("r19r18") $sine,
                out("r3r2") _,
                out("r5r4") _,
                out("r7r6") _,
                out("r8") _,
                out("r21r20") _,
                out("r23r22") _,
            );
        }
    }};
}

/// The pairs of a stage whose second number stays as it is: the first of each group.
#[inline(never)]
pub(super) fn add_pairs<const FRAME: usize>(samples: &mut [i16; FRAME], half: usize, step: usize) {
    pairs!(
        samples,
        half,
        step,
        0,
        0_i16,
        0_i16,
        "movw r6, r20",
        "movw r4, r22"
    );
}

/// Those whose second number is turned by a quarter: in the middle of each half.
#[inline(never)]
pub(super) fn add_turned_pairs<const FRAME: usize>(
    samples: &mut [i16; FRAME],
    half: usize,
    step: usize,
) {
    pairs!(
        samples,
        half,
        step,
        half / 2,
        0_i16,
        0_i16,
        "movw r6, r22",
        "com r21",
        "neg r20",
        "sbci r21, 0xFF",
        "movw r4, r20"
    );
}

/// Those at `turn`, whose second number is turned by an angle.
#[inline(never)]
pub(super) fn add_rotated_pairs<const FRAME: usize>(
    samples: &mut [i16; FRAME],
    half: usize,
    step: usize,
    turn: usize,
    [cosine, sine]: [i16; 2],
) {
    pairs!(samples, half, step, turn, cosine, sine, rotate!());
}
