//! Which items are there, by their `#[cfg(…)]`.

use std::collections::BTreeSet;

use cfg_expr::{Expression, Predicate};
use syn::{Attribute, Meta};

/// The condition of an item that is not there with these features, as it is
/// written. What else a condition may be about is not known: it may hold.
pub(crate) fn missing(attributes: &[Attribute], features: &BTreeSet<String>) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return None;
        };
        let condition = list.tokens.to_string();
        // The compiler reports what cannot be parsed here.
        let expression = Expression::parse(&condition).ok();
        let expression = expression.filter(|_| list.path.is_ident("cfg"))?;
        let holds = expression.eval(|predicate| match predicate {
            Predicate::Feature(name) => Some(features.contains(*name)),
            Predicate::Test => Some(false),
            _ => None,
        });
        (holds == Some(false)).then_some(condition)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_decide_and_what_is_not_known_does_not() {
        let features = BTreeSet::from(["a".to_owned()]);
        let is_there = |attribute: &str| {
            let item: syn::ItemFn = syn::parse_str(&format!("{attribute} fn f() {{}}")).unwrap();
            missing(&item.attrs, &features).is_none()
        };
        assert!(is_there(""));
        assert!(is_there("#[cfg(feature = \"a\")]"));
        assert!(!is_there("#[cfg(feature = \"b\")]"));
        assert!(!is_there(
            "#[cfg(not(any(feature = \"a\", feature = \"b\")))]"
        ));
        assert!(is_there("#[cfg(target_arch = \"avr\")]"));
        assert!(is_there("#[cfg(not(target_arch = \"avr\"))]"));
        assert!(!is_there("#[cfg(all(test, target_arch = \"avr\"))]"));
    }
}
