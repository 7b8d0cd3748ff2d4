//! Declarations in a text, and changes of them as edits of it.

use std::ops::Range;

use proc_macro2::{Delimiter, LineColumn, Span, TokenStream, TokenTree};

use super::ast::{ItemAst, NetworkAst};
use super::tokens::is_punct;
use crate::budget::Change;

/// A part of a text, and what to put in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the text.
    pub range: Range<usize>,
    pub text: String,
}

/// What is in the braces of every `network! { … }` of those tokens, however deep, in their
/// order. Nothing else of the text has to be right.
pub fn declarations(tokens: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else {
            continue;
        };
        let before = at.checked_sub(2).map(|start| &trees[start..at]);
        match before {
            Some([TokenTree::Ident(name), mark])
                if name == "network"
                    && is_punct(Some(mark), '!')
                    && group.delimiter() != Delimiter::None =>
            {
                found.push(group.stream());
            }
            _ => found.extend(declarations(group.stream())),
        }
    }
    found
}

/// The byte of a text at a place: lines are counted from 1, columns in letters from 0.
pub fn offset(text: &str, place: LineColumn) -> usize {
    let lines = text.split_inclusive('\n');
    let before: usize = lines
        .clone()
        .take(place.line.saturating_sub(1))
        .map(str::len)
        .sum();
    let line = lines
        .clone()
        .nth(place.line.saturating_sub(1))
        .unwrap_or_default();
    let letters = line.chars().take(place.column);
    before + letters.map(char::len_utf8).sum::<usize>()
}

/// The bytes of a text that a span is about.
pub fn range(text: &str, span: Span) -> Range<usize> {
    let start = offset(text, span.start());
    start..offset(text, span.end()).max(start)
}

/// The bytes of a text from the first of those tokens to the last; `None` where there is none.
pub fn range_of(text: &str, tokens: &TokenStream) -> Option<Range<usize>> {
    let mut tokens = tokens.clone().into_iter();
    let first = tokens.next()?.span();
    let last = tokens.last().map_or(first, |last| last.span());
    Some(range(text, first).start..range(text, last).end)
}

impl NetworkAst {
    /// Changes as edits of the text that the declaration was parsed from, the last one
    /// first; `None` where a part that is to change is not in it.
    pub fn edits(&self, text: &str, changes: &[Change]) -> Option<Vec<Edit>> {
        let edits = changes.iter().map(|change| self.edit(text, change));
        let mut edits = edits.collect::<Option<Vec<Edit>>>()?;
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
        Some(edits).filter(|edits| !edits.is_empty())
    }

    /// The text that the declaration was parsed from with another list, `< … >`, and with
    /// these changes of keys; `None` where a part that is to change is not in it.
    pub fn with_list(&self, text: &str, list: &str, keys: &[Change]) -> Option<String> {
        let mut edits = vec![Edit {
            range: range_of(text, &self.list.tokens)?,
            text: list.to_owned(),
        }];
        edits.extend(self.edits(text, keys).unwrap_or_default());
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
        let mut changed = text.to_owned();
        for Edit { range, text } in edits {
            changed.replace_range(range, &text);
        }
        Some(changed)
    }

    fn edit(&self, text: &str, change: &Change) -> Option<Edit> {
        match change {
            Change::Layer {
                layer,
                text: written,
            } => Some(Edit {
                range: after_label(text, self.list.layers().nth(layer.0)?)?,
                text: written.clone(),
            }),
            Change::Outputs { layer, outputs } => {
                let item = self.list.layers().nth(layer.0)?;
                Some(Edit {
                    range: range_of(text, &item.outputs_tokens)?,
                    text: outputs.to_string(),
                })
            }
            Change::Key { key, value } => {
                let given = self.keys.iter().find(|it| it.key.name() == *key);
                match (given, value) {
                    (Some(given), Some(value)) => Some(Edit {
                        range: range_of(text, &given.value)?,
                        text: value.clone(),
                    }),
                    (Some(given), None) => {
                        let start = range(text, given.name.span()).start;
                        let end = range_of(text, &given.value)?.end;
                        Some(Edit {
                            range: with_comma(text, start..end),
                            text: String::new(),
                        })
                    }
                    (None, Some(value)) => {
                        let last = self.keys.last().map_or(&self.list.tokens, |key| &key.value);
                        let end = range_of(text, last)?.end;
                        Some(Edit {
                            range: end..end,
                            text: format!(",\n{}{key}: {value}", indentation(text, self)),
                        })
                    }
                    (None, None) => None,
                }
            }
        }
    }
}

