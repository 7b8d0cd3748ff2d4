//! Loops over the numbers of a frame, in assembly for AVR with a multiplier.

#[macro_use]
mod product;
mod sample;

use core::arch::asm;

use super::Turning;
pub(super) use sample::halve;
pub(crate) use sample::{Scaling, centre, divide, sum, weigh};

/// Moves each complex number to the place whose index has the same bits in reverse order.
#[inline(never)]
pub(super) fn reorder<const FRAME: usize>(samples: &mut [i16; FRAME]) {
    // SAFETY: swaps numbers of which both indices are below FRAME / 2.
    unsafe {
        asm!(
            "2:",
            "mov r0, {index}",
            ".rept {bits}",
            "lsr r0",
            "rol {reversed}",
            ".endr",
            // Bits of the index before stay above those of this one.
            ".if {bits} < 8",
            "andi {reversed}, (1 << {bits}) - 1",
            ".endif",
            "cp {index}, {reversed}",
            "brsh 3f",
            "mov r30, {index}",
            "clr r31",
            "lsl r30", "rol r31", "lsl r30", "rol r31",
            "add r30, {low}", "adc r31, {high}",
            "mov r26, {reversed}",
            "clr r27",
            "lsl r26", "rol r27", "lsl r26", "rol r27",
            "add r26, {low}", "adc r27, {high}",
            "ld {one}, Z", "ld r0, X", "st X+, {one}", "st Z, r0",
            "ldd {one}, Z+1", "ld r0, X", "st X+, {one}", "std Z+1, r0",
            "ldd {one}, Z+2", "ld r0, X", "st X+, {one}", "std Z+2, r0",
            "ldd {one}, Z+3", "ld r0, X", "st X+, {one}", "std Z+3, r0",
            "3:",
            "inc {index}",
            "cpi {index}, {last}",
            "brne 2b",
            index = inout(reg_upper) 1_u8 => _,
            reversed = inout(reg_upper) 0_u8 => _,
            one = out(reg) _,
            low = in(reg) samples.as_mut_ptr().addr() as u8,
            high = in(reg) (samples.as_mut_ptr().addr() >> 8) as u8,
            bits = const FRAME.trailing_zeros() - 1,
            // The last one stays where it is.
            last = const FRAME / 2 - 1,
            out("X") _,
            out("Z") _,
            options(nostack),
        );
    }
}

/// The sums and differences of pairs; gives bits that they need: `x ^ 2x` of all high bytes,
/// or-ed.
#[inline(always)]
pub(super) fn add_pairs<const FRAME: usize>(samples: &mut [i16; FRAME], turning: &Turning) -> u8 {
    let first = samples.as_mut_ptr().wrapping_add(2 * turning.turn);
    let peak: u8;
    // SAFETY: there are `groups` groups, `8 · half` bytes apart, of which both pairs are, so that
    // all numbers are within the samples. r1 is 0 again.
    unsafe {
        asm!(
            "clr r8",
            "clr r10",
            // The pairs at `turn`, then those half of `half` further on.
            "2:",
            "push r30",
            "push r31",
            "movw r26, r24", "lsr r27", "ror r26",
            "add r26, r30", "adc r27, r31",
            "mov r9, r12",
            "3:",
            "ld r20, X+", "ld r21, X+", "ld r22, X+", "ld r23, X+",
            "sbiw r26, 4",
            "sbrs r11, 0",
            "rjmp 4f",
            "asr r21", "ror r20", "asr r23", "ror r22",
            "4:",
            "sbrs r11, 1",
            "rjmp 5f",
            // A quarter of a turn back.
            "movw r2, r20", "movw r20, r22", "movw r22, r2",
            negate!("r23":"r22"),
            "5:",
            "movw r6, r20", "movw r4, r22",
            "mov r2, r18", "or r2, r19",
            "brne 6f",
            "rjmp 7f",
            "6:",
            rotate!(),
            "7:",
            "ld r2, Z", "ldd r3, Z+1", "ldd r20, Z+2", "ldd r21, Z+3",
            "sbrs r11, 0",
            "rjmp 8f",
            "asr r3", "ror r2", "asr r21", "ror r20",
            "8:",
            "movw r22, r2",
            "add r2, r6", "adc r3, r7",
            "sub r22, r6", "sbc r23, r7",
            "st Z, r2", "std Z+1, r3", "st X+, r22", "st X+, r23",
            observe!("r3"),
            observe!("r23"),
            "movw r22, r20",
            "add r20, r4", "adc r21, r5",
            "sub r22, r4", "sbc r23, r5",
            "std Z+2, r20", "std Z+3, r21", "st X+, r22", "st X, r23",
            "sbiw r26, 3",
            observe!("r21"),
            observe!("r23"),
            "add r30, r24", "adc r31, r25",
            "add r26, r24", "adc r27, r25",
            "dec r9",
            // Further than a branch reaches.
            "breq 9f",
            "rjmp 3b",
            "9:",
            "pop r31",
            "pop r30",
            "sbrc r11, 1",
            "rjmp 22f",
            "movw r26, r24", "lsr r27", "ror r26", "lsr r27", "ror r26",
            // Where `half` is 1 there are none.
            "sbrc r26, 1",
            "rjmp 22f",
            "add r30, r26", "adc r31, r27",
            "inc r11", "inc r11",
            "rjmp 2b",
            "22:",
            "clr r1",
            inout("Z") first => _,
            out("X") _,
            in("r25r24") (8 * turning.half) as u16,
            in("r12") turning.groups as u8,
            inout("r11") u8::from(turning.is_halved) => _,
            in("r17r16") turning.cosine,
            in("r19r18") turning.sine,
            out("r10") peak,
            out("r9") _,
            out("r8") _,
            out("r3r2") _,
            out("r5r4") _,
            out("r7r6") _,
            out("r21r20") _,
            out("r23r22") _,
        );
    }
    peak
}

