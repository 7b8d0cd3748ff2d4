//! What computes an output, or a few at once, from its field.

pub(super) mod channels;
pub(super) mod concat;
pub(super) mod depthwise;
pub(super) mod input;
pub(super) mod kept;
pub(super) mod looped_products;
pub(super) mod multiples;
pub(super) mod passes;
pub(super) mod pool;
pub(super) mod rows;
pub(super) mod table;
pub(super) mod unrolled;
