//! Channels that are constant whatever the input.

use std::fs;

use herringbone_tests::shared::shared;
use herringbone_tflite::Graph;

use crate::arrays;

#[test]
fn models_without_constant_channels_give_what_tensorflow_lite_for_microcontrollers_gives() {
    let (Some(models), Some(reference)) = (shared("tflite/models"), shared("tflite/reference"))
    else {
        return;
    };
    for (name, most) in [
        ("mlperf_vww_mobilenet", 4_130_000),
        ("microflow_sine", 97),
        ("mlperf_kws_dscnn", 2_656_768),
        ("tinymaix_mnist_valid_q", 21_220),
    ] {
        let graph = Graph::read(&fs::read(models.join(format!("{name}.tflite"))).unwrap()).unwrap();
        let pruned = graph.without_constant_channels();
        let left = pruned.multiply_accumulates();
        assert!(left <= most, "{name}: {left}");
        let vectors = arrays::read(&reference.join(format!("{name}.npz")));
        let (inputs, outputs) = (&vectors["input0"], &vectors["tflm_out0"]);
        for index in 0..inputs.len() {
            let found = pruned
                .run(&mut pruned.state(), &[inputs.get(index)])
                .unwrap();
            assert_eq!(found[0], outputs.get(index), "{name}, input {index}");
        }
    }
}
