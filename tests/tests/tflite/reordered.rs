//! The same model in another order of its operators.

use herringbone_tests::tflite_file::branches;
use herringbone_tflite::{Graph, Reorder, Values};

#[test]
fn another_order_computes_the_same_with_less_alive() {
    let file = branches().bytes();
    let model = Reorder::read(&file).unwrap();
    let given: Vec<usize> = (0..model.operators.len()).collect();
    // Each branch to its end before the other.
    let better = [0, 2, 1, 3, 4, 5, 6];
    // Of 16 pixels: the input and both wide maps; then the small map instead of the first.
    assert_eq!(model.peak_bytes(&given), 16 * (8 + 8 + 1));
    assert_eq!(model.peak_bytes(&better), 16 * (1 + 8 + 1));
    let reordered = model.write(&file, &better);
    let (before, after) = (
        Graph::read(&file).unwrap(),
        Graph::read(&reordered).unwrap(),
    );
    for seed in 0..20_i32 {
        let pixel = |index: i32| (index * 53 + seed * 31).rem_euclid(251) as u8 as i8;
        let input = Values::Int8((0..16).map(pixel).collect());
        let run = |graph: &Graph| graph.run(&mut graph.state(), std::slice::from_ref(&input));
        assert_eq!(run(&before).unwrap(), run(&after).unwrap());
    }
}

#[test]
#[should_panic(expected = "after what it reads")]
fn an_order_in_which_operators_cannot_run_is_refused() {
    let file = branches().bytes();
    let model = Reorder::read(&file).unwrap();
    model.write(&file, &[6, 0, 1, 2, 3, 4, 5]);
}
