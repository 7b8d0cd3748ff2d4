//! Every visibility.

mod outer {
    pub mod inner {
        herringbone::network! { pub Public: [8, 8, 1] => < A > }
        herringbone::network! { pub(crate) Crate: [8, 8, 1] => < A > }
        herringbone::network! { pub(super) Super: [8, 8, 1] => < A > }
        herringbone::network! { pub(in crate::outer) In: [8, 8, 1] => < A > }
        herringbone::network! { Private: [8, 8, 1] => < A > }

        pub fn private() -> usize {
            Private::CLASSES
        }
    }

    pub fn classes() -> usize {
        inner::Super::CLASSES + inner::In::CLASSES
    }
}

fn main() {
    assert_eq!(outer::classes() + outer::inner::private(), 3 * 16);
    assert_eq!(outer::inner::Public::CLASSES + outer::inner::Crate::CLASSES, 2 * 16);
}
