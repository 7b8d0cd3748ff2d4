//! What comes out of a study: a table, a picture, and the winner with its weights.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use herringbone_search::coordinator::{Candidate, candidates};
use herringbone_search::study::write as write_file;
use herringbone_search::{Costs, Design, Study, export};
use herringbone_trainer::percent;
use herringbone_trainer::pictures::pareto::{Panel, Pareto, Point, draw};
use herringbone_trainer::trained::Trained;
use serde::{Deserialize, Serialize};

use super::bench::{Bench, LOCK};
use super::dry::{name_of, thousands};
use super::tell::Teller;
use crate::tables::table_within;

/// Letters of a table in a file.
const WIDTH: u16 = 160;

/// The full training that was the best, by validation alone.
struct Winner<'a> {
    candidate: &'a Candidate,
    seed: u64,
    accuracy: f64,
}

/// What the test gave: it is read once, whatever is asked for afterwards.
#[derive(Serialize, Deserialize)]
struct Tested {
    design: u32,
    seed: u64,
    right: u64,
    examples: u64,
}

pub(super) fn write(study: &Study, bench: &Bench<'_>, teller: &mut Teller) -> Result<()> {
    let stages = study.stages(|warning| teller.warn(&warning))?;
    let candidates = candidates(&stages);
    let folder = &study.folder;
    write_file(
        &folder.join("results.json"),
        export::json(study, &candidates)?.as_bytes(),
    )?;
    let winner = winner(&candidates);
    let picture = picture(study, &candidates, winner.as_ref());
    write_file(&folder.join("pareto.svg"), picture.svg().as_bytes())?;
    write_file(&folder.join("pareto.png"), &picture.png())?;
    let finalists = table_of(&candidates, true);
    let all = table_of(&candidates, false);
    write_file(
        &folder.join("table.txt"),
        format!("{finalists}\n\n{all}\n").as_bytes(),
    )?;
    teller.line("");
    teller.line(&finalists);
    let Some(winner) = winner else {
        teller.warn(
            "no finalist fits with its own weights, or all of them diverged: there is no winner",
        );
        return Ok(());
    };
    let tested = tested(study, bench, &winner)?;
    let into = folder.join("winner");
    publish(study, &winner, &into)?;
    let design = Design::read(&winner.candidate.text, &study.base.input())?;
    let (source, weights) = bench.file_names();
    let block = study.base.text_of(&design, &weights)?;
    teller.line("");
    teller.line(&format!(
        "herringbone::network! {{\n    {}\n}}",
        block.trim()
    ));
    teller.line("");
    teller.line(&format!(
        "validation: {} (design {}, seed {})",
        percent(winner.accuracy),
        winner.candidate.number,
        winner.seed
    ));
    match &tested {
        Some(tested) => teller.line(&format!(
            "test: {}, {} of {}",
            percent(tested.right as f64 / tested.examples.max(1) as f64),
            tested.right,
            tested.examples
        )),
        None => teller.line("test: there is no test data"),
    }
    teller.line(&format!("takes: {}", winner.candidate.exact_cost()));
    for name in [&source, &weights] {
        teller.line(&into.join(name).display().to_string());
    }
    for name in ["pareto.svg", "table.txt", "results.json"] {
        teller.line(&folder.join(name).display().to_string());
    }
    Ok(())
}

/// The design whose mean over its seeds is the best, with its best seed.
fn winner(candidates: &[Candidate]) -> Option<Winner<'_>> {
    let mut best: Option<(f64, Winner<'_>)> = None;
    for candidate in candidates {
        let fitting = candidate.finished.iter().filter(|(_, it)| it.fits);
        let seeds: Vec<(u64, f64)> = fitting
            .filter_map(|(seed, it)| Some((*seed, it.accuracy?)))
            .collect();
        let mean = seeds.iter().map(|(_, it)| it).sum::<f64>() / seeds.len().max(1) as f64;
        let Some(&first) = seeds.first() else {
            continue;
        };
        let (seed, accuracy) = seeds.iter().fold(first, |best, it| match it.1 > best.1 {
            true => *it,
            false => best,
        });
        if best.as_ref().is_none_or(|(other, _)| mean > *other) {
            let winner = Winner {
                candidate,
                seed,
                accuracy,
            };
            best = Some((mean, winner));
        }
    }
    best.map(|(_, winner)| winner)
}

/// Runs the winner on the test data, the first time.
fn tested(study: &Study, bench: &Bench<'_>, winner: &Winner<'_>) -> Result<Option<Tested>> {
    let path = study.folder.join("test.json");
    if let Ok(text) = fs::read_to_string(&path)
        && let Ok(tested) = serde_json::from_str::<Tested>(&text)
        && (tested.design, tested.seed) == (winner.candidate.number, winner.seed)
    {
        return Ok(Some(tested));
    }
    let design = Design::read(&winner.candidate.text, &study.base.input())?;
    let declaration = study.base.declaration_of(&design);
    let network = declaration.context("its maps have no pixels")?.network;
    let test = bench.data.test(&network)?;
    let Some(test) = test.filter(|test| !test.is_empty()) else {
        return Ok(None);
    };
    let folder = study.finish_folder(winner.candidate.number, winner.seed);
    let weights = folder.join(bench.file_names().1);
    let bytes = fs::read(&weights).with_context(|| format!("cannot read {}", weights.display()))?;
    let results = Trained::new(&network, &bytes)?.results(&test);
    let examples = test.len() as u64;
    let tested = Tested {
        design: winner.candidate.number,
        seed: winner.seed,
        right: (results.accuracy(&test.labels) * examples as f64).round() as u64,
        examples,
    };
    write_file(&path, &serde_json::to_vec(&tested)?)?;
    Ok(Some(tested))
}