/// A layer without its label.
fn after_label(text: &str, item: &ItemAst) -> Option<Range<usize>> {
    let all = range_of(text, &item.tokens)?;
    if item.label.is_none() {
        return Some(all);
    }
    let after_colon = item
        .tokens
        .clone()
        .into_iter()
        .skip_while(|tree| !is_punct(Some(tree), ':'))
        .nth(1)?;
    Some(range(text, after_colon.span()).start..all.end)
}

/// With the spaces and the line's end before it, and the comma after it.
fn with_comma(text: &str, range: Range<usize>) -> Range<usize> {
    let after = &text[range.end..];
    let spaces = after.len() - after.trim_start().len();
    let comma = match after.trim_start().starts_with(',') {
        true => spaces + 1,
        false => 0,
    };
    text[..range.start].trim_end().len()..range.end + comma
}

/// The spaces before the line that the name is in.
fn indentation<'t>(text: &'t str, ast: &NetworkAst) -> &'t str {
    let start = range(text, ast.name.span()).start;
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let rest = &text[line..];
    &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::network::LayerId;

    fn edited(text: &str, changes: &[Change]) -> String {
        let found = declarations(text.parse().unwrap());
        let ast = parse(found[0].clone()).ast.unwrap();
        let mut edited = text.to_owned();
        for Edit { range, text } in ast.edits(text, changes).unwrap() {
            edited.replace_range(range, &text);
        }
        edited
    }

    #[test]
    fn columns_are_letters() {
        let place = LineColumn { line: 2, column: 2 };
        assert_eq!(offset("a\nü×b\n", place), 2 + 4);
    }

    #[test]
    fn changes_are_edits_of_just_what_they_name() {
        let text = "// ü\nfn f() { herringbone::network! {\n    /// ×\n    N: [9, 9, 1] => \
                    < 'a: C1(4,3), 'b: C1(4,3, padding: same), Add('a) >,\n    target: attiny85,\n    \
                    code: table,\n} }";
        let layer = |layer| LayerId(layer);
        let changes = [
            Change::Outputs {
                layer: layer(0),
                outputs: 12,
            },
            Change::Layer {
                layer: layer(1),
                text: "C1(12,1)".to_owned(),
            },
            Change::Key {
                key: "target",
                value: Some("atmega8".to_owned()),
            },
            Change::Key {
                key: "code",
                value: None,
            },
            Change::Key {
                key: "plan",
                value: Some("smallest".to_owned()),
            },
        ];
        let expected = "// ü\nfn f() { herringbone::network! {\n    /// ×\n    N: [9, 9, 1] => \
                        < 'a: C1(12,3), 'b: C1(12,1), Add('a) >,\n    target: atmega8,\n} }";
        assert_eq!(edited(text, &changes[..4]), expected);
        let found = declarations(text.parse().unwrap());
        let ast = parse(found[0].clone()).ast.unwrap();
        assert_eq!(
            ast.with_list(text, "< D*(2) >", &changes[3..4]).unwrap(),
            "// ü\nfn f() { herringbone::network! {\n    /// ×\n    N: [9, 9, 1] => \
             < D*(2) >,\n    target: attiny85,\n} }"
        );
        let added = edited(text, &changes[4..]);
        assert!(
            added.contains("code: table,\n    plan: smallest,\n}"),
            "{added}"
        );
    }
}
