//! Loops over single samples, and over the powers of bins.

use core::arch::asm;

/// A power of two, at least 2⁻⁷, that samples are multiplied by.
pub(crate) struct Scaling {
    factor: u8,
    /// Bit 0: the product is to be shifted down by a byte; bit 1: the samples up, before.
    shifts: u8,
}

impl Scaling {
    /// 2^−`exponent`.
    #[inline(always)]
    pub(crate) fn new(exponent: i8) -> Self {
        let up = exponent.wrapping_neg();
        Self {
            factor: 1 << (up & 7),
            shifts: if up < 0 {
                1
            } else if up > 7 {
                2
            } else {
                0
            },
        }
    }
}

/// Multiplies the sample in `$high:$low` by the scaling, into r17:r16, and by r19:r18, into r5:r4.
macro_rules! weigh {
    ($high:literal : $low:literal) => {
        concat!(
            "sbrs r11, 1\n",
            "rjmp 2f\n",
            "mov ", $high, ", ", $low, "\n",
            "clr ", $low, "\n",
            "2:\n",
            "mul ", $low, ", r22\n",
            "sbrs r11, 0\n",
            "rjmp 3f\n",
            "mov r9, r1\n",
            "mulsu ", $high, ", r22\n",
            "movw r16, r0\n",
            "add r16, r9\n",
            "adc r17, r8\n",
            "rjmp 4f\n",
            "3:\n",
            "movw r16, r0\n",
            "mul ", $high, ", r22\n",
            "add r17, r0\n",
            "4:\n",
            product!("r17":"r16", "r19":"r18", "r5":"r4":"r3":"r2"),
            round!("r5":"r4":"r3":"r2"),
        )
    };
}

/// Multiplies two samples by the scaling, and by `weight`: `(sample · weight + 2¹⁴) >> 15`.
#[inline(always)]
pub(crate) fn weigh<const FRAME: usize>(
    samples: &mut [i16; FRAME],
    [one, other]: [usize; 2],
    weight: i16,
    scaling: &Scaling,
) {
    if one >= FRAME || other >= FRAME {
        return;
    }
    // SAFETY: reads and writes two samples, which are there. r1 is 0 again.
    unsafe {
        asm!(
            "clr r8",
            "ld r20, Z", "ldd r21, Z+1",
            weigh!("r21":"r20"),
            "st Z, r4", "std Z+1, r5",
            "ld r20, X+", "ld r21, X",
            weigh!("r21":"r20"),
            "st X, r5", "st -X, r4",
            "clr r1",
            in("Z") samples.as_mut_ptr().wrapping_add(one),
            inout("X") samples.as_mut_ptr().wrapping_add(other) => _,
            in("r19r18") weight,
            in("r22") scaling.factor,
            in("r11") scaling.shifts,
            out("r8") _,
            out("r9") _,
            out("r3r2") _,
            out("r5r4") _,
            out("r17r16") _,
            out("r21r20") _,
            options(nostack),
        );
    }
}

/// The sum of all samples.
#[inline(always)]
pub(crate) fn sum<const FRAME: usize>(samples: &[i16; FRAME]) -> i32 {
    // A sum of as many fits 24 bits.
    const MOST: usize = 256;
    let mut total = 0;
    let mut first = 0;
    while first < FRAME {
        let (low, middle, high): (u8, u8, u8);
        // SAFETY: reads as many samples from `first` on, which are there: FRAME is a multiple of
        // MOST, or less.
        unsafe {
            asm!(
                "2:",
                "ld {part}, Z+",
                "add {low}, {part}",
                "ld {part}, Z+",
                "adc {middle}, {part}",
                "adc {high}, r1",
                "sbrc {part}, 7",
                "dec {high}",
                "dec {left}",
                "brne 2b",
                part = out(reg) _,
                low = inout(reg) 0_u8 => low,
                middle = inout(reg) 0_u8 => middle,
                high = inout(reg) 0_u8 => high,
                left = inout(reg) (if FRAME < MOST { FRAME } else { MOST }) as u8 => _,
                inout("Z") samples.as_ptr().wrapping_add(first) => _,
                options(readonly, nostack),
            );
        }
        let sign = (high as i8 >> 7) as u8;
        total += i32::from_le_bytes([low, middle, high, sign]);
        first += MOST;
    }
    total
}

