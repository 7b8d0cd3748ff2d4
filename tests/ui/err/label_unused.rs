//! Labels, and ends of branches, that nobody reads.

herringbone::network! {
    pub A: [28, 28, 1] => < 'skip: C1(8,1), D*(10) >
}

herringbone::network! {
    pub B: [28, 28, 1] => < 'skip: C1(8,1), D(10), 'skip, M, D*(10) >
}

herringbone::network! {
    pub C: [28, 28, 1] => < 'skip: C1(8,1), M, 'skip >
}

herringbone::network! {
    pub D: [28, 28, 1] => < 'skip: C1(8,1), 'skip: C1(8,1), Add('skip) >
}

herringbone::network! {
    pub E: [28, 28, 1] => < 'input: C1(8,1), Add('input) >
}

fn main() {}
