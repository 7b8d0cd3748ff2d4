//! A dense layer makes as many channels as it likes, a layer over pixels reads 255 at most.

herringbone::network! {
    Wide: [4, 4, 1] => < D(300), C2(4,1), D*(3) >,
}

herringbone::network! {
    Concatenated: [4, 4, 1] => < 'a: C1(200,1), C1(100,1), Cat('a), D*(3) >,
}

herringbone::network! {
    TooLarge: [65535, 65535, 1] => < C1(4,1), D*(3) >,
}

fn main() {}