/// From the spectrum of half as many complex numbers to the powers of the samples' spectrum: those
/// of `bin` and of the one as far from the end.
#[inline(always)]
pub(super) fn separate<const FRAME: usize>(
    samples: &mut [i16; FRAME],
    bin: usize,
    [cosine, sine]: [i16; 2],
) {
    let low = samples.as_mut_ptr().wrapping_add(2 * bin);
    let high = samples.as_mut_ptr().wrapping_add(FRAME - 2 * bin);
    // SAFETY: reads and writes the two numbers. r1 is 0 again.
    unsafe {
        asm!(
            "clr r8",
            "ld r12, Z", "ldd r13, Z+1", "ldd r14, Z+2", "ldd r15, Z+3",
            "ld r2, X+", "ld r3, X+", "ld r4, X+", "ld r5, X+",
            "sbiw r26, 4",
            // Twice the spectra of the samples at even places, in r13:r12 and r15:r14, and at odd
            // ones, in r21:r20 and r23:r22.
            "movw r20, r12", "sub r20, r2", "sbc r21, r3",
            "movw r22, r14", "add r22, r4", "adc r23, r5",
            "add r12, r2", "adc r13, r3",
            "sub r14, r4", "sbc r15, r5",
            rotate!(),
            half!("add" "adc", "r12", "r5":"r4"),
            square!(),
            half!("sub" "sbc", "r14", "r7":"r6"),
            add_square!(),
            "st Z, r22", "std Z+1, r23", "std Z+2, r24", "std Z+3, r25",
            half!("sub" "sbc", "r12", "r5":"r4"),
            square!(),
            half!("add" "adc", "r14", "r7":"r6"),
            add_square!(),
            "st X+, r22", "st X+, r23", "st X+, r24", "st X, r25",
            "clr r1",
            in("Z") low,
            inout("X") high => _,
            in("r17r16") cosine,
            in("r19r18") sine,
            out("r8") _,
            out("r3r2") _,
            out("r5r4") _,
            out("r7r6") _,
            out("r13r12") _,
            out("r15r14") _,
            out("r21r20") _,
            out("r23r22") _,
            out("r25r24") _,
            options(nostack),
        );
    }
}

/// The power of the bin in the middle, which is as far from both ends.
#[inline(always)]
pub(super) fn square_middle<const FRAME: usize>(samples: &mut [i16; FRAME]) {
    // SAFETY: reads and writes the number in the middle. r1 is 0 again.
    unsafe {
        asm!(
            "clr r8",
            "ld r20, Z", "ldd r21, Z+1",
            square!(),
            "ldd r20, Z+2", "ldd r21, Z+3",
            add_square!(),
            "st Z, r22", "std Z+1, r23", "std Z+2, r24", "std Z+3, r25",
            "clr r1",
            in("Z") samples.as_mut_ptr().wrapping_add(FRAME / 2),
            out("r8") _,
            out("r2") _,
            out("r21r20") _,
            out("r23r22") _,
            out("r25r24") _,
            options(nostack),
        );
    }
}
