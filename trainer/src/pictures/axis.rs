//! Where a value stands along a side of a plot, and which values are written there.

/// Values beyond are as good as infinite, and left out.
const LARGEST: f64 = 1e30;
/// Values of a logarithmic axis below are as good as zero.
const SMALLEST: f64 = 1e-12;
/// A linear axis spans at least this share of its values' size.
const LEAST_SHARE: f64 = 0.02;
/// Free above and below the values, as a share of the values' span.
const PADDING: f64 = 0.05;
/// An axis of more decades has no lines between what is written.
const MOST_DECADES: f64 = 3.0;

/// The values of a decade that are written, the most first.
const MANTISSAS: [&[f64]; 5] = [
    &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
    &[1.0, 2.0, 3.0, 5.0, 7.0],
    &[1.0, 2.0, 5.0],
    &[1.0, 3.0],
    &[1.0],
];
const DIGITS: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

/// A side of a plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    scale: Scale,
    /// The values at the ends; logarithms to base 10 where it is logarithmic.
    ends: [f64; 2],
    /// Where these are, in pixels.
    places: [f64; 2],
    /// Whether zero stands at the lower end of a logarithmic axis.
    has_zero: bool,
}

/// A value that is written at an axis.
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) place: f64,
    pub(super) text: String,
}

/// Whether the value can be drawn at all.
pub(super) fn is_drawn(value: f64) -> bool {
    value.abs() < LARGEST
}

impl Axis {
    /// As wide as the values are: logarithmic where they span more than a decade, from
    /// the first of the places, in pixels, to the second.
    pub(super) fn around(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
        let values: Vec<f64> = values.filter(|&value| is_drawn(value)).collect();
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
                [low.min(value), high.max(value)]
            })
        };
        let [low, high] = ends(&mut values.iter().copied());
        let [positive, _] = ends(&mut values.iter().copied().filter(|&value| value > SMALLEST));
        if low >= 0.0 && high > 10.0 * positive {
            // Zero has no place on a logarithmic axis: it stands at its lower end.
            let has_zero = low <= SMALLEST;
            let below = if has_zero { positive / 2.0 } else { positive };
            return Self {
                scale: Scale::Logarithmic,
                ends: padded([below.log10(), high.log10()], !has_zero),
                places,
                has_zero,
            };
        }
        let ends = match low <= high {
            true => {
                let middle = (low + high) / 2.0;
                let least = (LEAST_SHARE * low.abs().max(high.abs())).max(1e-9);
                let half = ((high - low) / 2.0).max(least / 2.0);
                padded([middle - half, middle + half], true)
            }
            false => [0.0, 1.0],
        };
        Self {
            scale: Scale::Linear,
            // Below zero there is nothing where no value is.
            ends: match low >= 0.0 {
                true => [ends[0].max(0.0), ends[1]],
                false => ends,
            },
            places,
            has_zero: false,
        }
    }

    /// From one value to the other, as they are.
    pub(super) fn linear(ends: [f64; 2], places: [f64; 2]) -> Self {
        Self {
            scale: Scale::Linear,
            ends,
            places,
            has_zero: false,
        }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.scale == Scale::Logarithmic
    }

    /// Where that value is, in pixels; at the end where it is beyond.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(SMALLEST).log10(),
        };
        let [first, last] = self.ends;
        let share = ((value - first) / (last - first)).clamp(0.0, 1.0);
        self.places[0] + share * (self.places[1] - self.places[0])
    }

    /// Round values at least that many pixels apart; whole numbers alone, if so asked.
    pub(super) fn ticks(&self, gap: f64, is_whole: bool) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.linear_ticks(gap, is_whole),
            Scale::Logarithmic => self.logarithmic_ticks(gap),
        }
    }

    fn linear_ticks(&self, gap: f64, is_whole: bool) -> Vec<Tick> {
        let [first, last] = self.ends;
        let least = (last - first) * gap / (self.places[1] - self.places[0]).abs();
        let decade = 10f64.powf(least.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
        let step = steps.into_iter().find(|&step| step >= least);
        let step = step.unwrap_or(least).max(if is_whole { 1.0 } else { 0.0 });
        let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
        let count = (last / step).floor() - (first / step).ceil();
        let value = |index: u32| ((first / step).ceil() + f64::from(index)) * step;
        let indices = 0..=count.clamp(-1.0, 1e4) as u32;
        let ticks = indices.filter(|_| count >= 0.0).map(value);
        ticks
            .map(|value| self.tick(value, with_decimals(value, decimals)))
            .collect()
    }

    fn logarithmic_ticks(&self, gap: f64) -> Vec<Tick> {
        let candidates = MANTISSAS.map(|mantissas| (mantissas, 1));
        let sparse = [2, 3, 5, 10].map(|every| (MANTISSAS[MANTISSAS.len() - 1], every));
        let zero = self.has_zero.then(|| self.tick(0.0, "0".to_owned()));
        let end = zero.as_ref().map(|zero| zero.place);
        let mut ticks = Vec::new();
        for (mantissas, every) in candidates.into_iter().chain(sparse) {
            let values = self.values_of_decades(mantissas, every);
            ticks = values
                .map(|value| self.tick(value, significant(value)))
                // Zero needs room, too.
                .filter(|tick| end.is_none_or(|end| (tick.place - end).abs() >= gap))
                .collect();
            let mut pairs = ticks.windows(2);
            if pairs.all(|pair| (pair[1].place - pair[0].place).abs() >= gap) {
                break;
            }
        }
        zero.into_iter().chain(ticks).collect()
    }

    /// Where a line helps to read between what is written on a logarithmic axis.
    pub(super) fn minor_places(&self) -> Vec<f64> {
        let [first, last] = self.ends;
        if !self.is_logarithmic() || last - first > MOST_DECADES {
            return Vec::new();
        }
        let values = self.values_of_decades(&DIGITS, 1);
        values.map(|value| self.place(value)).collect()
    }

    /// These values of every that many decades, as far as the axis goes.
    fn values_of_decades(&self, mantissas: &[f64], every: i32) -> impl Iterator<Item = f64> {
        let [first, last] = self.ends;
        let decades = first.floor() as i32..=last.floor() as i32;
        let values = decades
            .filter(move |decade| decade % every == 0)
            .flat_map(|decade| {
                mantissas
                    .iter()
                    .map(move |digit| digit * 10f64.powi(decade))
            });
        values.filter(move |value| (first..=last).contains(&value.log10()))
    }

    fn tick(&self, value: f64, text: String) -> Tick {
        Tick {
            value,
            place: self.place(value),
            text,
        }
    }
}

