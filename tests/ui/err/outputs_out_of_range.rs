//! A convolution has up to 255 outputs, a dense layer up to 65535.

herringbone::network! {
    Outputs: [28, 28, 1] => < C1(0,3), C2(256,3), D(0), D(65536), D*(99999999999999999999) >,
}

fn main() {}
