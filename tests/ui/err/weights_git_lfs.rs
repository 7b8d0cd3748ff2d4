//! A pointer of Git LFS is not the weights file.

herringbone::network! {
    Pointer: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/git_lfs.safetensors"),
}

fn main() {}
