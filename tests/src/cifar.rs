//! Networks for CIFAR-10: 32×32 pixels of three colours, ten classes.
//!
//! Müksch, Olausson, Wilhelm & Andreadis (2020, arXiv:2005.04968) classify
//! these images by direct convolutions in 8 to 128 KB. The layer lists here are
//! ours, in their manner: the paper's table of architectures was not at hand.
//! Nor is anything trained: the weights are random, the same each time.

use crate::networks::Case;
use herringbone_compiler::budget::{self, Design, Sums, Verdict};
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::program;
use herringbone_compiler::syntax;

/// A network as a declaration writes it.
#[derive(Clone, Copy, Debug)]
pub struct Cifar {
    /// Its type's name, which says how many KB its weights take.
    pub name: &'static str,
    /// Its input and layers.
    pub list: &'static str,
}

/// The smallest first.
pub const NETWORKS: [Cifar; 4] = [
    Cifar {
        name: "Cifar8",
        list: "[32, 32, 3] => < A, C1(16,3), C1(32,3), M, Dr, D*(10) >",
    },
    Cifar {
        name: "Cifar16",
        list: "[32, 32, 3] => < A, C1(24,3), C1(36,3), C1(42,3), M, Dr, D*(10) >",
    },
    Cifar {
        name: "Cifar32",
        list: "[32, 32, 3] => < C2(16,3), M, C1(48,3), C1(84,3), M, Dr, D*(10) >",
    },
    Cifar {
        name: "Cifar58",
        list: "[32, 32, 3] => < C1(16,3), M, C1(48,3), C1(96,3), M, C1(72,3), Dr, D*(10) >",
    },
];

impl Cifar {
    /// The network declared with those keys.
    ///
    /// # Panics
    /// With the errors of a declaration that is wrong.
    pub fn declaration(&self, keys: &str) -> Declaration {
        let Self { name, list } = self;
        let tokens = format!("{name}: {list}, {keys}").parse();
        let parsed = syntax::parse(tokens.expect("keys are tokens"));
        let told = || panic!("{}", parsed.errors.messages().join("; "));
        parsed.declaration.unwrap_or_else(told)
    }

    /// The network declared for that part, with weights in a file.
    pub fn on(&self, part: &str) -> Declaration {
        self.declaration(&format!("target: {part}, weights: \"weights.safetensors\""))
    }

    /// The network with weights, and three inputs: noise, white, and a gradient.
    pub fn case(&self) -> Case {
        let network = self.declaration("").network;
        let bytes = network.input().values();
        let mut case = Case::random(network, 1);
        case.inputs.push(vec![u8::MAX; bytes as usize]);
        let gradient = (0..bytes).map(|index| (index * 255 / bytes) as u8);
        case.inputs.push(gradient.collect());
        case
    }
}

/// The design that the macro takes for that declaration of `case`, whose
/// weights are in flash, and how it stands to its budget.
pub fn design(declaration: &Declaration, case: &Case) -> (Design, Verdict) {
    let accumulators = program::prove(&case.network, &case.weights);
    let accumulators = accumulators.expect("the sums fit 32 bits");
    let sums = Sums {
        widest: accumulators.widest(),
        constants: Some((&case.weights, &accumulators)),
    };
    let design = budget::choose(declaration, &sums);
    let verdict = budget::judge(declaration, &design, &sums);
    (design, verdict)
}