/// Subtracts `mean` from all samples; gives a number with as many bits as the widest of them, less
/// its sign.
#[inline(always)]
pub(crate) fn centre<const FRAME: usize>(samples: &mut [i16; FRAME], mean: i16) -> u16 {
    let peak: u16;
    // SAFETY: reads and writes FRAME / 2 times two samples, which are there.
    unsafe {
        asm!(
            "clr r24",
            "clr r25",
            "2:",
            ".rept 2",
            "ld r20, Z",
            "ldd r21, Z+1",
            "sub r20, r18",
            "sbc r21, r19",
            "brvc 4f",
            // Held within 16 bits: the other sign's end.
            "ldi r20, 0xFF",
            "ldi r21, 0x7F",
            "brmi 4f",
            "com r20",
            "com r21",
            "4:",
            "st Z+, r20",
            "st Z+, r21",
            "mov r0, r21",
            "lsl r0",
            "sbc r0, r0",
            "eor r20, r0",
            "eor r21, r0",
            "or r24, r20",
            "or r25, r21",
            ".endr",
            "dec {left}",
            "brne 2b",
            left = inout(reg) (FRAME / 2) as u8 => _,
            inout("Z") samples.as_mut_ptr() => _,
            in("r19r18") mean,
            out("r21r20") _,
            out("r25r24") peak,
            options(nostack),
        );
    }
    peak
}

/// Halves every sample, rounded down.
#[inline(never)]
pub(in crate::fourier) fn halve<const FRAME: usize>(samples: &mut [i16; FRAME]) {
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

/// Divides the power at `place`, shifted down by `shift` bits, among two bands: `share` 256ths go
/// to `begun`, and the rest to `ended`.
#[inline(always)]
pub(crate) fn divide<const FRAME: usize>(
    samples: &[i16; FRAME],
    place: usize,
    shift: u8,
    share: u8,
    begun: &mut u32,
    ended: &mut u32,
) {
    if place >= FRAME - 1 {
        return;
    }
    let halves = |of: u32| (of as u16, (of >> 16) as u16);
    let (begun_low, begun_high) = halves(*begun);
    let (ended_low, ended_high) = halves(*ended);
    let (new_begun_low, new_begun_high, new_ended_low, new_ended_high): (u16, u16, u16, u16);
    // SAFETY: reads two samples, which are there. r1 is 0 again.
    unsafe {
        asm!(
            "clr r8",
            "ld r20, Z", "ldd r21, Z+1", "ldd r22, Z+2", "ldd r23, Z+3",
            "rjmp 3f",
            "2:",
            "lsr r23", "ror r22", "ror r21", "ror r20",
            "3:",
            "dec r17",
            "brpl 2b",
            "mul r20, r16", "mov r2, r1",
            "mul r21, r16", "mov r3, r1",
            "add r2, r0", "adc r3, r8",
            "mul r22, r16", "mov r4, r1",
            "add r3, r0", "adc r4, r8",
            "mul r23, r16", "mov r5, r1",
            "add r4, r0", "adc r5, r8",
            "sub r20, r2", "sbc r21, r3", "sbc r22, r4", "sbc r23, r5",
            "add r10, r2", "adc r11, r3", "adc r12, r4", "adc r13, r5",
            "add r24, r20", "adc r25, r21", "adc r26, r22", "adc r27, r23",
            "clr r1",
            in("Z") samples.as_ptr().wrapping_add(place),
            in("r16") share,
            inout("r17") shift => _,
            inout("r11r10") begun_low => new_begun_low,
            inout("r13r12") begun_high => new_begun_high,
            inout("r25r24") ended_low => new_ended_low,
            inout("X") ended_high => new_ended_high,
            out("r8") _,
            out("r3r2") _,
            out("r5r4") _,
            out("r21r20") _,
            out("r23r22") _,
            options(readonly, nostack),
        );
    }
    let whole = |low: u16, high: u16| u32::from(high) << 16 | u32::from(low);
    *begun = whole(new_begun_low, new_begun_high);
    *ended = whole(new_ended_low, new_ended_high);
}
