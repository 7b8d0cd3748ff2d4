//! A naive evaluator of features, written from `docs/features.md` and nothing else, and what exact
//! arithmetic gives.

use std::f64::consts::TAU;

/// What a declaration says.
#[derive(Clone, Copy, Debug)]
pub struct Design {
    pub rate: u32,
    pub frame: usize,
    pub hop: usize,
    pub bands: usize,
    pub low: u32,
    pub high: u32,
    pub floor: i64,
    /// Of an `mfcc`; 0 of a `log_mel`.
    pub coefficients: usize,
}

type Complex = (i64, i64);

impl Design {
    /// The rows of all whole frames, one after the other.
    pub fn rows(&self, samples: &[i16]) -> Vec<i64> {
        let frames = (0..).map(|it| it * self.hop);
        frames
            .take_while(|first| first + self.frame <= samples.len())
            .flat_map(|first| {
                let bands = self.row(&samples[first..first + self.frame]);
                match self.coefficients {
                    0 => bands,
                    count => (0..count).map(|k| self.coefficient(&bands, k)).collect(),
                }
            })
            .collect()
    }

    fn coefficient(&self, bands: &[i64], k: usize) -> i64 {
        let shift = 11 + self.bands.ilog2();
        let scale = f64::from(1 << shift) / self.bands as f64;
        let factor = |b: usize| {
            let angle = TAU * (k * (2 * b + 1)) as f64 / (4 * self.bands) as f64;
            (angle.cos() * scale).round() as i64
        };
        let sum: i64 = bands.iter().enumerate().map(|(b, it)| it * factor(b)).sum();
        assert!((sum + (1 << (shift - 1))).abs() < 1 << 31);
        (sum + (1 << (shift - 1))) >> shift
    }

    fn sine(&self, index: usize) -> i64 {
        let angle = TAU * index as f64 / self.frame as f64;
        let exact = (32768.0 * angle.sin()).round() as i64;
        exact.min(32767)
    }

    fn cosine(&self, index: usize) -> i64 {
        let quarter = self.frame / 4;
        match index <= quarter {
            true => self.sine(quarter - index),
            false => -self.sine(index - quarter),
        }
    }

    fn rotate(&self, (re, im): Complex, index: usize) -> Complex {
        let (cos, sin) = (
            self.cosine(index),
            self.sine(index.min(self.frame / 2 - index)),
        );
        let round = |sum: i64| (sum + (1 << 14)) >> 15;
        (round(re * cos + im * sin), round(im * cos - re * sin))
    }

