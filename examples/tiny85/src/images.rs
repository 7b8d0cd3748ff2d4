//! Images in flash: drawn digits in black and white, packed by `build.rs`.

/// Pixels in an image.
const PIXELS: usize = 28 * 28;
/// Bytes in an image, of eight pixels each.
const PACKED_BYTES: usize = PIXELS / 8;

/// On AVR a constant would be copied to SRAM, of which there are 512 bytes; what lies in this
/// section stays in flash, from where `lpm` reads it.
#[cfg_attr(target_arch = "avr", unsafe(link_section = ".progmem.data"))]
static PACKED: [u8; include_bytes!(concat!(env!("OUT_DIR"), "/images")).len()] =
    *include_bytes!(concat!(env!("OUT_DIR"), "/images"));

/// The images, one of each digit, from 0 up: their grey levels, row by row.
pub fn images() -> impl Iterator<Item = impl Iterator<Item = u8>> {
    let images = PACKED.as_chunks::<PACKED_BYTES>().0.iter();
    images.map(|image| image.iter().flat_map(unpack))
}

/// Eight grey levels.
fn unpack(packed: &'static u8) -> impl Iterator<Item = u8> {
    let mut bits = read(packed);
    (0..8).map(move |_| {
        let level = if bits & 1 == 1 { 0xFF } else { 0 };
        bits >>= 1;
        level
    })
}

/// The byte that lies in flash.
#[cfg(target_arch = "avr")]
fn read(byte: &'static u8) -> u8 {
    let value;
    // SAFETY: the reference is to a byte of `PACKED`, whose address is one in flash, of which all
    // 8 KB are in the reach of `lpm`; reading it changes nothing.
    unsafe {
        core::arch::asm!(
            "lpm {value}, Z",
            value = out(reg) value,
            in("Z") core::ptr::from_ref(byte),
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    value
}

#[cfg(not(target_arch = "avr"))]
fn read(byte: &'static u8) -> u8 {
    *byte
}
