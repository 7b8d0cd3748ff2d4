//! The type of a model that keeps variables, with several inputs and outputs, against the
//! evaluator.

use herringbone_tests::tflite_file::remembering;
use herringbone_tflite::{Graph, Values};

herringbone::network! {
    /// Remembers what it was given.
    Remembering: "models/remembering.tflite",
}

fn drawn(seed: u32) -> impl Iterator<Item = i8> {
    (0_u32..).map(move |index| ((index + 100 * seed).wrapping_mul(2_654_435_761) >> 23) as i8)
}

#[test]
fn what_is_kept_goes_on_from_one_inference_to_the_next_until_it_is_reset() {
    let graph = Graph::read(&remembering().bytes()).unwrap();
    let mut model = Box::new(Remembering::new());
    for _ in 0..2 {
        let mut state = graph.state();
        for inference in 0..10 {
            let mut values = drawn(inference);
            let sample: [i8; Remembering::INPUT_0_LEN] =
                std::array::from_fn(|_| values.next().unwrap());
            let gain = [30, -40];
            let inputs = [sample.to_vec(), gain.to_vec()].map(Values::Int8);
            let expected = graph.run(&mut state, &inputs).unwrap();
            let (scores, before) = model.run(&sample, &gain);
            assert_eq!(Some(&scores[..]), expected[0].int8(), "{inference}");
            assert_eq!(Some(&before[..]), expected[1].int8(), "{inference}");
        }
        model.reset();
    }
}

#[test]
fn several_ends_are_told_apart_by_number() {
    assert_eq!(Remembering::INPUT_1_SHAPE, [1, 1, 1, 2]);
    assert_eq!(Remembering::OUTPUT_0_LEN, 3);
    assert_eq!(Remembering::quantise_1(0.5), 8);
    assert_eq!(Remembering::dequantise_1(8), 0.5);
}
