//! How many weights of each tensor pruning makes 0, before there are weights.

/// Halvings after which a number of double precision is found.
const HALVINGS: u32 = 60;

/// The least and the largest score, as powers of two.
const SCORES: (f64, f64) = (-100.0, 100.0);

/// The share of each tensor's weights that becomes 0 where `share` of all do, 0 to below 1; `counts`
/// are the weights of each.
///
/// Training makes those 0 whose squares are the smallest share of the squares in their tensor that
/// are not smaller (Lee et al. 2021, "Layer-adaptive sparsity for the magnitude-based pruning",
/// equation 1), so that small tensors lose fewer. This is the same of weights of the density
/// `1 − |x|`, as [`invented`](super::invented()) ones have it: of `n` weights, `n·T(a)` is the sum of
/// the squares of those above `a`, where `T(a) = 1/6 − 2a³/3 + a⁴/2`, and `1 − (1 − a)²` of all are
/// below.
pub(super) fn shares_of_zeros(counts: &[u64], share: f64) -> Vec<f64> {
    if share == 0.0 {
        return vec![0.0; counts.len()];
    }
    let all: f64 = counts.iter().map(|&count| count as f64).sum();
    let shares = |score: f64| counts.iter().map(move |&count| share_below(score, count));
    let score = boundary(SCORES, |exponent| {
        let zeros = shares(exponent.exp2()).zip(counts);
        let zeros: f64 = zeros.map(|(share, &count)| share * count as f64).sum();
        zeros < share * all
    });
    shares(score.exp2()).collect()
}

/// The share of a tensor's weights whose score is below that; it has `count`.
fn share_below(score: f64, count: u64) -> f64 {
    let largest = boundary((0.0, 1.0), |a| {
        let larger = 1.0 / 6.0 - 2.0 * a.powi(3) / 3.0 + a.powi(4) / 2.0;
        a * a < score * count as f64 * larger
    });
    1.0 - (1.0 - largest).powi(2)
}

/// Up to where that is true.
fn boundary((mut low, mut high): (f64, f64), is_below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        match is_below(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::shares_of_zeros;

    #[test]
    fn small_tensors_lose_fewer_and_all_together_lose_what_was_asked_for() {
        let counts = [72, 1152, 4608, 13824, 4320];
        for share in [0.1, 0.5, 0.65, 0.99] {
            let shares = shares_of_zeros(&counts, share);
            let zeros = shares
                .iter()
                .zip(counts)
                .map(|(it, count)| it * count as f64);
            let all: u64 = counts.iter().sum();
            assert!((zeros.sum::<f64>() / all as f64 - share).abs() < 1e-6);
            assert!(shares[0] < shares[1] && shares[1] < shares[2] && shares[2] < shares[3]);
        }
        assert_eq!(shares_of_zeros(&[5, 0], 0.0), [0.0, 0.0]);
    }

    /// What trainings with `--sparsity` left of networks for MNIST, such as `C1(8,3), C1(16,3), M,
    /// C1(32,3), M, C1(48,3), D*(10)`. Some more weights are 0 because they round to it.
    #[test]
    fn trained_tensors_have_as_many_zeros() {
        let trained: [(&[u64], f64, &[f64]); 4] = [
            (
                &[72, 1152, 4608, 13824, 4320],
                0.65,
                &[0.15, 0.35, 0.56, 0.75, 0.57],
            ),
            (
                &[72, 864, 2592, 6912, 5120],
                0.7,
                &[0.21, 0.41, 0.58, 0.77, 0.74],
            ),
            (
                &[72, 864, 2592, 6912, 5120],
                0.5,
                &[0.17, 0.27, 0.41, 0.57, 0.56],
            ),
            (&[45, 360, 792, 1760], 0.5, &[0.2, 0.36, 0.45, 0.57]),
        ];
        for (counts, share, expected) in trained {
            for (share, expected) in shares_of_zeros(counts, share).iter().zip(expected) {
                assert!((share - expected).abs() < 0.11, "{share} of {expected}");
            }
        }
    }
}
