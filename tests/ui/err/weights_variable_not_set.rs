//! A path of an environment variable that is not set.

herringbone::network! {
    NotSet: [28, 28, 1] => < A, D*(10) >,
    weights: env!("HERRINGBONE_NO_SUCH_VARIABLE"),
}

fn main() {}
