//! The same model with its operators in another order.
pub struct Reordered;
pub fn reorder() {}
