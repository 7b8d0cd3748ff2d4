//! A naive evaluator of statistics, written from `docs/features.md` and nothing else.

/// What a declaration says.
#[derive(Clone, Debug)]
pub struct Design {
    pub channels: usize,
    pub frame: usize,
    pub hop: usize,
    /// Names of the statistics, in the order of a row.
    pub values: Vec<&'static str>,
    pub floor: i64,
}

impl Design {
    /// The rows of all whole frames, one after the other, of samples of one channel after the
    /// other.
    pub fn rows(&self, samples: &[i16]) -> Vec<i64> {
        let mut rows = Vec::new();
        let moments: Vec<&[i16]> = samples.chunks_exact(self.channels).collect();
        for frame in moments.windows(self.frame).step_by(self.hop) {
            for channel in 0..self.channels {
                let x: Vec<i64> = frame.iter().map(|it| it[channel].into()).collect();
                rows.extend(self.values.iter().map(|name| self.value(name, &x)));
            }
        }
        rows
    }

    fn value(&self, name: &str, x: &[i64]) -> i64 {
        let n = x.len() as i64;
        let sum: i64 = x.iter().sum();
        let m = sum.div_euclid(n);
        let r = sum - n * m;
        let octaves = i64::from(n.ilog2());
        match name {
            "mean" => m,
            "energy" => {
                let squares: i64 = x.iter().map(|it| (it - m) * (it - m)).sum();
                let about_the_mean = squares - (r * r).div_euclid(n);
                (logarithm(about_the_mean) - 256 * octaves).max(256 * self.floor)
            }
            "crossings" => {
                let below = |it: i64| n * it < sum;
                let pairs = x.windows(2);
                pairs.filter(|it| below(it[0]) != below(it[1])).count() as i64
            }
            "difference" => {
                let moved = x.windows(2).map(|it| (it[1] - it[0]).abs()).sum();
                (logarithm(moved) - 256 * octaves).max(128 * self.floor)
            }
            _ => unreachable!("{name} is no statistic"),
        }
    }
}

fn logarithm(energy: i64) -> i64 {
    if energy == 0 {
        return 0;
    }
    let octave = i64::from(energy.ilog2());
    let fraction = ((energy << 8) >> octave) - 256;
    256 * octave + fraction + ((88 * ((fraction * (256 - fraction)) >> 8)) >> 8)
}
