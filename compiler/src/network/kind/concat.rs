//! `Cat('a, …)`: the running map's channels, then those of labelled maps.

use super::{AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::sums::SumShape;
use std::fmt;

/// `Cat('a, …)`: maps of the same height, width and sign, channel by channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concat;

impl Rules for Concat {
    fn method(&self) -> Method {
        Method::Concatenation
    }

    fn reads(&self) -> Reads {
        Reads::Pixel
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::OfAllMaps
    }

    fn after_sums(&self) -> Option<AfterSums> {
        None
    }

    fn sums(&self, _: &Node) -> Vec<SumShape> {
        Vec::new()
    }
}

impl fmt::Display for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cat")
    }
}
