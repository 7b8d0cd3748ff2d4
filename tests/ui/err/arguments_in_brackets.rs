//! Arguments stand in parentheses.

herringbone::network! {
    Brackets: [28, 28, 1] => < C1[5,3], D*{10} >,
}

fn main() {}
