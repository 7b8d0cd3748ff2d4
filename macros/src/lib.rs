//! The procedural macro of `herringbone::network!`.

/// Expands one network declaration; reached through `herringbone::network!`,
/// which prepends the path by which the user's crate knows `herringbone`.
#[proc_macro]
pub fn expand_network(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    herringbone_compiler::expand(tokens.into()).into()
}
