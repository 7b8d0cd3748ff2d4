use std::fs;
use std::path::Path;

use herringbone_dataset::{InputShape, Values};
use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::TempDir;

use super::{Read as _, open_any, open_with};

fn write(path: &Path, bits: u16, channels: u16, rate: u32, samples: &[i32]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: SampleFormat::Int,
    };
    let mut file = WavWriter::create(path, spec).unwrap();
    samples
        .iter()
        .for_each(|&it| file.write_sample(it).unwrap());
    file.finalize().unwrap();
}

fn sounds() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("no/1.wav"), 16, 1, 8000, &[100, -200, 300, -32768]);
    write(&path("no/2.wav"), 8, 1, 8000, &[-128, 127]);
    write(
        &path("yes/1.wav"),
        16,
        2,
        8000,
        &[100, 300, -50, 50, 7, 9, 1, 1, 5, 5],
    );
    write(&path("zero/1.wav"), 16, 1, 16_000, &[1000; 12]);
    folder
}

#[test]
fn sounds_are_counts_of_sixteen_bits_mixed_resampled_and_as_long_as_the_input() {
    let folder = sounds();
    let shape = InputShape {
        height: 2,
        width: 2,
        channels: 1,
    };
    let source = open_with(folder.path(), shape, &Default::default()).unwrap();
    assert_eq!(source.class_names(), ["no", "yes", "zero"]);
    let numbers = source.numbers();
    assert_eq!(numbers[..4], [100.0, -200.0, 300.0, -32768.0]);
    assert_eq!(numbers[4..8], [-32768.0, 127.0 * 256.0, 0.0, 0.0]);
    assert_eq!(numbers[8..12], [200.0, 0.0, 8.0, 1.0]);
    assert!((numbers[15] - 1000.0).abs() < 60.0, "{numbers:?}");
    assert_eq!(
        source.said(),
        [
            "1 of 4 sounds are resampled to 8000 Hz (--sample-rate)",
            "2 of 4 recordings are longer than 4 samples (8000 Hz): the rest is cut off",
            "1 of 4 recordings are shorter than 4 samples (8000 Hz): silence is added",
        ]
    );
    let natural = open_any(folder.path()).unwrap();
    assert_eq!(natural.shape().values(), 6);
    assert!(matches!(
        natural
            .read(herringbone_dataset::Part::Training)
            .unwrap()
            .unwrap()
            .values,
        Values::Numbers(_)
    ));
}

#[test]
fn headers_that_claim_what_no_sound_has_are_refused() {
    let folder = sounds();
    let cut = folder.path().join("no/1.wav");
    let mut bytes = fs::read(&cut).unwrap();
    let length = bytes.len() - 8;
    bytes[length - 4..length].copy_from_slice(&0x1500_0008_u32.to_le_bytes());
    fs::write(&cut, bytes).unwrap();
    let error = open_any(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains(
            "1.wav is cut short: its header says 352321544 bytes of samples, the file has 52"
        ),
        "{error}"
    );

    let folder = sounds();
    let slow = folder.path().join("no/1.wav");
    write(&slow, 16, 1, 1, &[0, 0]);
    let error = open_any(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("1.wav has 1 samples a second: 8000 can't be made of fewer than 125"),
        "{error}"
    );
}
