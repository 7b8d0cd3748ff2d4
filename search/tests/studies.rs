//! Is a study the same however often it is stopped, whoever runs it, and what is damaged?
//!
//! Trials are not trained here: what a design has right is a function of its text.

use std::fs;
use std::path::Path;

use herringbone_search::coordinator::candidates;
use herringbone_search::cost::{Verdict, measure};
use herringbone_search::study::{End, Stage};
use herringbone_search::{
    Design, Limits, Next, Outcome, Rungs, Settings, Study, Task, Trial, next,
};

const TINY: &str = "Tiny: [6, 6, 1] => < C1(4,3), M, D*(2) >,
    sram: 2000, flash: 8000, weights: \"tiny.safetensors\"";

/// Small designs, too many to look at all of them, which are planned fast in an unoptimised build
/// too: for no part whose machine code would be written.
const SPACE: &str = r#"
    lists = ["lead; C; P", "lead; C; P; C", "C; C; P; C"]
    bits = [{ weights = 4 }, { weights = 2 }]
    [sets]
    lead = ["", "A"]
    C = ["C1({2,3,4,6,8,12,16,40},{1,3})", "C2({2,4,8},3)", "T(3)"]
    P = ["", "M"]
"#;

fn settings(seed: u64) -> Settings {
    Settings {
        network: "Tiny".to_owned(),
        declaration: TINY.to_owned(),
        space: "small".to_owned(),
        space_text: SPACE.to_owned(),
        takes_in_the_declaration: true,
        seed,
        limits: Limits {
            weights_bytes: Some(600),
            ..Limits::default()
        },
        rungs: Rungs::default(),
        steps_of_an_epoch: 400,
        random: 6,
        batch: 4,
        population: 10,
        finalists: 2,
        seeds: 2,
        final_epochs: None,
        most_final_epochs: 60,
        data: vec!["--data".to_owned(), "mnist".to_owned()],
        data_checksum: "0".to_owned(),
    }
}

fn begin(folder: &Path, seed: u64, trials: u32) -> Study {
    let end = End {
        trials: Some(trials),
        hours: None,
    };
    Study::begin(folder, settings(seed), end).unwrap()
}

/// What a training might give: larger designs are right more often, longer trainings too. Every
/// 13th diverges.
fn outcome(trial: &Trial) -> Outcome {
    let noise = trial
        .text
        .bytes()
        .fold(7_u32, |sum, it| sum.wrapping_mul(31) + u32::from(it));
    let size = (trial.cost.multiply_accumulates as f64).ln() / 20.0;
    let rung = match trial.task {
        Task::Climb { rung, .. } => f64::from(rung.0),
        Task::Finish { seed, .. } => 3.0 + seed as f64 / 100.0,
    };
    let accuracy = 0.3 * size + 0.1 * rung + f64::from(noise % 1000) / 1e4;
    let accuracy = (noise % 13 != 0).then_some(accuracy);
    Outcome {
        accuracy,
        loss: accuracy.map(|it| 1.0 - it),
        seconds: 1.0,
        cost: None,
        fits: true,
    }
}

fn silent(_: String) {}

/// Runs up to `most` trials of a study; whether it is done.
fn run(study: &Study, most: usize) -> bool {
    let mut left = most;
    loop {
        let stage = match next(study, 1, silent).unwrap() {
            Next::Run(stage) => stage,
            Next::Done => return true,
        };
        let pairs = stage.trials.iter().zip(&stage.outcomes).enumerate();
        for (index, (trial, _)) in pairs.filter(|(_, (_, outcome))| outcome.is_none()) {
            if left == 0 {
                return false;
            }
            left -= 1;
            study
                .finish(stage.number, index, trial, &outcome(trial))
                .unwrap();
        }
    }
}

fn stages(study: &Study) -> Vec<Stage> {
    study.stages(silent).unwrap()
}

#[test]
fn a_study_that_is_stopped_again_and_again_is_the_one_that_was_not() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let study = begin(whole.path(), 3, 20);
    assert!(run(&study, usize::MAX));
    let mut runs = 0;
    while !run(&begin(parts.path(), 3, 20), 5) {
        runs += 1;
    }
    assert!(runs > 4, "{runs}");
    let parts = begin(parts.path(), 3, 20);
    assert_eq!(stages(&study), stages(&parts));

    let other = tempfile::tempdir().unwrap();
    let other = begin(other.path(), 4, 20);
    run(&other, usize::MAX);
    assert_ne!(stages(&study)[0].trials, stages(&other)[0].trials);
}

