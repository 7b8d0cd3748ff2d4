//! What features take besides the network.

use super::Footprint;
use crate::declaration::Declaration;
use crate::features::{Features, RowValues};

/// Stack of features and of `push_raw`, return addresses included, in bytes: measured on the
/// ATmega328P at `opt-level = 2`, and a quarter more.
const AVR_STACK_BYTES: u32 = 96;
/// The same where registers have 32 bits.
const STACK_BYTES: u32 = 256;
/// What of that is there while the network computes.
const BELOW_NETWORK_BYTES: u32 = 32;
/// Code of features of sound on AVR, in bytes: measured, and a tenth more.
const AVR_CODE_BYTES: u64 = 4450;
/// The same of a cosine transform, on top.
const AVR_TRANSFORM_CODE_BYTES: u64 = 270;
/// Code of statistics on AVR, in bytes: measured, and a tenth more.
const AVR_STATISTICS_CODE_BYTES: u64 = 2340;

/// Bytes of the samples of a frame, with those that begin the next one.
pub(super) fn state_bytes(declaration: &Declaration) -> u32 {
    let bytes = declaration.network.features();
    let bytes = bytes.map_or(0, Features::frame_bytes);
    match declaration.budget.has_32_bit_registers() {
        _ if bytes == 0 => 0,
        false => bytes,
        // They are aligned to two bytes.
        true => bytes + 2,
    }
}

/// Adds the stack and the flash of features.
pub(super) fn add_to(declaration: &Declaration, footprint: &mut Footprint) {
    if declaration.network.features().is_none() {
        return;
    }
    let stack_bytes = match declaration.budget.has_32_bit_registers() {
        false => AVR_STACK_BYTES,
        true => STACK_BYTES,
    };
    footprint.stack_bytes = stack_bytes.max(footprint.stack_bytes + BELOW_NETWORK_BYTES);
    footprint.flash_bytes += features_flash_bytes(declaration);
}

/// The flash of features: their tables, and on AVR their code too.
pub(crate) fn features_flash_bytes(declaration: &Declaration) -> u64 {
    let Some(features) = declaration.network.features() else {
        return 0;
    };
    let code_bytes = match declaration.budget.has_32_bit_registers() {
        false => match features {
            Features::Mel(mel) => match mel.values {
                RowValues::Bands => AVR_CODE_BYTES,
                RowValues::Coefficients(_) => AVR_CODE_BYTES + AVR_TRANSFORM_CODE_BYTES,
            },
            Features::Statistics(_) => AVR_STATISTICS_CODE_BYTES,
        },
        // Elsewhere flash counts tables alone.
        true => 0,
    };
    u64::from(features.table_bytes()) + code_bytes
}