fn padded([low, high]: [f64; 2], is_below: bool) -> [f64; 2] {
    let padding = (high - low) * PADDING;
    [if is_below { low - padding } else { low }, high + padding]
}

/// The value, in powers of ten where it would be long.
fn with_decimals(value: f64, decimals: usize) -> String {
    match value.abs() {
        size if size >= 1e6 || decimals > 6 => format!("{value:.2e}"),
        _ => {
            let text = format!("{value:.decimals$}");
            match text.trim_start_matches('-').trim_matches(['0', '.']) {
                "" => "0".to_owned(),
                _ => text,
            }
        }
    }
}

/// The value of a logarithmic axis, to two digits.
fn significant(value: f64) -> String {
    match value {
        1e-4..1e6 => {
            let decimals = (1.0 - value.log10().floor()).max(0.0) as usize;
            trimmed(&format!("{value:.decimals$}"))
        }
        _ => format!("{value:.1e}").replace(".0e", "e"),
    }
}

/// Without trailing zeros after the point.
pub(super) fn trimmed(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[f64], gap: f64) -> Vec<String> {
        let axis = Axis::around(values.iter().copied(), [200.0, 0.0]);
        axis.ticks(gap, false)
            .into_iter()
            .map(|tick| tick.text)
            .collect()
    }

    #[test]
    fn an_axis_is_logarithmic_where_its_values_span_more_than_a_decade() {
        assert_eq!(texts(&[0.7, 60.0], 25.0), ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(texts(&[0.7, 1.0], 60.0), ["0.7", "0.8", "0.9", "1.0"]);
        assert_eq!(texts(&[0.0, 0.01, 1.0], 30.0)[0], "0");
    }

    #[test]
    fn values_that_are_no_numbers_move_no_end() {
        let with = texts(&[f64::NAN, 1.0, f64::INFINITY, 2.0], 30.0);
        assert_eq!(with, texts(&[1.0, 2.0], 30.0));
        assert!(!texts(&[f64::NAN], 30.0).is_empty());
    }
}
