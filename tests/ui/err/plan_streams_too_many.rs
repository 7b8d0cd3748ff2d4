//! As many layers as the network has can be streamed, up to a map of one pixel;
//! a leading `A` always is.

herringbone::network! {
    TooMany: [28, 28, 1] => < A, C1(5,3), Dr, D*(10) >,
    plan: streamed(4),
}

herringbone::network! {
    BehindOnePixel: [28, 28, 1] => < C1(5,3), D(20), D*(10) >,
    plan: streamed(3, row_major),
}

herringbone::network! {
    TooFew: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    plan: streamed(0),
}

fn main() {}
