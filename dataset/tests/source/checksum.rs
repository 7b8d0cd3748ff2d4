use std::fs;

use super::open;

/// Two files of MNIST's kind: three images, three labels.
fn write(folder: &std::path::Path, images_name: &str, last_label: u8) {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3];
    images.extend([0; 18]);
    fs::write(folder.join(images_name), images).unwrap();
    let labels = [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, last_label];
    fs::write(folder.join("train-labels-idx1-ubyte"), labels).unwrap();
}

fn checksum(images_name: &str, last_label: u8) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), images_name, last_label);
    open(folder.path()).unwrap().checksum().unwrap()
}

#[test]
fn a_checksum_is_that_of_names_lengths_and_bytes_wherever_they_lie() {
    // By coreutils' sha256sum, of the same bytes written by printf.
    let expected = "fc3149ea58f913fc136bb88262e1d349d563aa7cce5af6434c1bf24a58c1c7c4";
    assert_eq!(checksum("train-images-idx3-ubyte", 0), expected);
    assert_ne!(checksum("train-images-idx3-ubyte", 1), expected);
    assert_ne!(checksum("train-images.idx3-ubyte", 0), expected);
}
