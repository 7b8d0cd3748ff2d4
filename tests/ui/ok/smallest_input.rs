//! The smallest input.

herringbone::network! {
    N: [1, 1, 1] => < C1(1,1) >,
}

fn main() {
    assert_eq!(N::CLASSES, 1);
}
