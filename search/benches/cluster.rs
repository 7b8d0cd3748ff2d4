//! What a study of many trials asks of its coordinator and of the file system, and how long workers
//! wait. Nothing is trained and nobody sleeps: a trial's seconds are drawn, and a worker's
//! clock is moved on by them. All else is done as `search next` and `search run` do it.
//!
//! ```text
//! cargo bench -p herringbone-search --bench cluster
//! ```

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use herringbone_search::coordinator::candidates;
use herringbone_search::study::{End, Stage};
use herringbone_search::{Limits, Next, Outcome, Rungs, Settings, Study, Task, Trial, next};

const TRIALS: u32 = 10_000;
const WORKERS: [usize; 3] = [1_000, 250, 60];
const BATCHES: [u32; 3] = [250, 1_000, 4_000];

const DECLARATION: &str = "Tiny: [6, 6, 1] => < C1(4,3), M, D*(2) >,
    sram: 2000, flash: 8000, weights: \"tiny.safetensors\"";
const SPACE: &str = r#"
    lists = ["lead; C; P", "lead; C; P; C", "C; C; P; C"]
    bits = [{ weights = 4 }, { weights = 2 }]
    [sets]
    lead = ["", "A"]
    C = ["C1({2,3,4,6,8,12,16,24,32,40},{1,3})", "C2({2,4,8,16},3)", "T(3)"]
    P = ["", "M"]
"#;

fn settings(batch: u32) -> Settings {
    Settings {
        network: "Tiny".to_owned(),
        declaration: DECLARATION.to_owned(),
        space: "small".to_owned(),
        space_text: SPACE.to_owned(),
        takes_in_the_declaration: true,
        seed: 1,
        limits: Limits::default(),
        rungs: Rungs::default(),
        steps_of_an_epoch: 400,
        random: 1_000,
        batch,
        population: 50,
        finalists: 3,
        seeds: 2,
        final_epochs: None,
        most_final_epochs: 60,
        data: vec!["--data".to_owned(), "mnist".to_owned()],
        data_checksum: "0".to_owned(),
    }
}

/// A number from 0 to 1 that a trial always has.
fn drawn(trial: &Trial) -> f64 {
    let hash = trial.text.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(0x0100_0193) ^ u32::from(byte)
    });
    f64::from(hash.wrapping_mul(0x9E37_79B9) >> 8) / f64::from(1 << 24)
}

/// As trainings of small networks take: some 10 to 40 ms a step, by size and by chance.
fn seconds(trial: &Trial, rungs: &Rungs) -> f64 {
    let steps = match trial.task {
        Task::Climb { rung, .. } => rungs.steps_added(rung),
        Task::Finish { .. } => 60 * 400,
    };
    let size = (trial.cost.multiply_accumulates as f64 / 20_000.0).min(2.0);
    steps as f64 * 0.01 * (1.0 + size) * (0.75 + 0.5 * drawn(trial))
}

fn outcome(trial: &Trial, seconds: f64) -> Outcome {
    let size = (trial.cost.multiply_accumulates as f64).ln() / 20.0;
    let rung = match trial.task {
        Task::Climb { rung, .. } => f64::from(rung.0),
        Task::Finish { .. } => 3.0,
    };
    let accuracy = 0.3 * size + 0.1 * rung + drawn(trial) / 10.0;
    Outcome {
        accuracy: Some(accuracy),
        loss: Some(1.0 - accuracy),
        seconds,
        cost: None,
        fits: true,
    }
}

/// What became of a study.
#[derive(Default)]
struct Measured {
    stages: u32,
    trials: usize,
    /// Of all trials together.
    trained_seconds: f64,
    /// From the first stage to the last, each as long as its slowest worker: with as many workers as
    /// [`WORKERS`] says.
    waited_seconds: [f64; WORKERS.len()],
    /// Of the coordinator, as measured.
    coordinated_seconds: f64,
    longest_coordinated_seconds: f64,
    /// Of writing a result and reading it back, as measured.
    finished_seconds: f64,
}

fn run(folder: &Path, batch: u32) -> Result<Measured> {
    let end = End {
        trials: Some(TRIALS),
        hours: None,
    };
    let study = Study::begin(folder, settings(batch), end)?;
    let mut measured = Measured::default();
    loop {
        let begun = Instant::now();
        let next = next(&study, 2, |warning| eprintln!("{warning}"))?;
        let seconds = begun.elapsed().as_secs_f64();
        measured.coordinated_seconds += seconds;
        measured.longest_coordinated_seconds = measured.longest_coordinated_seconds.max(seconds);
        match next {
            Next::Run(stage) => run_stage(&study, &stage, &mut measured)?,
            Next::Done => break,
        }
    }
    let designs = candidates(&study.stages(|_| {})?).len();
    anyhow::ensure!(designs == TRIALS as usize, "{designs} designs");
    Ok(measured)
}

/// Worker I of N runs the lines I, I + N, ….
fn run_stage(study: &Study, stage: &Stage, measured: &mut Measured) -> Result<()> {
    let mut clocks = WORKERS.map(|workers| vec![0.0; workers]);
    let begun = Instant::now();
    for (line, trial) in stage.trials.iter().enumerate() {
        let seconds = seconds(trial, &study.settings.rungs);
        measured.trained_seconds += seconds;
        for clocks in &mut clocks {
            let worker = line % clocks.len();
            clocks[worker] += seconds;
        }
        study.finish(stage.number, line, trial, &outcome(trial, seconds))?;
    }
    measured.finished_seconds += begun.elapsed().as_secs_f64();
    measured.stages += 1;
    measured.trials += stage.trials.len();
    for (waited, clocks) in measured.waited_seconds.iter_mut().zip(clocks) {
        *waited += clocks.into_iter().fold(0.0, f64::max);
    }
    Ok(())
}

/// Files and bytes in a folder and all below it.
fn files(folder: &Path) -> Result<(u64, u64)> {
    let (mut count, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (more, more_bytes) = match entry.file_type()?.is_dir() {
            true => files(&entry.path())?,
            false => (1, entry.metadata()?.len()),
        };
        count += more;
        bytes += more_bytes;
    }
    Ok((count, bytes))
}

fn main() -> Result<()> {
    let minutes = WORKERS.map(|workers| format!(" minutes on {workers} workers (busy) |"));
    println!(
        "| `--batch` | stages | trials | trained, hours |{} planning, s | longest, s \
         | a result written and read, ms | files | MB |",
        minutes.concat()
    );
    println!("{}|", "| ---: ".repeat(9 + WORKERS.len()));
    for batch in BATCHES {
        let folder = tempfile::tempdir()?;
        let it = run(folder.path(), batch)?;
        let (count, bytes) = files(folder.path())?;
        let of_workers = WORKERS.iter().zip(it.waited_seconds);
        let minutes = of_workers.map(|(&workers, waited)| {
            let seconds = waited + it.coordinated_seconds;
            let busy = 100.0 * it.trained_seconds / workers as f64 / seconds;
            format!(" {:.1} ({busy:.0} %) |", seconds / 60.0)
        });
        println!(
            "| {batch} | {} | {} | {:.1} |{} {:.1} | {:.1} | {:.1} | {count} | {:.1} |",
            it.stages,
            it.trials,
            it.trained_seconds / 3600.0,
            minutes.collect::<String>(),
            it.coordinated_seconds,
            it.longest_coordinated_seconds,
            1e3 * it.finished_seconds / it.trials as f64,
            bytes as f64 / 1e6,
        );
    }
    Ok(())
}
