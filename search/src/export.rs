//! A study for other tools to read.

use std::fmt::Write as _;

use anyhow::Result;
use herringbone_compiler::network::Bits;
use serde::Serialize;
use serde_json::json;

use crate::coordinator::Candidate;
use crate::cost::Cost;
use crate::design::Design;
use crate::pareto;
use crate::study::Study;

/// A design, as JSON has it.
#[derive(Serialize)]
struct Row<'a> {
    number: u32,
    design: &'a str,
    /// What it has right in validation, 0 to 1, by its highest rung or full trainings.
    accuracy: Option<f64>,
    rungs: &'a [f64],
    finished: Vec<Finished>,
    cost: Cost,
    /// Whether no other design is better in everything.
    pareto: bool,
    seconds: f64,
}

#[derive(Serialize)]
struct Finished {
    seed: u64,
    accuracy: Option<f64>,
}

/// Everything as JSON: an object a design.
///
/// # Errors
/// Never, but serde_json says it could.
pub fn json(study: &Study, candidates: &[Candidate]) -> Result<String> {
    let is_best = front_of(candidates);
    let rows = candidates.iter().zip(is_best).map(|(it, pareto)| Row {
        number: it.number,
        design: &it.text,
        accuracy: it.accuracy(),
        rungs: &it.climbed,
        finished: it
            .finished
            .iter()
            .map(|(seed, outcome)| Finished {
                seed: *seed,
                accuracy: outcome.accuracy,
            })
            .collect(),
        cost: it.exact_cost(),
        pareto,
        seconds: it.seconds,
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let whole = json!({
        "network": study.settings.network,
        "space": study.settings.space,
        "seed": study.settings.seed,
        "designs": rows,
    });
    Ok(serde_json::to_string_pretty(&whole)?)
}

/// Of each candidate, whether no other one is better in everything.
pub fn front_of(candidates: &[Candidate]) -> Vec<bool> {
    let known: Vec<(usize, Vec<f64>)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(at, it)| Some((at, pareto::figures(it)?)))
        .collect();
    let points: Vec<Vec<f64>> = known.iter().map(|(_, point)| point.clone()).collect();
    let mut front = vec![false; candidates.len()];
    for ((at, _), is_in_front) in known.iter().zip(pareto::front(&points)) {
        front[*at] = is_in_front;
    }
    front
}

/// The study as Optuna's `JournalFileBackend` reads it, so that optuna-dashboard shows it. An object
/// a line: op 0 is the study, 2 an attribute of it, 3 one of the system's, 4 a trial, 5 a parameter,
/// 8 an attribute of a trial, 6 how it ended. There may be one attribute a line alone.
///
/// # Errors
/// When a design cannot be read again.
pub fn optuna(study: &Study, candidates: &[Candidate]) -> Result<String> {
    let mut journal = String::new();
    let mut line = |op: u32, mut rest: serde_json::Value| {
        rest["op_code"] = op.into();
        rest["worker_id"] = "herringbone".into();
        let _ = writeln!(journal, "{rest}");
    };
    let has_cycles = candidates.iter().all(|it| it.cost.cycles.is_some());
    let time = match has_cycles {
        true => "cycles",
        false => "multiply-accumulates",
    };
    let settings = &study.settings;
    let name = format!(
        "{} in {}, seed {}",
        settings.network, settings.space, settings.seed
    );
    // 2 maximises, 1 minimises.
    line(0, json!({ "study_name": name, "directions": [2, 1, 1, 1] }));
    let names = ["validation accuracy", "SRAM bytes", "flash bytes", time];
    line(
        3,
        json!({ "study_id": 0, "system_attr": { "study:metric_names": names } }),
    );
    line(
        2,
        json!({ "study_id": 0, "user_attr": { "declaration": settings.declaration } }),
    );
    let mut second = 0.0;
    for (trial, candidate) in candidates.iter().enumerate() {
        line(
            4,
            json!({ "study_id": 0, "datetime_start": moment(second) }),
        );
        second += candidate.seconds;
        let design = Design::read(&candidate.text, &study.base.input())?;
        let Bits {
            weights,
            activations,
            ..
        } = design.bits;
        let layers = Design::computing(&design.items).count() as u32;
        let zeros = (100.0 * design.sparsity).round() as u32;
        let parameters = [
            ("layers", layers, 1, 100),
            ("percent of weights that are 0", zeros, 0, 100),
            ("bits of weights", weights, 2, 8),
            ("bits of activations", activations, 4, 8),
        ];
        for (name, value, low, high) in parameters {
            let distribution = json!({
                "name": "IntDistribution",
                "attributes": { "log": false, "step": 1, "low": low, "high": high },
            });
            line(
                5,
                json!({
                    "trial_id": trial,
                    "param_name": name,
                    "param_value_internal": f64::from(value),
                    "distribution": distribution.to_string(),
                }),
            );
        }
        let attributes = [
            ("design", json!(candidate.text)),
            ("rungs", json!(candidate.climbed)),
        ];
        for (name, value) in attributes {
            line(
                8,
                json!({ "trial_id": trial, "user_attr": { name: value } }),
            );
        }
        let cost = candidate.exact_cost();
        let values = candidate.accuracy().map(|accuracy| {
            let time = match has_cycles {
                true => cost.cycles.unwrap_or_default(),
                false => cost.multiply_accumulates,
            };
            json!([accuracy, cost.sram_bytes, cost.flash_bytes, time])
        });
        let state = match values {
            Some(_) => 1,
            None => 3,
        };
        line(
            6,
            json!({
                "trial_id": trial,
                "state": state,
                "values": values,
                "datetime_complete": moment(second),
            }),
        );
    }
    Ok(journal)
}

/// That many seconds after the beginning of 2000, as Python's `datetime.isoformat` writes it: how
/// long a trial took is known, when it was is not kept.
fn moment(seconds: f64) -> String {
    let whole = seconds as u64;
    let (days, of_day) = (whole / 86_400, whole % 86_400);
    // Hinnant 2013, "chrono-compatible low-level date algorithms": days of years that begin in March.
    let days = days + 10_957 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let microseconds = ((seconds - whole as f64) * 1e6) as u64;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{microseconds:06}+00:00",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(moment(0.0), "2000-01-01T00:00:00.000000+00:00");
        assert_eq!(moment(60.0 * 86_400.0), "2000-03-01T00:00:00.000000+00:00");
        assert_eq!(
            moment(366.0 * 86_400.0 - 0.5),
            "2000-12-31T23:59:59.500000+00:00"
        );
    }
}
