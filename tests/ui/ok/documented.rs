//! Doc comments and other attributes stay on the type, and nothing public is undocumented.

#![deny(missing_docs)]

herringbone::network! {
    /// Digits.
    ///
    /// Of ten classes.
    #[derive(Clone)]
    #[cfg_attr(any(), cfg(any()))]
    pub Digits: [8, 8, 1] => < A, D*(10) >,
}

fn main() {
    assert_eq!(Digits::new().clone().into_classes(), 10);
}

impl Digits {
    fn into_classes(self) -> usize {
        Self::CLASSES
    }
}
