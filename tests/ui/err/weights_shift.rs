//! A shift leaves something of a sum.

herringbone::network! {
    Shifts: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/shifts.safetensors"),
}

fn main() {}
