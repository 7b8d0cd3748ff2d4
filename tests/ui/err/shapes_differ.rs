//! Maps that are joined and are not equal.

herringbone::network! {
    pub A: [12, 12, 3] => < 'a: C1(8,1), C1(8,3), Add('a), D*(10) >
}

herringbone::network! {
    pub B: [12, 12, 3] => < 'a: C1(8,1), C1(8,3, stride: 2, padding: same, add: 'a), D*(10) >
}

herringbone::network! {
    pub C: [12, 12, 3] => < 'a: C1(8,1), C1(16,3, stride: 2, padding: same), R(3), Add('a), D*(10) >
}

herringbone::network! {
    pub D: [12, 12, 3] => < 'a: C1(8,1, stride: 2), 'input, T(3, padding: same), Cat('a), D*(10) >
}

herringbone::network! {
    pub E: [12, 12, 3] => < 'a: C1(8,1), C1*(8,1), Cat('a), D*(10) >
}

fn main() {}
