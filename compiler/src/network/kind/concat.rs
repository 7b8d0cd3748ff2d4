//! `Cat('a, …)`: the running map's channels, then those of labelled maps.

use super::{Activation, Rules};
use crate::network::node::Node;
use crate::network::shape::Shape;
use crate::network::sums::SumShape;
use crate::network::window::{ReceptiveField, Window};
use std::fmt;

/// `Cat('a, …)`: maps of the same height, width and sign, channel by channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concat;

impl Rules for Concat {
    fn field(&self, input: Shape) -> ReceptiveField {
        ReceptiveField::pixelwise(input)
    }

    fn window(&self) -> Option<Window> {
        None
    }

    fn channels(&self, reads: &[Shape]) -> u32 {
        let channels = reads.iter().map(|shape| shape.channels);
        channels.fold(0, u32::saturating_add)
    }

    fn activation(&self) -> Option<Activation> {
        None
    }

    fn sums(&self, _: &Node) -> Vec<SumShape> {
        Vec::new()
    }

    fn adds(&self) -> bool {
        false
    }

    fn outputs(&self) -> Option<u32> {
        None
    }

    fn reads_pixels(&self) -> bool {
        true
    }
}

impl fmt::Display for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cat")
    }
}
