//! A star leaves out an activation: pooling and dropout have none.

herringbone::network! {
    Stars: [28, 28, 1] => < A*, M*(2), Dr*(0.5), D*(10) >,
}

fn main() {}
