//! The accelerometer of an MPU-6050 on the two-wire bus, which measures what a recording says
//! (InvenSense, "MPU-6000 and MPU-6050 Register Map and Descriptions", RM-MPU-6000A-00, revision
//! 4.2).

use crate::two_wire::Peripheral;

/// With its pin AD0 low.
const ADDRESS: u8 = 0x68;

const SMPLRT_DIV: u8 = 0x19;
const CONFIG: u8 = 0x1A;
const ACCEL_CONFIG: u8 = 0x1C;
const INT_ENABLE: u8 = 0x38;
const ACCEL_XOUT_H: u8 = 0x3B;
const PWR_MGMT_1: u8 = 0x6B;
const WHO_AM_I: u8 = 0x75;
const REGISTERS: u8 = 0x76;

/// Bit of [`PWR_MGMT_1`]: set after power-on.
const SLEEP: u8 = 1 << 6;
/// Bit of [`INT_ENABLE`].
const DATA_READY: u8 = 1;

/// An MPU-6050 that plays samples.
pub struct Mpu6050 {
    registers: [u8; REGISTERS as usize],
    /// What a transfer reads: the sensor keeps the registers of a sample together.
    read: [u8; REGISTERS as usize],
    /// The register that is written or read next; none before a transfer has named one.
    next: Option<u8>,
}

impl Default for Mpu6050 {
    fn default() -> Self {
        Self::new()
    }
}

impl Mpu6050 {
    /// One that has just got power: it sleeps.
    #[must_use]
    pub fn new() -> Self {
        let mut registers = [0; REGISTERS as usize];
        registers[usize::from(PWR_MGMT_1)] = SLEEP;
        registers[usize::from(WHO_AM_I)] = ADDRESS;
        Self {
            registers,
            read: registers,
            next: None,
        }
    }

    /// Whether it measures, and raises INT for every sample.
    #[must_use]
    pub fn measures(&self) -> bool {
        self.register(PWR_MGMT_1) & SLEEP == 0 && self.register(INT_ENABLE) & DATA_READY != 0
    }

    /// Microseconds from one sample to the next, as it was set.
    #[must_use]
    pub fn microseconds_per_sample(&self) -> u64 {
        // 8 kHz with the low-pass filter off.
        let base = match self.register(CONFIG) & 7 {
            0 | 7 => 125,
            _ => 1000,
        };
        base * (1 + u64::from(self.register(SMPLRT_DIV)))
    }

    /// Measures an acceleration along x, y and z, in counts of 1/8192 g: that becomes counts of the
    /// range that was set.
    pub fn measure(&mut self, sample: [i16; 3]) {
        // The range is 2 g, 4 g, 8 g or 16 g: 16384 counts a g, 8192, …
        let range = (self.register(ACCEL_CONFIG) >> 3) & 3;
        let first = usize::from(ACCEL_XOUT_H);
        let places = self.registers[first..][..6].chunks_exact_mut(2);
        for (place, axis) in places.zip(sample) {
            let counts = (i32::from(axis) * 2) >> range;
            let counts = counts.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            place.copy_from_slice(&counts.to_be_bytes());
        }
    }

    fn register(&self, number: u8) -> u8 {
        self.registers[usize::from(number)]
    }
}

impl Peripheral for Mpu6050 {
    fn address(&self) -> u8 {
        ADDRESS
    }

    fn start(&mut self, reads: bool) {
        if reads {
            self.read = self.registers;
        } else {
            self.next = None;
        }
    }

    fn write(&mut self, byte: u8) -> bool {
        match self.next {
            None => self.next = Some(byte),
            Some(register) => {
                let is_fixed =
                    (ACCEL_XOUT_H..ACCEL_XOUT_H + 14).contains(&register) || register == WHO_AM_I;
                let place = self.registers.get_mut(usize::from(register));
                if let Some(place) = place.filter(|_| !is_fixed) {
                    *place = byte;
                }
                self.next = Some(register.wrapping_add(1));
            }
        }
        true
    }

    fn read(&mut self) -> u8 {
        let register = self.next.unwrap_or(0);
        self.next = Some(register.wrapping_add(1));
        self.read.get(usize::from(register)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_is_set_up_gives_the_counts_of_its_range() {
        let mut sensor = Mpu6050::new();
        assert!(!sensor.measures());
        for (register, value) in [
            (PWR_MGMT_1, 1),
            (CONFIG, 4),
            (SMPLRT_DIV, 19),
            (INT_ENABLE, 1),
        ] {
            sensor.start(false);
            assert!(sensor.write(register) && sensor.write(value));
        }
        assert!(sensor.measures());
        assert_eq!(sensor.microseconds_per_sample(), 20_000);
        for (range, expected) in [(0, [2000_i16, -2000, i16::MAX]), (1, [1000, -1000, 20_000])] {
            sensor.start(false);
            assert!(sensor.write(ACCEL_CONFIG) && sensor.write(range << 3));
            sensor.measure([1000, -1000, 20_000]);
            sensor.start(false);
            assert!(sensor.write(ACCEL_XOUT_H));
            sensor.start(true);
            // Its registers do not change while they are read.
            sensor.measure([0; 3]);
            let read = expected.map(|_| i16::from_be_bytes([sensor.read(), sensor.read()]));
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn who_it_is_and_what_it_measures_cannot_be_written() {
        let mut sensor = Mpu6050::new();
        sensor.start(false);
        assert!(sensor.write(WHO_AM_I) && sensor.write(1));
        sensor.start(false);
        assert!(sensor.write(WHO_AM_I));
        sensor.start(true);
        assert_eq!(sensor.read(), ADDRESS);
    }
}
