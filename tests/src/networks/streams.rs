//! Random networks of a series or of rows whose windows share what their first layers compute.

use super::case::Case;
use herringbone_compiler::network::{SharedPrefix, shared_prefixes};
use herringbone_compiler::syntax;

/// A network over the windows of a stream.
pub struct StreamCase {
    /// The network, with weights and one input.
    pub case: Case,
    /// Samples of a window.
    pub length: u32,
    /// Samples from one window to the next.
    pub stride: u32,
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
pub struct Noise(pub u64);

impl Noise {
    /// The next number below a bound.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed >> 32) % u64::from(bound)) as u32
    }

    /// As many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u32) as usize]
    }
}

impl StreamCase {
    /// The case of that number, if that is one in which windows share something.
    pub fn of(number: u64) -> Option<Self> {
        let mut noise = Noise(number);
        let is_series = noise.below(3) > 0;
        let channels = 1 + noise.below(3);
        let length = 12 + noise.below(24);
        let input = match is_series {
            true => format!("[1, {length}, {channels}]"),
            false => format!("[{length}, {}, {channels}]", 3 + noise.below(4)),
        };
        let mut layers = Vec::new();
        for _ in 0..1 + noise.below(4) {
            layers.push(layer(&mut noise, is_series));
        }
        let tail = match is_series {
            true => [
                "",
                "C1(4,1x3, padding: same)",
                "M(all)",
                "R(1x3)",
                "'x: C1*(3,1), C1(4,1x3, padding: same), Cat('x)",
            ],
            false => ["", "C1(3,3, padding: same)", "A(all)", "R(3)", "D(4)"],
        };
        layers.push(noise.one_of(&tail).to_owned());
        layers.push(noise.one_of(&["D*(3)", "D(4)", "D*(3)"]).to_owned());
        layers.retain(|layer| !layer.is_empty());
        let activations = noise.one_of(&["4", "8"]);
        let text = format!(
            "N: {input} => < {} >, bits: {{ activations: {activations} }}",
            layers.join(", ")
        );
        let parsed = syntax::parse(text.parse().expect("tokens"));
        let network = parsed.declaration?.network;
        let strides: Vec<u32> = (1..=length)
            .filter(|&stride| !shared_prefixes(&network, stride).is_empty())
            .collect();
        let index = noise.below(strides.len().max(1) as u32) as usize;
        let &stride = strides.get(index)?;
        Some(Self {
            case: Case::random(network, number),
            length,
            stride,
        })
    }

    /// Every way in which its windows can share something.
    pub fn cuts(&self) -> Vec<SharedPrefix> {
        shared_prefixes(&self.case.network, self.stride)
    }

    /// Bytes of a sample.
    pub fn sample_bytes(&self) -> usize {
        (self.case.network.input().values() / self.length) as usize
    }
}

fn layer(noise: &mut Noise, is_series: bool) -> String {
    let outputs = 1 + noise.below(5);
    let side = 1 + noise.below(4);
    let star = noise.one_of(&["", "", "", "*"]);
    let stride = noise.one_of(&["", "", ", stride: 2", ", stride: 3"]);
    let (size, stride, pool) = match is_series {
        true => (
            format!("1x{side}"),
            stride.replace(": ", ": 1x"),
            format!("1x{}", 2 + noise.below(3)),
        ),
        false => (
            format!("{side}x{}", 1 + noise.below(2)),
            stride.to_owned() + if stride.is_empty() { "" } else { "x1" },
            format!("{}x{}", 1 + noise.below(3), 1 + noise.below(2)),
        ),
    };
    match noise.below(8) {
        0 => format!("T{star}({size}{stride})"),
        1 => format!("C2{star}({outputs},{size}{stride})"),
        2 => format!("M({pool})"),
        3 => format!("A({pool})"),
        4 => format!("M({pool}{stride})"),
        5 => "Dr".to_owned(),
        _ => format!("C1{star}({outputs},{size}{stride})"),
    }
}
