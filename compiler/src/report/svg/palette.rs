//! A colour for each layer, distinguishable by the colour-blind: Okabe & Ito,
//! "Color Universal Design", 2008. Neighbours differ in lightness too.

/// The input, or the leading `A`.
const FIRST: &str = "#8a8a8a";

const LAYERS: [&str; 7] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442",
];

/// The background: nothing of the arena is used there.
pub(super) const FREE: &str = "#f2f2f2";

/// Of the owner at that position.
pub(super) fn colour(owner: usize) -> &'static str {
    match owner.checked_sub(1) {
        None => FIRST,
        Some(layer) => LAYERS[layer % LAYERS.len()],
    }
}
