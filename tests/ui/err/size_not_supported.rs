//! A kernel or window of rows x columns is one literal, with supported sides.

herringbone::network! {
    Malformed: [28, 28, 1] => <
        C1(8,3x),
        C1(8,x3),
        C1(8,0x3),
        C1(8,0x3x3),
        C1(8,3x3x3),
        C1(8,1 x 3),
        M(2x),
        M(0x2)
    >,
}

herringbone::network! {
    NotSupported: [28, 28, 1] => <
        C1(8,12x3),
        C2(8,3x0),
        C1*(8,99999999999999999999x1),
        A(9x2),
        M(2, stride: 5x1)
    >,
}

fn main() {}
