//! No text is a panic of the parser: it is a declaration or at least one error.
#![no_main]

use herringbone_compiler::syntax;
use herringbone_fuzz::declaration;
use libfuzzer_sys::fuzz_target;
use proc_macro2::TokenStream;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let text = match first % 2 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        _ => declaration(rest),
    };
    let Ok(tokens) = text.parse::<TokenStream>() else {
        return;
    };
    let parsed = syntax::parse(tokens);
    let is_right = parsed.declaration.is_some() || parsed.model.is_some();
    assert_eq!(is_right, parsed.errors.is_empty());
    assert!(parsed.ast.is_some() || !parsed.errors.is_empty());
    let messages = parsed.errors.messages();
    assert!(
        messages
            .iter()
            .all(|message| !message.is_empty() && !message.ends_with('.'))
    );
    assert_eq!(
        parsed.errors.to_compile_errors(&[]).is_empty(),
        messages.is_empty()
    );
});
