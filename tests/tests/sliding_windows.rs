//! Networks over a stream: every stride, what `run` gives for the newest window.

use herringbone::Network;

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed >> 56) as u8
    }

    /// Parameters of any bytes are sound; shifts that are small leave something of the sums.
    fn fill(&mut self, parameters: &mut [u8]) {
        parameters.fill_with(|| self.byte() & 0x33);
    }
}

macro_rules! declare {
    ($name:ident, $naive:ident, $input:tt, { $($list:tt)* }, $window:tt, $plan:ident) => {
        herringbone::network! {
            #[derive(Clone)]
            $name: $input => <$($list)*>,
            weights: runtime, plan: $plan, window: $window,
        }

        herringbone::network! {
            $naive: $input => <$($list)*>,
            weights: runtime, plan: $plan,
        }
    };
}

declare!(Series, NaiveSeries, [1, 16, 3], { C1(4,1x3), M(1x2), C1*(5,1x2), D*(3) },
    { length: 16, stride: 5 }, row_major);
declare!(Streamed, NaiveStreamed, [1, 12, 2], { C1(4,1x3), A(1x2), D*(3) },
    { length: 12, stride: 4 }, streamed);
declare!(Rows, NaiveRows, [8, 5, 1], { T(3), C1(4,1), D*(3) },
    { length: 8, stride: 1 }, herringbone);
declare!(Apart, NaiveApart, [1, 9, 1], { A(1x3), D*(2) }, { length: 9, stride: 9 }, segments);

/// Every stride, the results of the newest window and no others.
fn compare<W: Network, N: Network>(
    (window, naive): (&mut W, &mut N),
    (sample_bytes, stride): (usize, usize),
    input_of: impl Fn(&[u8]) -> N::Input,
) where
    W::Output: PartialEq<N::Output> + std::fmt::Debug,
    N::Input: Sized,
    N::Output: std::fmt::Debug,
{
    let mut noise = Noise(9);
    let stride_bytes = stride * sample_bytes;
    let stream: Vec<u8> = (0..7 * W::INPUT_LEN).map(|_| noise.byte()).collect();
    // The second time, after a part of a window that is forgotten.
    for round in 0..2 {
        let mut results = 0;
        for (index, &byte) in stream.iter().enumerate() {
            let taken = index + 1;
            let is_due =
                taken >= W::INPUT_LEN && (taken - W::INPUT_LEN).is_multiple_of(stride_bytes);
            let given = window.push(byte);
            assert_eq!(given.is_some(), is_due, "round {round}, byte {index}");
            if let Some(given) = given {
                let input = input_of(&stream[taken - N::INPUT_LEN..taken]);
                assert_eq!(given, naive.run(&input), "round {round}, byte {index}");
                results += 1;
            }
        }
        assert!(results > 6 || stride_bytes == W::INPUT_LEN, "{results}");
        let _ = window.push(1);
        window.begin();
    }
}

macro_rules! compare {
    ($name:ident, $naive:ident, $sample_bytes:expr, $stride:expr) => {{
        let (mut window, mut naive) = ($name::new(), $naive::new());
        Noise(5).fill(window.params_mut());
        Noise(5).fill(naive.params_mut());
        compare(
            (&mut window, &mut naive),
            ($sample_bytes, $stride),
            |bytes| bytes.try_into().expect("a whole input"),
        );
        assert_eq!(
            $name::SRAM_BYTES,
            $naive::SRAM_BYTES + $name::INPUT_LEN + 4,
            "the window is counted"
        );
    }};
}

#[test]
fn a_stream_gives_the_results_of_its_newest_window_every_stride() {
    compare!(Series, NaiveSeries, 3, 5);
    compare!(Streamed, NaiveStreamed, 2, 4);
    compare!(Rows, NaiveRows, 5, 1);
    compare!(Apart, NaiveApart, 1, 9);
}

#[test]
fn a_whole_input_begins_the_stream_again() {
    let mut network = Streamed::new();
    Noise(5).fill(network.params_mut());
    let mut noise = Noise(3);
    let stream: [u8; 100] = std::array::from_fn(|_| noise.byte());
    let (input, rest) = stream.split_first_chunk().expect("an input");
    let mut other = network.clone();
    let _ = other.push(7);
    let mut pushed = input.iter().filter_map(|&byte| network.push(byte));
    assert_eq!(pushed.next(), Some(other.run(input)));
    for &byte in rest {
        assert_eq!(network.push(byte), other.push(byte));
    }
}
