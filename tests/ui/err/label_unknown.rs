//! Labels that nobody has, or that come later.

herringbone::network! {
    pub A: [28, 28, 1] => < 'skip: C1(8,1), C1(8,1), Add('skp) >
}

herringbone::network! {
    pub B: [28, 28, 1] => < C1(8,1), Cat('left, 'right), D*(10) >
}

herringbone::network! {
    pub C: [28, 28, 1] => < C1(8,1), Add('later), 'later: C1(8,1) >
}

herringbone::network! {
    pub D: [28, 28, 1] => < 'skip: C1(8,1), T(3), 'nowhere, C1(8,3, add: 'skip) >
}

fn main() {}
