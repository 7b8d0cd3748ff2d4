//! The class is the largest result, and a ReLU belongs to the layer before it.

herringbone::network! {
    Softmax: [8, 8, 1] => < C1(4,3), ReLU, D(3), Softmax >,
}

fn main() {}
