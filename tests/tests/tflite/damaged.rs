//! Files that are cut, changed or not understood are errors that say where.

use herringbone_tests::tflite_file::{ADD, CONV_2D, Field, ModelFile, branches};
use herringbone_tflite::{Graph, Reorder, Values};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

/// Whatever is understood also runs.
fn read(file: &[u8]) {
    let _ = Reorder::read(file);
    if let Ok(graph) = Graph::read(file)
        && let [input] = graph.inputs[..]
        && graph.multiply_accumulates() < 1 << 22
    {
        let zeros = Values::Int8(vec![0; graph.tensor(input).values()]);
        let _ = graph.run(&mut graph.state(), &[zeros]);
    }
}

fn problems(file: &[u8]) -> String {
    Graph::read(file).unwrap_err().to_string()
}

#[test]
fn every_cut_file_is_an_error() {
    let file = branches().bytes();
    assert!(Graph::read(&file).is_ok());
    for length in 0..file.len() - 4 {
        assert!(Graph::read(&file[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn no_change_of_a_file_is_a_panic(
        changes in vec((any::<u16>(), any::<u8>()), 1..6),
    ) {
        let mut file = branches().bytes();
        for (place, byte) in changes {
            let place = usize::from(place) % file.len();
            file[place] = byte;
        }
        read(&file);
    }
}

#[test]
fn what_is_no_model_says_so() {
    assert!(problems(b"").contains("no TensorFlow Lite model"));
    assert!(problems(b"\x89PNG\r\n\x1a\nsomething").contains("no TensorFlow Lite model"));
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    assert!(problems(pointer).contains("run `git lfs pull`"));
}

#[test]
fn all_operators_that_are_not_understood_are_named_at_once() {
    const LSTM: i32 = 16;
    const CONV_3D: i32 = 132;
    let mut file = ModelFile::default();
    let input = file.activation(&[1, 4]);
    let between = file.activation(&[1, 4]);
    let output = file.activation(&[1, 4]);
    file.operator(LSTM, &[input], &[between], Vec::new());
    file.operator(CONV_3D, &[between], &[output], Vec::new());
    (file.inputs, file.outputs) = (vec![input], vec![output]);
    let problems = problems(&file.bytes());
    assert!(
        problems.contains("operator 0, LSTM, which makes `tensor1`: "),
        "{problems}"
    );
    assert!(
        problems.contains("operator 1, CONV_3D, which makes `tensor2`: "),
        "{problems}"
    );
}

#[test]
fn what_does_not_fit_says_what_was_needed_and_what_was_given() {
    let mut file = ModelFile::default();
    let input = file.activation(&[1, 4, 4, 1]);
    let output = file.activation(&[1, 9, 9, 2]);
    let kernel = file.weights(&[2, 3, 3, 1], &[1; 18]);
    let strides = vec![(1, Field::Int(1)), (2, Field::Int(1))];
    file.operator(CONV_2D, &[input, kernel], &[output], strides);
    (file.inputs, file.outputs) = (vec![input], vec![output]);
    let problem = problems(&file.bytes());
    assert!(
        problem.contains("it makes [1, 4, 4, 2], and `tensor1` is [1, 9, 9, 2]"),
        "{problem}"
    );

    let mut file = ModelFile::default();
    let (a, b) = (file.activation(&[1, 4]), file.activation(&[1, 3]));
    let output = file.activation(&[1, 4]);
    file.operator(ADD, &[a, b], &[output], Vec::new());
    (file.inputs, file.outputs) = (vec![a, b], vec![output]);
    let problem = problems(&file.bytes());
    assert!(
        problem.contains("expected sides that are the same, or 1"),
        "{problem}"
    );
}
