//! What may not be meant, as warnings.

use crate::notice::Notice;
use crate::syntax::NetworkAst;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

/// A warning at what the notice is about. Stable Rust has no other way for a macro
/// to warn than the use of something deprecated; `#[allow(deprecated)]` on the
/// declaration turns it off.
pub(crate) fn warning(ast: &NetworkAst, notice: &Notice) -> TokenStream {
    let Notice {
        origin,
        name,
        message,
    } = notice;
    let span = ast
        .tokens_of(*origin)
        .map_or(ast.name.span(), |tokens| tokens.span());
    let (name, used) = (
        format_ident!("{name}"),
        format_ident!("{name}", span = span),
    );
    let usage = quote_spanned!(span=> const _: () = #used;);
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
            const #name: () = ();
            #usage
        };
    }
}
