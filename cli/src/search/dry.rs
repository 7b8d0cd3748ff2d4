//! `search --dry`: how many networks fit, and what they take.

use herringbone_search::cost::Verdict;
use herringbone_search::survey::Survey;
use herringbone_search::{Base, Costs, Limits, Space};

use crate::tables::table;
use crate::watcher::say;

pub(super) fn say_all(
    base: &Base,
    space: &Space,
    name: &str,
    limits: &Limits,
    most: usize,
    seed: u64,
) {
    let survey = Survey::of(base, space, limits, most, seed);
    let count = match survey.count {
        Some(count) if count < 10_000_000 => thousands(count),
        Some(count) => format!("{:.1e}", count as f64),
        None => "more than 2^128".to_owned(),
    };
    say(&format!("{name}: {count} networks"));
    let looked_at = survey.looked_at;
    let of = match survey.is_whole() {
        true => "all of them".to_owned(),
        false => format!("{} of them, drawn at random", thousands(looked_at as u128)),
    };
    let percent = |part: usize| 100.0 * part as f64 / looked_at.max(1) as f64;
    let fitting = survey.fitting.len();
    say(&format!(
        "planned: {of}; {} fit ({:.1} %), {} have a map without pixels ({:.1} %), the others take too \
         much",
        thousands(fitting as u128),
        percent(fitting),
        thousands(survey.impossible as u128),
        percent(survey.impossible)
    ));
    if let (false, Some((least, most))) = (survey.is_whole(), survey.fitting_range()) {
        say(&format!(
            "so {} to {} of the space fit, by 95 % of such estimates",
            approximately(least),
            approximately(most)
        ));
    }
    say(&match survey.own {
        Verdict::Fits(cost) => format!("the declaration's own list fits: {cost}"),
        Verdict::Over(excess) => format!(
            "the declaration's own list takes {excess:.2} times what there is: it is no trial"
        ),
        Verdict::Impossible => "the declaration's own list cannot be planned".to_owned(),
    });
    if survey.fitting.is_empty() {
        return;
    }
    let has_cycles = survey.fitting.iter().all(|it| it.cycles.is_some());
    let rows = Costs::ALL.iter().map(|costs| {
        let mut values: Vec<f64> = survey.fitting.iter().map(|it| costs.of(it)).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        let mut row = vec![name_of(*costs, has_cycles).to_owned()];
        row.extend([0.0, 0.1, 0.5, 0.9, 1.0].map(|share| thousands(at(share) as u128)));
        row
    });
    say(&table(
        &["of those that fit", "least", "10 %", "half", "90 %", "most"],
        &[0],
        rows,
    ));
}

/// What a cost is called.
pub(super) fn name_of(costs: Costs, has_cycles: bool) -> &'static str {
    match (costs, has_cycles) {
        (Costs::Sram, _) => "SRAM (bytes)",
        (Costs::Flash, _) => "flash (bytes)",
        (Costs::Time, true) => "cycles",
        (Costs::Time, false) => "multiply-accumulates",
    }
}

/// Three digits of a large number.
fn approximately(value: f64) -> String {
    match value {
        0.0..10_000_000.0 => thousands(value.round() as u128),
        _ => format!("{value:.1e}"),
    }
}

/// `1,234,567`.
pub(super) fn thousands(value: u128) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