#[test]
fn a_study_of_one_trial_tries_the_declarations_own_list() {
    let folder = tempfile::tempdir().unwrap();
    let study = begin(folder.path(), 1, 1);
    assert!(run(&study, usize::MAX));
    let trials = &stages(&study)[0].trials;
    assert_eq!(trials.len(), 1);
    assert_eq!(trials[0].text, study.base.design().to_string());
}

#[test]
fn every_design_that_is_trained_fits_and_is_tried_once_and_the_own_list_is_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let study = begin(folder.path(), 1, 30);
    run(&study, usize::MAX);
    let stages = stages(&study);
    let designs = candidates(&stages);
    assert_eq!(designs.len(), 30);
    let mut texts: Vec<&String> = designs.iter().map(|it| &it.text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 30);
    for it in &designs {
        let design = Design::read(&it.text, &study.base.input()).unwrap();
        let verdict = measure(&study.base, &study.settings.limits, &design);
        assert_eq!(verdict, Verdict::Fits(it.cost), "{}", it.text);
        assert!(it.cost.sram_bytes <= 2000 && it.cost.flash_bytes <= 8000);
        assert!(it.cost.weights_bytes <= 600);
    }
    // Where the own list fits, it is number 0.
    let own = study.base.design();
    let fits = measure(&study.base, &study.settings.limits, &own)
        .fitting()
        .is_some();
    assert_eq!(designs.iter().any(|it| it.number == 0), fits);
    for it in designs.iter().filter(|it| it.number == 0) {
        assert_eq!(it.text, own.to_string());
        assert_eq!(it.climbed.len(), 3, "it goes up all rungs");
    }
    // Whoever is of the best third at any time goes on, and only from one rung to the next.
    let at = |rung: usize| designs.iter().filter(|it| it.climbed.len() > rung).count();
    assert!(
        at(1) >= 30 / 3 && at(1) <= 30 / 2 && at(2) < at(1),
        "{} {}",
        at(1),
        at(2)
    );
    // Finalists are of the best, with as many seeds as were asked for.
    let finished: Vec<_> = designs
        .iter()
        .filter(|it| !it.finished.is_empty())
        .collect();
    assert_eq!(finished.len(), 2);
    assert!(finished.iter().all(|it| it.finished.len() == 2));
}

#[test]
fn damaged_results_are_told_of_and_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let study = begin(folder.path(), 1, 12);
    run(&study, 9);
    let before = stages(&study);
    let result = folder.path().join("stages/0000/results/1.json");
    let text = fs::read_to_string(&result).unwrap();
    for (damaged, why) in [
        (text[..text.len() / 2].to_owned(), "it is damaged"),
        (
            text.replace("\"accuracy\":0.", "\"accuracy\":0.9"),
            "its checksum",
        ),
        (
            text.replace("\"version\":1", "\"version\":7"),
            "it is of version 7",
        ),
        (
            fs::read_to_string(result.with_file_name("2.json")).unwrap(),
            "another trial",
        ),
    ] {
        fs::write(&result, damaged).unwrap();
        let mut warnings = Vec::new();
        let found = study.stages(|warning| warnings.push(warning)).unwrap();
        assert_eq!(found[0].outcomes[1], None);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains(why) && warnings[0].contains("runs again"),
            "{warnings:?}"
        );
        run(&study, 1);
        assert_eq!(stages(&study), before);
    }
    // What an interrupted write left is nothing.
    fs::write(result.with_file_name("3.json.host.1.new"), "{").unwrap();
    assert_eq!(stages(&study), before);
}

#[test]
fn of_two_coordinators_the_first_ones_plan_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let study = begin(folder.path(), 1, 12);
    let Next::Run(first) = next(&study, 1, silent).unwrap() else {
        panic!("there is something to do");
    };
    let other = begin(folder.path(), 1, 12);
    assert!(!other.plan(0, &first.trials[..1]).unwrap());
    assert_eq!(stages(&other), [first]);
    let plans = fs::read_dir(folder.path().join("stages/0000")).unwrap();
    assert_eq!(
        plans.count(),
        2,
        "nothing is left beside the plan and the results"
    );
}

#[test]
fn a_study_of_something_else_or_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    begin(folder, 1, 12);
    let end = End::default();
    let error = Study::begin(folder, settings(2), end)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("seed: 1 there, 2 wanted"), "{error}");
    let path = folder.join("study.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
    let error = Study::open(folder).err().unwrap().to_string();
    assert!(
        error.contains("a study of version 9, and this tool reads version 1"),
        "{error}"
    );
    fs::write(&path, &text[..100]).unwrap();
    let error = format!("{:#}", Study::open(folder).err().unwrap());
    assert!(error.contains("study.json is damaged"), "{error}");
    let error = format!("{:#}", Study::open(&folder.join("stages")).err().unwrap());
    assert!(error.contains("is no study"), "{error}");
}
