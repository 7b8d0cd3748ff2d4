//! Labels without what makes them one.

herringbone::network! {
    pub A: [28, 28, 1] => < skip: C1(8,1), Add('skip) >
}

herringbone::network! {
    pub B: [28, 28, 1] => < 'skip: C1(8,1), Add(skip) >
}

herringbone::network! {
    pub D: [28, 28, 1] => < 'skip C1(8,1), Add('skip) >
}

herringbone::network! {
    pub E: [28, 28, 1] => < 'a: 'b: C1(8,1), Add('a) >
}

herringbone::network! {
    pub F: [28, 28, 1] => < C1(8,1), Add, Cat(), Add(3) >
}

fn main() {}
