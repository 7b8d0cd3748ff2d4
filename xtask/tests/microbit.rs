//! Models of TensorFlow Lite on a BBC micro:bit v1, in qemu. `cargo xtask test` runs this test;
//! `cargo test` alone ignores it, as it installs and builds what it needs.

use xtask::microbit::{SRAM_BYTES, measure};
use xtask::paths;

/// Of MLPerf Tiny's four networks those that a chip with 16 KB of SRAM runs.
const MLPERF: [&str; 3] = [
    "mlperf_kws_dscnn",
    "mlperf_ic_resnet8",
    "mlperf_vww_mobilenet",
];

// One test: there is one firmware, which is built with one model after the other.
#[test]
#[ignore = "installs qemu and builds firmware; run by cargo xtask test"]
fn models_answer_as_on_this_machine_in_16_kilobytes() {
    let small = measure(&paths::root().join("tests/models/branches.tflite"), 20).unwrap();
    assert!(small.sram_bytes() < 1_500, "{small:?}");
    let models = paths::shared().join("tflite/models");
    if !models.is_dir() {
        println!("skipped: {} is absent", models.display());
        return;
    }
    for name in MLPERF {
        let measured = measure(&models.join(format!("{name}.tflite")), 2).unwrap();
        assert!(measured.sram_bytes() <= SRAM_BYTES, "{name}: {measured:?}");
    }
}
