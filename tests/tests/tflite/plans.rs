//! Bytes of activations of public models.

use std::fs;

use herringbone_compiler::tflite::{Model, PlannedModel};
use herringbone_tests::shared::shared;
use herringbone_tests::tflite_file::branches;
use herringbone_tflite::Graph;

/// The smallest arena, and the smallest that holds the input whole.
fn arenas(file: &[u8]) -> (u32, u32) {
    let model = Model::of(&Graph::read(file).unwrap()).unwrap();
    let planned = PlannedModel::of(&model, |_| {});
    let input = model.dataflow.input_value();
    let held = planned
        .plans
        .iter()
        .filter(|plan| plan.memory.placement(input).is_some())
        .map(|plan| plan.memory.arena_bytes);
    (planned.smallest().memory.arena_bytes, held.min().unwrap())
}

#[test]
fn public_models_need_no_more_than_a_planner_of_streamed_segments_reaches() {
    let Some(models) = shared("tflite/models") else {
        return;
    };
    for (name, streamed, held) in [
        ("mlperf_vww_mobilenet", 10_900, 27_950),
        ("tflm_person_detect", 10_500, 19_550),
        ("mlperf_kws_dscnn", 3_940, 4_340),
        ("mlperf_ic_resnet8", 9_490, 12_360),
        ("tflm_micro_speech", 400, 1_990),
        ("tinymaix_mnist_arduino_q", 160, 785),
        ("tinymaix_cifar10_q", 3_910, 6_580),
        ("esphome_okay_nabu_v2", 4_500, 4_500),
    ] {
        let file = fs::read(models.join(format!("{name}.tflite"))).unwrap();
        let (smallest, with_input) = arenas(&file);
        println!("{name}: {smallest} bytes, {with_input} with the input held");
        assert!(smallest <= streamed, "{name}: {smallest} of {streamed}");
        assert!(with_input <= held, "{name}: {with_input} of {held}");
    }
}

#[test]
fn a_graph_of_branches_is_planned_below_its_tensors() {
    let (smallest, held) = arenas(&branches().bytes());
    assert!(smallest <= held);
    assert!(held < 16 * (1 + 8 + 8), "{held}");
}
