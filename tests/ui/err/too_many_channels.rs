//! A dense layer makes as many channels as it likes, a separable one reads 255 at most.

herringbone::network! {
    Wide: [4, 4, 1] => < D(300), C2(4,1), D*(3) >,
}

fn main() {}