/// Copies what the winner's training left.
fn publish(study: &Study, winner: &Winner<'_>, into: &Path) -> Result<()> {
    let from = study.finish_folder(winner.candidate.number, winner.seed);
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(into)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            fs::copy(entry.path(), into.join(entry.file_name()))?;
        }
        Ok(())
    };
    copy().with_context(|| format!("cannot copy {} to {}", from.display(), into.display()))
}

/// A row a design, the best first.
fn table_of(candidates: &[Candidate], finalists_alone: bool) -> String {
    let mut order: Vec<&Candidate> = candidates
        .iter()
        .filter(|it| !finalists_alone || !it.finished.is_empty())
        .collect();
    let key = |it: &Candidate| {
        let rung = it.standing().map(|(rung, _)| rung);
        (!it.finished.is_empty(), rung, it.accuracy().unwrap_or(0.0))
    };
    order.sort_by(|one, other| {
        let (one, other) = (key(one), key(other));
        let by_rung = (other.0, other.1).cmp(&(one.0, one.1));
        by_rung.then(other.2.total_cmp(&one.2))
    });
    let has_cycles = candidates.iter().all(|it| it.cost.cycles.is_some());
    let rows = order.into_iter().map(|it| {
        let cost = it.exact_cost();
        let spread: Vec<f64> = it
            .finished
            .iter()
            .filter_map(|(_, it)| it.accuracy)
            .collect();
        let spread = match spread.len() {
            0 => String::new(),
            _ => {
                let least = spread.iter().copied().fold(f64::INFINITY, f64::min);
                let most = spread.iter().copied().fold(0.0, f64::max);
                format!("{} – {}", percent(least), percent(most))
            }
        };
        let mut row = vec![
            it.number.to_string(),
            it.accuracy().map_or("diverged".to_owned(), percent),
            spread,
            it.standing()
                .map_or(String::new(), |(rung, _)| rung.0.to_string()),
        ];
        row.extend(
            Costs::ALL
                .iter()
                .map(|costs| thousands(costs.of(&cost) as u128)),
        );
        row.push(it.text.clone());
        row
    });
    let mut heads = vec!["design", "validation", "seeds", "rung"];
    heads.extend(Costs::ALL.iter().map(|costs| name_of(*costs, has_cycles)));
    heads.push("list");
    table_within(&heads, &[7], rows, WIDTH)
}

fn picture(
    study: &Study,
    candidates: &[Candidate],
    winner: Option<&Winner<'_>>,
) -> herringbone_trainer::pictures::Picture {
    let rungs = &study.settings.rungs;
    let mut groups: Vec<String> = (0..rungs.rounds.len() as u32)
        .map(|rung| {
            let rounds = rungs.rounds_at(herringbone_search::Rung(rung));
            format!(
                "{} steps",
                u64::from(rounds) * u64::from(rungs.steps_of_a_round)
            )
        })
        .collect();
    groups.push("full training, with integers".to_owned());
    let known: Vec<&Candidate> = candidates
        .iter()
        .filter(|it| it.accuracy().is_some_and(|it| it > 0.0))
        .collect();
    let points: Vec<Point> = known
        .iter()
        .filter_map(|it| {
            let cost = it.exact_cost();
            Some(Point {
                error: 1.0 - it.accuracy()?,
                costs: Costs::ALL.iter().map(|costs| costs.of(&cost)).collect(),
                group: match it.finished.is_empty() {
                    true => it.standing().map_or(0, |(rung, _)| rung.0 as usize),
                    false => groups.len() - 1,
                },
            })
        })
        .collect();
    let at = |number: u32| known.iter().position(|it| it.number == number);
    let mut marked = Vec::new();
    let own = at(0);
    let best = winner.and_then(|winner| at(winner.candidate.number));
    marked.extend(
        own.filter(|_| own != best)
            .map(|at| (at, "the declaration's")),
    );
    marked.extend(best.map(|at| (at, "the winner")));
    let has_cycles = candidates.iter().all(|it| it.cost.cycles.is_some());
    let budget = &study.base.declaration.budget;
    let panels: Vec<Panel> = Costs::ALL
        .iter()
        .map(|costs| Panel {
            name: name_of(*costs, has_cycles).to_owned(),
            limit: match costs {
                Costs::Sram => budget.sram_bytes.map(f64::from),
                Costs::Flash => budget.flash_bytes.map(f64::from),
                Costs::Time => study.settings.limits.cycles.map(|it| it as f64),
            },
        })
        .collect();
    let target = budget.target.map_or("", |target| target.name);
    let title = match target {
        "" => format!(
            "{}: what {} networks take",
            study.settings.network,
            known.len()
        ),
        target => format!(
            "{} on {target}: what {} networks take",
            study.settings.network,
            known.len()
        ),
    };
    draw(&Pareto {
        title: &title,
        panels: &panels,
        groups: &groups,
        points: &points,
        marked: &marked,
        note: "The dashed line is the most that there is. Networks that were trained longer have another \
               colour, and are right more often by that alone.",
    })
}
