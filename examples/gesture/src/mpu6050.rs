//! The accelerometer of an MPU-6050, by its registers (InvenSense, "MPU-6000 and MPU-6050 Register
//! Map and Descriptions", RM-MPU-6000A-00, revision 4.2).

use crate::twi;

/// With its pin AD0 low.
const ADDRESS: u8 = 0x68;

/// Samples a second are 1 kHz / (1 + this), while the low-pass filter is on.
const SMPLRT_DIV: u8 = 0x19;
/// The low-pass filter, bits 0 to 2.
const CONFIG: u8 = 0x1A;
/// The range, bits 3 and 4.
const ACCEL_CONFIG: u8 = 0x1C;
/// What INT is raised for: bit 0, a sample is ready.
const INT_ENABLE: u8 = 0x38;
/// The first of six registers with the acceleration along x, y and z, high bytes first.
const ACCEL_XOUT_H: u8 = 0x3B;
/// Bit 6, sleep, is set after power-on; bits 0 to 2 choose the clock.
const PWR_MGMT_1: u8 = 0x6B;
/// Always 0x68, whatever AD0 is.
const WHO_AM_I: u8 = 0x75;

/// What [`open`] writes.
const SETTINGS: [[u8; 2]; 5] = [
    // Awake, clocked by the gyroscope's oscillator about x, which the map recommends.
    [PWR_MGMT_1, 1],
    // 50 samples a second.
    [SMPLRT_DIV, 19],
    // Nothing above 21 Hz.
    [CONFIG, 4],
    // 4 g: 8192 counts a g.
    [ACCEL_CONFIG, 1 << 3],
    [INT_ENABLE, 1],
];

/// Lets the sensor measure; `None` where there is no MPU-6050.
#[inline(never)]
pub(crate) fn open() -> Option<()> {
    let [who] = read(WHO_AM_I)?;
    if who != 0x68 {
        return None;
    }
    for [register, value] in SETTINGS {
        twi::start(ADDRESS << 1)?;
        twi::write(register)?;
        twi::write(value)?;
        twi::stop();
    }
    Some(())
}

/// The acceleration along x, y and z, as counts in two's complement.
#[inline(never)]
pub(crate) fn acceleration() -> Option<[u16; 3]> {
    let [x_high, x_low, y_high, y_low, z_high, z_low] = read(ACCEL_XOUT_H)?;
    Some([
        u16::from_be_bytes([x_high, x_low]),
        u16::from_be_bytes([y_high, y_low]),
        u16::from_be_bytes([z_high, z_low]),
    ])
}

/// The registers from that one on. The sensor keeps a sample's six together while they are read at
/// once.
#[inline(always)]
fn read<const COUNT: usize>(register: u8) -> Option<[u8; COUNT]> {
    let mut values = [0; COUNT];
    twi::start(ADDRESS << 1)?;
    twi::write(register)?;
    twi::start(ADDRESS << 1 | 1)?;
    let mut left = COUNT;
    for value in &mut values {
        left -= 1;
        *value = twi::read(left > 0)?;
    }
    twi::stop();
    Some(values)
}
