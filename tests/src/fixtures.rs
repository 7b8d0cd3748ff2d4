//! Networks of the shapes that people have, as declarations write them.

use herringbone_compiler::network::Network;
use herringbone_compiler::syntax;

/// A residual network: two blocks of two convolutions with padding, the second one
/// written out where the map halves.
pub const RESIDUAL: &str = "[16, 16, 3] => < C1(8,3, padding: same), R(3), \
    'half: M, C1(8,3, padding: same), C1(8,3, padding: same, add: 'half), \
    A(all), D*(10) >";

/// A depthwise-separable network, as MobileNet is: depthwise kernels, then one
/// pixel.
pub const DEPTHWISE_SEPARABLE: &str = "[20, 20, 1] => < C1(8,3, stride: 2, padding: same), \
    T(3, padding: same), C1(12,1), T(3, stride: 2, padding: same), C1(16,1), \
    C2(16,3, padding: same), A(all), D*(10) >";

/// Branches with kernels of several sizes over the same map, joined channel by
/// channel, and a shortcut from the input.
pub const BRANCHED: &str = "[16, 12, 2] => < 'stem: C1(6,3, padding: same), \
    'wide: C1*(4,5, padding: same), 'stem, 'narrow: C1*(4,1), \
    'stem, M(3, stride: 1), C1*(4,3, padding: 2), Cat('wide, 'narrow), \
    'sum: C1(6,1, add: 'stem), 'input, 'small: M, 'sum, M, Cat('small), D*(4) >";

/// Every one, with its name.
pub const ALL: [(&str, &str); 3] = [
    ("residual", RESIDUAL),
    ("depthwise_separable", DEPTHWISE_SEPARABLE),
    ("branched", BRANCHED),
];

/// The network of a list.
///
/// # Panics
/// With the errors of a list that is wrong.
pub fn network(list: &str) -> Network {
    let tokens = format!("Fixture: {list}").parse();
    let parsed = syntax::parse(tokens.expect("a list is tokens"));
    let told = || panic!("{}", parsed.errors.messages().join("; "));
    parsed.declaration.unwrap_or_else(told).network
}
