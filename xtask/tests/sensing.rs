//! Firmware that reads a sensor, in the simulator. `cargo xtask test` runs these tests; `cargo
//! test` alone ignores them, as they install and build what they need.

use std::sync::OnceLock;

use xtask::firmware::{self, Firmware};
use xtask::panics;
use xtask::sensing::{Answers, Computed, gesture, voice};

/// Built, and heard or moved, once for all tests.
fn heard() -> &'static Answers {
    static HEARD: OnceLock<Answers> = OnceLock::new();
    HEARD.get_or_init(|| voice::hear(&sounds()).unwrap())
}

fn moved() -> &'static Answers {
    static MOVED: OnceLock<Answers> = OnceLock::new();
    MOVED.get_or_init(|| gesture::play(&session().0).unwrap())
}

/// Silence, and tones over noise.
fn sounds() -> Vec<Vec<i16>> {
    let mut sounds = voice::tones(3);
    sounds.push(vec![0; sounds[0].len()]);
    sounds
}

fn session() -> (Vec<gesture::Sample>, Vec<String>) {
    gesture::session(&gesture::shipped_session()).unwrap()
}

fn is_within_its_bounds(firmware: &Firmware, answers: &Answers) {
    let Answers {
        answers,
        stack,
        footprint,
        elf,
    } = answers;
    let sram = footprint.sram_static + stack;
    assert!(sram <= firmware.sram, "{sram} bytes of SRAM");
    let planned = Computed::of(firmware).unwrap().sram_bytes;
    assert!(
        sram <= planned,
        "{sram} bytes of SRAM of {planned} that were planned"
    );
    let flash = footprint.flash;
    assert!(flash <= firmware.flash, "{flash} bytes of flash");
    assert_eq!(answers.iter().position(|it| it.has_lost), None);
    assert_eq!(panics::of(elf).unwrap(), [""; 0]);
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn the_voice_is_within_its_bounds_and_loses_no_sample() {
    is_within_its_bounds(firmware::find(voice::NAME).unwrap(), heard());
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn the_gesture_is_within_its_bounds_and_loses_no_sample() {
    is_within_its_bounds(firmware::find(gesture::NAME).unwrap(), moved());
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn every_window_of_a_session_is_answered_as_this_machine_computes_it() {
    let (samples, _) = session();
    let network = Computed::of(firmware::find(gesture::NAME).unwrap()).unwrap();
    let answers = &moved().answers;
    assert_eq!(answers.len(), (samples.len() - 64) / 16 + 1);
    for (index, answer) in answers.iter().enumerate() {
        let expected = network.name(gesture::window(&samples, index)).unwrap();
        assert_eq!(answer.name, expected, "answer {index}");
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn most_gestures_of_a_person_that_it_has_not_learnt_from_are_known() {
    let (_, names) = session();
    let known = moved().answers.iter().enumerate();
    let known: Vec<_> = known
        .filter_map(|(index, answer)| {
            let wanted = gesture::gesture_of(&names, index)?;
            Some(wanted == answer.name)
        })
        .collect();
    let right = known.iter().filter(|it| **it).count();
    assert!(known.len() > 50);
    assert!(right * 10 >= known.len() * 9, "{right} of {}", known.len());
}