    fn row(&self, x: &[i16]) -> Vec<i64> {
        let n = self.frame;
        let silent = vec![256 * self.floor; self.bands];
        let x: Vec<i64> = x.iter().map(|&it| it.into()).collect();
        let mean = x.iter().sum::<i64>().div_euclid(n as i64);
        let d: Vec<i64> = x
            .iter()
            .map(|it| (it - mean).clamp(-32768, 32767))
            .collect();
        if d.iter().all(|&it| it == 0) {
            return silent;
        }
        let widest = d.iter().map(|&it| if it < 0 { -it - 1 } else { it }).max();
        let bits = widest
            .unwrap()
            .checked_ilog2()
            .map_or(0, |it| it as i32 + 1);
        let mut exponent = bits - 13;
        let v: Vec<i64> = (0..n)
            .map(|at| {
                let scaled = match exponent < 0 {
                    true => d[at] << -exponent,
                    false => d[at] >> exponent,
                };
                assert!((-8192..8192).contains(&scaled));
                let hann = (32768 - self.cosine(at.min(n - at))) >> 1;
                (scaled * hann + (1 << 14)) >> 15
            })
            .collect();
        let m = n / 2;
        let reversed = |at: usize| at.reverse_bits() >> (usize::BITS - m.ilog2());
        let mut z: Vec<Complex> = (0..m)
            .map(|at| (v[2 * reversed(at)], v[2 * reversed(at) + 1]))
            .collect();
        let mut narrow = |z: &mut Vec<Complex>| {
            let is_wide = |it: &Complex| [it.0, it.1].iter().any(|it| !(-8192..8192).contains(it));
            while z.iter().any(is_wide) {
                z.iter_mut().for_each(|it| *it = (it.0 >> 1, it.1 >> 1));
                exponent += 1;
            }
        };
        let mut h = 1;
        while h < m {
            narrow(&mut z);
            for at in (0..m).filter(|at| at / h % 2 == 0) {
                let (k, (a, b)) = (at % h, (z[at], z[at + h]));
                let t = match k {
                    0 => b,
                    k if 2 * k == h => (b.1, -b.0),
                    k => self.rotate(b, k * m / h),
                };
                z[at] = (a.0 + t.0, a.1 + t.1);
                z[at + h] = (a.0 - t.0, a.1 - t.1);
                for part in [z[at].0, z[at].1, z[at + h].0, z[at + h].1] {
                    assert!(part.abs() <= 19_778);
                }
            }
            h *= 2;
        }
        narrow(&mut z);
        let mut powers = vec![0; m];
        for k in 1..m / 2 {
            let (a, b) = (z[k], z[m - k]);
            let (p, q) = (a.0 + b.0, a.1 - b.1);
            let (r, s) = self.rotate((a.0 - b.0, a.1 + b.1), k);
            let square = |it: i64| {
                assert!((it >> 1).abs() <= 19_778);
                (it >> 1) * (it >> 1)
            };
            powers[k] = square(p + s) + square(q - r);
            powers[m - k] = square(p - s) + square(q + r);
        }
        powers[m / 2] = z[m / 2].0.pow(2) + z[m / 2].1.pow(2);
        let middles = self.middles();
        let mut shares = vec![None; m];
        let mut most = vec![0; self.bands + 2];
        for (k, share) in shares.iter_mut().enumerate().skip(1) {
            let Some(j) = middles.iter().rposition(|&it| it <= k as f64) else {
                continue;
            };
            if j > self.bands {
                continue;
            }
            let above = (k as f64 - middles[j]) / (middles[j + 1] - middles[j]);
            let weight = (256.0 * above).floor() as i64;
            most[j + 1] += weight;
            most[j] += 256 - weight;
            *share = Some((j, weight));
        }
        let whole = (most.iter().max().unwrap() + 255) / 256;
        let shift = (0..)
            .find(|it| ((2 * 19_778_i64.pow(2)) >> it) * whole < 1 << 32)
            .unwrap();
        let mut energies = vec![0; self.bands + 2];
        for (power, share) in powers.iter().zip(shares) {
            if let Some((j, weight)) = share {
                let upper = (power >> shift) * weight / 256;
                energies[j + 1] += upper;
                energies[j] += (power >> shift) - upper;
            }
        }
        let value = |&energy: &i64| {
            assert!(energy < 1 << 32);
            let octaves = i64::from(2 * exponent) + shift;
            (logarithm(energy) + 256 * octaves).max(256 * self.floor)
        };
        energies[1..=self.bands].iter().map(value).collect()
    }

    fn middles(&self) -> Vec<f64> {
        let mels = |hertz: f64| 1127.0 * (hertz / 700.0).ln_1p();
        let (low, high) = (mels(self.low.into()), mels(self.high.into()));
        let spaces = (self.bands + 1) as f64;
        (0..=self.bands + 1)
            .map(|band| {
                let mels = low + (high - low) * band as f64 / spaces;
                700.0 * (mels / 1127.0).exp_m1() * self.frame as f64 / f64::from(self.rate)
            })
            .collect()
    }

    /// The same by a Fourier transform in floating point, without rounding: in 256ths of an octave.
    pub fn exact_rows(&self, samples: &[i16]) -> Vec<f64> {
        let n = self.frame;
        let middles = self.middles();
        let frames = samples.windows(n).step_by(self.hop);
        frames
            .flat_map(|x| {
                let mean = x.iter().map(|&it| f64::from(it)).sum::<f64>() / n as f64;
                let windowed: Vec<f64> = (0..n)
                    .map(|at| {
                        let hann = 0.5 - 0.5 * (TAU * at as f64 / n as f64).cos();
                        (f64::from(x[at]) - mean) * hann
                    })
                    .collect();
                let mut energies = vec![0.0; self.bands + 2];
                for k in 1..n / 2 {
                    let (mut re, mut im) = (0.0, 0.0);
                    for (at, it) in windowed.iter().enumerate() {
                        let angle = TAU * (k * at % n) as f64 / n as f64;
                        re += it * angle.cos();
                        im -= it * angle.sin();
                    }
                    let at = k as f64;
                    for band in 1..=self.bands {
                        let rise = (at - middles[band - 1]) / (middles[band] - middles[band - 1]);
                        let fall = (middles[band + 1] - at) / (middles[band + 1] - middles[band]);
                        energies[band] += (re * re + im * im) * rise.min(fall).max(0.0);
                    }
                }
                let value = |it: &f64| (256.0 * it.log2()).max(256.0 * self.floor as f64);
                energies[1..=self.bands]
                    .iter()
                    .map(value)
                    .collect::<Vec<_>>()
            })
            .collect()
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
