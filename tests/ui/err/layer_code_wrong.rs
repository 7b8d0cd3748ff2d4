//! The one argument with a name.

herringbone::network! {
    Unknown: [28, 28, 1] => < C1(4, 3, code: tables), C1(4, 3, cod: table), C1(outputs: 4, 3), D*(10) >,
}

herringbone::network! {
    Unfinished: [28, 28, 1] => < C1(4, 3, code), C1(4, 3, code:), C1(4, 3, code = table), D*(code: table) >,
}

herringbone::network! {
    Twice: [28, 28, 1] => < C1(4, 3, code: table, code: unrolled), C2(4, 3, 1, code: table), D*(10) >,
}

fn main() {}
