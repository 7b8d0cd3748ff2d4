//! A declaration whose parts come from another macro.

macro_rules! classifier {
    ($visibility:vis $name:ident, $side:literal, $classes:literal, $path:expr) => {
        herringbone::network! {
            $visibility $name: [$side, $side, 1] => < A, C1(2,3), D*($classes) >,
            weights: $path,
        }
    };
}

classifier!(pub(crate) First, 8, 3, concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"));
classifier!(Second, 8, 3, env!("HERRINGBONE_UI_RIGHT"));

fn main() {
    assert_eq!(First::new().run(&[0; 64]), Second::new().run(&[0; 64]));
}
