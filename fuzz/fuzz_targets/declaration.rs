//! No text is a panic of the parser: it is a declaration or at least one error.
#![no_main]

use herringbone_compiler::syntax;
use libfuzzer_sys::fuzz_target;
use proc_macro2::TokenStream;

/// What declarations are made of, so that most inputs get past the first mark.
const WORDS: &[&str] = &[
    "N: [8, 8, 1] => <",
    "A",
    "M",
    "C1",
    "C2",
    "D",
    "Dr",
    "T",
    "R",
    "Add",
    "Cat",
    "N",
    "'skip",
    "'skip:",
    "'a: C1(8,3), ",
    "('skip)",
    "('a, 'skip)",
    "'input",
    "(all)",
    "(3)",
    ", stride: 2",
    ", padding: same",
    ", add: 'skip",
    "(8,3, padding: same, add: 'a)",
    "(8,3)",
    "(8,1x5)",
    "(10)",
    "(2)",
    "(1x2)",
    "(0.5)",
    "*",
    ",",
    ">",
    "<",
    ":",
    "=",
    "=>",
    "->",
    "::",
    ";",
    "#",
    "!",
    "|",
    "-",
    "'a",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "8",
    "16",
    "255",
    "256",
    "2048",
    "65535",
    "99999999999999999999999999",
    "1.5",
    "1e999",
    "5u8",
    "0x10",
    "3x",
    "x3",
    "\"\"",
    "\"a.safetensors\"",
    "b\"a\"",
    "'c'",
    "target",
    "sram",
    "flash",
    "weights",
    "bits",
    "reserve",
    "plan",
    "code",
    "biases",
    "activations",
    "atmega328p",
    "cortex",
    "row_major",
    "herringbone",
    "smallest",
    "streamed",
    "unrolled",
    "table",
    "runtime",
    "env!",
    "(\"NAME\")",
    "concat!",
    "pub",
    "(crate)",
    "(in crate::a)",
    "struct",
    "_",
    "r#fn",
    "N",
    "[255, 255, 255]",
    "[0, 8]",
    "#[doc = \"a\"]",
    "/// a\n",
    "// a\n",
    "D*(10) >,",
    "target: atmega328p,",
    "bits: { weights: 4 },",
];

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
    assert_eq!(parsed.declaration.is_some(), parsed.errors.is_empty());
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

/// A word a byte, and every delimiter closed.
fn declaration(bytes: &[u8]) -> String {
    let (mut text, mut open) = (String::new(), Vec::new());
    for byte in bytes {
        let word = WORDS[usize::from(*byte) % WORDS.len()];
        match word {
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" => {
                if open.last() == Some(&word) {
                    open.pop();
                } else {
                    continue;
                }
            }
            _ => {}
        }
        text += word;
        text.push(' ');
    }
    text.extend(open.into_iter().rev());
    text
}
