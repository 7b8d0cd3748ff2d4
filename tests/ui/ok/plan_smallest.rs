//! `plan: smallest`.

herringbone::network! {
    N: [28, 28, 1] => < A, C1(5,3), C1(8,3), M, D*(10) >,
    plan: smallest,
}

fn main() {
    assert!(N::ARENA_BYTES > 0);
}
