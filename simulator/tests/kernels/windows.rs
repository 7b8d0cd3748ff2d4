//! Windows over a stream, as a network with the key `window` takes them: each is an input of its
//! own, whatever the one before has left.

use herringbone_compiler::declaration::SlidingWindow;
use herringbone_tests::networks::{Case, Recipe, recipes_within};
use proptest::prelude::*;

use crate::{ATMEGA328P, ATMEGA2560, ATTINY85, Bench, judge_random};

/// Windows of a stream that are judged, at most.
const MOST_WINDOWS: usize = 5;

/// The case whose inputs are every `stride` samples of one stream: its own inputs, one after the
/// other.
fn windows((recipe, stride): &(Recipe, usize)) -> Case {
    let case = recipe.case();
    let input = case.network.input();
    let window_bytes = input.values() as usize;
    let samples = SlidingWindow::samples(input) as usize;
    let stride_bytes = (stride % samples + 1) * (window_bytes / samples);
    let stream = [case.inputs.concat(), case.inputs.concat()].concat();
    let windows = stream.windows(window_bytes).step_by(stride_bytes);
    Case {
        inputs: windows.take(MOST_WINDOWS).map(<[u8]>::to_vec).collect(),
        ..case
    }
}

fn judge_windows(bench: &Bench) {
    let recipes = (recipes_within(bench.side), any::<usize>());
    judge_random(bench, 300, recipes, windows);
}

#[test]
fn windows_of_a_stream_on_atmega328p_give_what_the_design_says_of_each() {
    judge_windows(&ATMEGA328P);
}

#[test]
fn windows_of_a_stream_on_attiny85_give_what_the_design_says_of_each() {
    judge_windows(&ATTINY85);
}

#[test]
fn windows_of_a_stream_on_atmega2560_give_what_the_design_says_of_each() {
    judge_windows(&ATMEGA2560);
}
