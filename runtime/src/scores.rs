//! Trees and prototypes: what makes scores of a few wide values. Bonsai (Kumar et al., ICML
//! 2017) and ProtoNN (Gupta et al., ICML 2017).

use crate::flash::Flash;
use crate::packed::Packed;
use crate::product::offset;
use crate::wide::{Matrix, round_half_up, times};

/// Where the parameters of a tree are among its bytes.
#[derive(Clone, Copy)]
pub struct Tree {
    /// Branches on a path.
    pub depth: u32,
    /// Bits that the sums of `gate` are shifted down by.
    pub shift: usize,
    /// A row for each class of each node.
    pub score: Matrix,
    /// The same.
    pub gate: Matrix,
    /// A row for each inner node.
    pub branch: Matrix,
}

/// A node's weight: the hyperbolic tangent of a sum, by a table, or the sum itself within bounds.
pub trait Gate: Copy {
    /// Of a sum that is shifted down.
    fn of(self, sum: i32) -> i32;
}

impl Gate for &'static Flash<u8, 129> {
    #[inline(always)]
    fn of(self, sum: i32) -> i32 {
        let size = i32::from(self.get(sum.unsigned_abs().min(128) as usize));
        if sum < 0 { size.wrapping_neg() } else { size }
    }
}

/// `clamp(sum, −128, 128)`.
#[derive(Clone, Copy)]
pub struct HardGate;

impl Gate for HardGate {
    #[inline(always)]
    fn of(self, sum: i32) -> i32 {
        sum.clamp(-128, 128)
    }
}

/// The scores of a tree: those of every node on the path, `rsh(a, 8) · gate(rsh(b, shift))`.
#[inline(always)]
pub fn tree<const WEIGHT_BITS: u32, const CLASSES: usize>(
    tree: &Tree,
    place: (impl Packed, usize),
    gate: impl Gate,
    value: impl Fn(usize) -> i16,
) -> [i32; CLASSES] {
    let (bytes, first) = place;
    let shift = bytes.byte(first.wrapping_add(tree.shift));
    let mut scores = [0i32; CLASSES];
    let (mut node, mut level) = (0usize, 0);
    loop {
        let mut row = offset(node, CLASSES);
        for score in &mut scores {
            let a = tree.score.row::<WEIGHT_BITS, _>(place, row, &value);
            let b = tree.gate.row::<WEIGHT_BITS, _>(place, row, &value);
            let t = gate.of(round_half_up(b, shift));
            *score = score.wrapping_add(round_half_up(a, 8).wrapping_mul(t));
            row = row.wrapping_add(1);
        }
        if level == tree.depth {
            return scores;
        }
        let branch = tree.branch.row::<WEIGHT_BITS, _>(place, node, &value);
        node = node
            .wrapping_add(node)
            .wrapping_add(if branch > 0 { 1 } else { 2 });
        level = level.wrapping_add(1);
    }
}

/// Where the parameters of prototypes are among their bytes.
#[derive(Clone, Copy)]
pub struct Prototypes {
    /// How many there are.
    pub count: usize,
    /// Values of each.
    pub values: usize,
    /// The first byte of the first one's first value.
    pub first: usize,
    /// A row for each prototype.
    pub label: Matrix,
}

/// The scores of prototypes: each adds its labels, `e` to the power of its distance less.
#[inline(always)]
pub fn prototypes<const WEIGHT_BITS: u32, const CLASSES: usize>(
    it: &Prototypes,
    place: (impl Packed, usize),
    (whole, rest): (&'static Flash<u16, 16>, &'static Flash<u8, 32>),
    value: impl Fn(usize) -> i16,
) -> [i32; CLASSES] {
    let (bytes, first) = place;
    let mut scores = [0i32; CLASSES];
    let mut byte = first.wrapping_add(it.first);
    let mut labels = first.wrapping_add(it.label.first);
    let mut prototype = 0usize;
    while prototype != it.count {
        let mut distance = 0i32;
        let mut index = 0usize;
        while index != it.values {
            let low = bytes.byte(byte);
            let high = bytes.byte(byte.wrapping_add(1));
            let other = i16::from_le_bytes([low, high]);
            let difference = i32::from(value(index)).wrapping_sub(other.into());
            let difference = difference.clamp(-512, 512);
            distance = distance.wrapping_add(difference.wrapping_mul(difference));
            byte = byte.wrapping_add(2);
            index = index.wrapping_add(1);
        }
        let t = round_half_up(distance, 9).min(511) as usize;
        let nearness = (whole.get(t >> 5) as u32).wrapping_mul(rest.get(t & 31).into()) >> 8;
        crate::packed::for_each_weight::<WEIGHT_BITS, _>(
            &mut scores,
            bytes,
            labels,
            |score, weight| *score = score.wrapping_add(times(nearness as i32, weight)),
        );
        labels = labels.wrapping_add(it.label.row_bytes);
        prototype = prototype.wrapping_add(1);
    }
    scores
}
