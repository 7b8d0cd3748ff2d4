//! What is said of a design that barely fits.

use crate::budget::Tight;
use crate::syntax::NetworkAst;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// A warning at the layer of the peak. Stable Rust has no other way for a macro
/// to warn than the use of something deprecated; `#[allow(deprecated)]` on the
/// declaration turns it off.
pub(crate) fn warning(ast: &NetworkAst, tight: &Tight) -> TokenStream {
    let message = tight.to_string();
    let span = ast.layer_tokens(tight.layer).span();
    let usage = quote_spanned!(span=> const _: () = sram_nearly_exceeded;);
    let conditions = super::conditions(&ast.attributes);
    let levels = ast.attributes.iter().filter(|attribute| {
        ["allow", "expect", "warn", "deny", "forbid"]
            .iter()
            .any(|level| attribute.path().is_ident(level))
    });
    quote! {
        #(#conditions)*
        #(#levels)*
        const _: () = {
            #[deprecated(note = #message)]
            const sram_nearly_exceeded: () = ();
            #usage
        };
    }
}
