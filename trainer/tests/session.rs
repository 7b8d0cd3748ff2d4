//! Trainings from their data to the files that they leave.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use herringbone_compiler::syntax;
use herringbone_dataset::InputShape;
use herringbone_dataset::augment::InputKind;
use herringbone_tests::halves;
use herringbone_trainer::Device;
use herringbone_trainer::pictures::EpochRecord;
use herringbone_trainer::recipe::{Phase, Recipe};
use herringbone_trainer::session::{Data, DataOptions, Finished, Session, Watcher};
use herringbone_trainer::teacher::Teacher;

/// A training of a network that has every kind of weighted sum, in that folder.
fn session(folder: &Path, name: &str, change: impl FnOnce(&mut Recipe)) -> Session {
    let data = folder.join("data");
    if !data.exists() {
        halves::write(&data, 200, 40);
    }
    let text = "Halves: [8, 8, 1] => < C1(3,3), Dr(0.2), C2(4,3), M, D*(2) >";
    let parsed = syntax::parse(text.parse().unwrap());
    let shape = InputShape {
        height: 8,
        width: 8,
        channels: 1,
    };
    let mut recipe = Recipe {
        epochs: 10,
        batch: 32,
        ..Recipe::default_for(shape, InputKind::Image, &[80, 80])
    };
    change(&mut recipe);
    let declaration = parsed.declaration.unwrap();
    let options = DataOptions {
        path: data,
        validation_share: Some(0.2),
        ..DataOptions::default()
    };
    Session {
        ast: parsed.ast.unwrap(),
        data: Arc::new(Data::open(options, &declaration.network, recipe.seed).unwrap()),
        tests: true,
        declaration,
        recipe,
        teacher: None,
        out: folder.join(name),
        command: "train".to_owned(),
        device: Device::flex().autodiff(),
    }
}

/// Stops within the epoch after that one.
struct StopsAfter<'a> {
    epoch: u32,
    stop: &'a AtomicBool,
}

impl Watcher for StopsAfter<'_> {
    fn epoch_ends(&mut self, record: &EpochRecord, _: bool, _: f64) {
        self.stop
            .store(record.epoch >= self.epoch, Ordering::Relaxed);
    }
}

/// The same network, trained already by that session.
fn teacher(session: &Session) -> Teacher {
    run_until(session, false, u32::MAX);
    let network = &session.declaration.network;
    let weights = fs::read(&session.out).unwrap();
    Teacher::new(network, &weights, network, None, &session.device).unwrap()
}

fn run_until(session: &Session, is_resumed: bool, epoch: u32) -> Finished {
    let stop = AtomicBool::new(false);
    let mut watcher = StopsAfter { epoch, stop: &stop };
    session.run(is_resumed, &stop, &mut watcher).unwrap()
}

fn failure(session: &Session, is_resumed: bool) -> String {
    let result = session.run(is_resumed, &AtomicBool::new(false), &mut ());
    format!("{:#}", result.err().expect("it fails"))
}

#[test]
fn a_resumed_training_gives_the_weights_of_one_that_was_not_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let whole = session(folder.path(), "whole.safetensors", |_| {});
    let finished = run_until(&whole, false, u32::MAX);
    assert!(finished.is_complete && !whole.checkpoint_path().exists());

    let parts = session(folder.path(), "parts.safetensors", |_| {});
    // Within each of the phases: before there are scales, and a best epoch, and after.
    let mut is_resumed = false;
    for (epoch, phase) in [
        (2, Phase::Float),
        (5, Phase::Entering),
        (6, Phase::Calibrating),
        (8, Phase::Quantised),
    ] {
        assert_eq!(parts.recipe.phase(epoch - 1), phase);
        let has_integers = phase != Phase::Float;
        let finished = run_until(&parts, is_resumed, epoch);
        assert!(!finished.is_complete);
        assert_eq!(finished.epochs, epoch);
        assert_eq!(
            finished.tested, None,
            "who may go on is not told of the test"
        );
        assert_eq!(finished.best.is_some(), has_integers);
        assert_eq!(parts.out.exists(), has_integers);
        is_resumed = true;
    }
    run_until(&parts, true, u32::MAX);
    let [whole, parts] = [whole, parts].map(|it| fs::read(it.out).unwrap());
    assert_eq!(whole, parts);
}

#[test]
fn a_training_with_a_teacher_goes_on_with_the_same_one_and_gives_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let one = teacher(&session(folder.path(), "teacher.safetensors", |recipe| {
        recipe.seed = 2;
    }));
    let mut whole = session(folder.path(), "whole.safetensors", |_| {});
    run_until(&whole, false, u32::MAX);
    let untaught = fs::read(&whole.out).unwrap();
    let mut parts = session(folder.path(), "parts.safetensors", |_| {});
    parts.teacher = Some(one);
    run_until(&parts, false, 5);
    let one = parts.teacher.take();
    let message = failure(&parts, true);
    assert!(
        message.contains("teacher: [8, 8, 1] => < C1(3,3), "),
        "{message}"
    );
    parts.teacher = one;
    run_until(&parts, true, u32::MAX);
    whole.teacher = parts.teacher.take();
    run_until(&whole, false, u32::MAX);
    let [whole, parts] = [whole, parts].map(|it| fs::read(it.out).unwrap());
    assert_eq!(whole, parts);
    assert_ne!(whole, untaught);
}

#[test]
fn a_training_goes_on_with_what_it_began_with_alone() {
    let folder = tempfile::tempdir().unwrap();
    let begun = session(folder.path(), "halves.safetensors", |_| {});
    run_until(&begun, false, 1);
    let message = failure(&begun, false);
    assert!(message.contains("--resume"), "{message}");

    let other = session(folder.path(), "halves.safetensors", |recipe| {
        recipe.epochs = 11;
        recipe.learning_rate = 0.02;
    });
    let message = failure(&other, true);
    assert!(
        message.contains("--epochs: 10 in the checkpoint, 11 given")
            && message.contains("--learning-rate: 0.01 in the checkpoint, 0.02 given"),
        "{message}"
    );
    assert!(!message.contains("SHA-256"), "{message}");

    let bytes = fs::read(begun.checkpoint_path()).unwrap();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (bytes, reason) in [
        (&damaged[..], "damaged"),
        (&bytes[..bytes.len() - 1], "no checkpoint"),
        (b"no safetensors", "no checkpoint"),
    ] {
        fs::write(begun.checkpoint_path(), bytes).unwrap();
        let message = failure(&begun, true);
        assert!(message.contains(reason), "{message}");
    }
    fs::remove_file(begun.checkpoint_path()).unwrap();
    let message = failure(&begun, true);
    assert!(message.contains("cannot resume from"), "{message}");
}
