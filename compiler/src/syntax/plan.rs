//! The value of the key `plan`.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;

use super::ast::PlanAst;
use super::keys::Key;
use super::tokens::{Piece, alternatives, found, ident, integer, pieces, stream, trees};
use super::values::wrong;
use crate::declaration::PlanChoice;
use crate::diagnostic::Diagnostics;
use crate::plan::{Dataflow, InPlace, Strategy, orders, streamable};
use crate::spelling::nearest;

const PLANS: [&str; 5] = [
    "row_major",
    "herringbone",
    "segments",
    "streamed",
    "smallest",
];
const RESTS: [InPlace; 3] = [InPlace::RowMajor, InPlace::Herringbone, InPlace::Segments];

/// Reads a plan's name and what is in parentheses after it.
pub(super) fn read(value: &[TokenTree], errors: &mut Diagnostics) -> Option<PlanAst> {
    let (name, arguments) = match value {
        [TokenTree::Ident(name)] => (name, None),
        [TokenTree::Ident(name), TokenTree::Group(group)] => (name, Some(group)),
        _ => {
            wrong(Key::Plan, value, errors);
            return None;
        }
    };
    let choice = match name.to_string().as_str() {
        "row_major" => PlanChoice::Named(Strategy::ROW_MAJOR),
        "herringbone" => PlanChoice::Named(Strategy::HERRINGBONE),
        "segments" => PlanChoice::Named(Strategy::SEGMENTS),
        "smallest" => PlanChoice::Smallest,
        "streamed" => match arguments {
            Some(group) => return streamed(group, errors),
            None => PlanChoice::Named(Strategy::STREAMED),
        },
        _ => {
            errors.error(name, unknown(name));
            return None;
        }
    };
    if let Some(group) = arguments {
        let found = found(&[TokenTree::Group(group.clone())]);
        errors.error(group, format!("`{name}` takes no arguments, {found}"));
        return None;
    }
    Some(PlanAst {
        choice,
        layers_tokens: TokenStream::new(),
        order_tokens: name.to_token_stream(),
    })
}

/// Reads the arguments of `streamed`.
fn streamed(group: &Group, errors: &mut Diagnostics) -> Option<PlanAst> {
    const FORM: &str = "`streamed(2)` or `streamed(2, row_major)`";
    const LAYERS: &str = "how many layers to stream, such as `2`";
    if group.delimiter() != Delimiter::Parenthesis {
        let message = format!("expected the arguments in parentheses, {FORM}");
        errors.error(group, message);
        return None;
    }
    let inner = trees(group.stream());
    let given = pieces(&inner);
    let Some((layers, rests)) = given.split_first() else {
        let message = format!(
            "expected {LAYERS}, found nothing: leave the parentheses out to stream as many as \
             possible"
        );
        errors.error(group, message);
        return None;
    };
    let place = TokenTree::Group(group.clone());
    let count = integer(layers.trees, &place, LAYERS, errors);
    let rest = rests.first().map(|piece| rest(piece, &place, errors));
    if let Some(surplus) = rests.get(1..).filter(|surplus| !surplus.is_empty()) {
        let trees = surplus
            .iter()
            .flat_map(|piece| piece.trees.iter().chain(piece.comma));
        let at: TokenStream = trees.cloned().collect();
        let count = given.len();
        errors.error(
            at,
            format!("`streamed` takes two arguments at most, {FORM}, found {count}"),
        );
        return None;
    }
    // More layers than a list can have are reported as such.
    let streamed_layers = usize::try_from(count?).unwrap_or(usize::MAX);
    let choice = match rest {
        None => PlanChoice::Streamed {
            layers: streamed_layers,
        },
        Some(rest) => PlanChoice::Named(Strategy {
            streamed_layers,
            rest: rest?,
        }),
    };
    Some(PlanAst {
        choice,
        layers_tokens: stream(layers.trees),
        order_tokens: rests
            .first()
            .map(|rest| stream(rest.trees))
            .unwrap_or_default(),
    })
}

/// Reads the order of the layers that are not streamed.
fn rest(piece: &Piece<'_>, place: &TokenTree, errors: &mut Diagnostics) -> Option<InPlace> {
    let known = ident(piece.trees)
        .and_then(|name| RESTS.into_iter().find(|rest| *name == rest.to_string()));
    if known.is_none() {
        let at = match piece.trees {
            [] => stream(std::slice::from_ref(place)),
            trees => stream(trees),
        };
        let orders = alternatives(&RESTS.map(|rest| format!("`{rest}`")));
        let message = format!(
            "expected the order of the other layers, {orders}, {}",
            found(piece.trees)
        );
        errors.error(at, message);
    }
    known
}

fn unknown(name: &Ident) -> String {
    let hint = match nearest(&name.to_string(), PLANS) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    let form = Key::Plan.form();
    format!(
        "unknown plan `{name}`: {hint}expected {form}; without `plan`, the fastest that fits is \
         taken"
    )
}

/// Holds the number of layers to stream, and the order of the others, where they
/// were given, against the network.
pub(crate) fn check(plan: &PlanAst, flow: &Dataflow, errors: &mut Diagnostics) {
    let (layers, order) = match plan.choice {
        PlanChoice::Streamed { layers } => (layers, None),
        PlanChoice::Named(strategy) => (strategy.streamed_layers, Some(strategy.rest)),
        PlanChoice::Fastest | PlanChoice::Smallest => return,
    };
    let orders = orders(flow);
    if let Some(order) = order.filter(|order| !orders.contains(order)) {
        let orders = alternatives(&orders.iter().map(name).collect::<Vec<_>>());
        let message = format!(
            "`{order}` is an order of maps that one layer reads, and without padding: use {orders}"
        );
        errors.error(&plan.order_tokens, message);
    }
    // `streamed` and the plans in place name no number.
    if plan.layers_tokens.is_empty() {
        return;
    }
    let possible = streamable(flow);
    let (least, most) = (possible[0], possible[possible.len() - 1]);
    let reason = if possible.contains(&layers) {
        return;
    } else if layers < least {
        "a leading `A` averages bytes as they arrive"
    } else if layers < most {
        "the others end within a branch"
    } else if flow.computing_nodes().nth(most).is_none() {
        "no others compute anything"
    } else if flow.is_chain() {
        "the others read a single pixel"
    } else {
        "the others can't be computed as the input arrives"
    };
    let numbers = if possible.len() == most - least + 1 {
        format!("from {least} to {most}")
    } else {
        alternatives(&possible)
    };
    let tokens = &plan.layers_tokens;
    errors.error(
        tokens,
        format!("`streamed` takes {numbers} layers of this network, found {tokens}: {reason}"),
    );
}

fn name(order: &InPlace) -> String {
    format!("`{order}`")
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const NETWORK: &str = "N: [28, 28, 1] => < C1(5,3), M, Dr, C1(8,1), D(9), D*(10) >";

    fn choice(plan: &str) -> PlanChoice {
        let parsed = parse(format!("{NETWORK}, plan: {plan}").parse().unwrap());
        assert_eq!(parsed.errors.messages(), [""; 0], "{plan}");
        parsed.declaration.unwrap().plan
    }

    fn message(network: &str, plan: &str) -> String {
        let parsed = parse(format!("{network}, plan: {plan}").parse().unwrap());
        let messages = parsed.errors.messages();
        assert_eq!(messages.len(), 1, "{plan}: {messages:?}");
        messages.into_iter().next().unwrap()
    }

    #[test]
    fn every_plan_is_read() {
        let named = |streamed_layers, rest| {
            PlanChoice::Named(Strategy {
                streamed_layers,
                rest,
            })
        };
        for (plan, expected) in [
            ("row_major", PlanChoice::Named(Strategy::ROW_MAJOR)),
            ("herringbone", PlanChoice::Named(Strategy::HERRINGBONE)),
            ("streamed", PlanChoice::Named(Strategy::STREAMED)),
            ("segments", PlanChoice::Named(Strategy::SEGMENTS)),
            ("smallest", PlanChoice::Smallest),
            ("streamed(0)", PlanChoice::Streamed { layers: 0 }),
            ("streamed(4,)", PlanChoice::Streamed { layers: 4 }),
            ("streamed(2, row_major)", named(2, InPlace::RowMajor)),
            (
                "streamed(0x3, herringbone,)",
                named(3, InPlace::Herringbone),
            ),
        ] {
            assert_eq!(choice(plan), expected, "{plan}");
        }
    }

    #[test]
    fn what_no_plan_is_gets_one_error_that_says_what_is() {
        for (plan, expected) in [
            (
                "streemed(2)",
                "unknown plan `streemed`: did you mean `streamed`? expected `row_major`,",
            ),
            ("fastest", "without `plan`, the fastest that fits is taken"),
            ("\"row_major\"", "`plan` takes `row_major`, `herringbone`,"),
            ("streamed(2)(3)", "found `streamed(2)(3)`"),
            (
                "row_major(2)",
                "`row_major` takes no arguments, found `(2)`",
            ),
            ("smallest()", "`smallest` takes no arguments, found `()`"),
            (
                "streamed()",
                "found nothing: leave the parentheses out to stream as many as possible",
            ),
            (
                "streamed[2]",
                "expected the arguments in parentheses, `streamed(2)`",
            ),
            (
                "streamed(two)",
                "expected how many layers to stream, such as `2`, found `two`",
            ),
            (
                "streamed(2u8)",
                "found `2u8`: write the number without a suffix",
            ),
            ("streamed(-1)", "such as `2`, found `-1`"),
            ("streamed(, row_major)", "such as `2`, found nothing"),
            ("streamed(row_major)", "such as `2`, found `row_major`"),
            (
                "streamed(2, smallest)",
                "`row_major`, `herringbone` or `segments`, found `smallest`",
            ),
            (
                "streamed(2, row_major, 3)",
                "`streamed` takes two arguments at most,",
            ),
            (
                "streamed(5)",
                "from 0 to 4 layers of this network, found 5: the others read a single pixel",
            ),
            (
                "streamed(99999999999999999999, herringbone)",
                "from 0 to 4 layers",
            ),
        ] {
            let messages = message(NETWORK, plan);
            assert!(messages.contains(expected), "{plan}: {messages}");
        }
    }

    #[test]
    fn the_number_of_layers_is_held_against_the_network() {
        let averages = "N: [28, 28, 1] => < Dr, A, C1(8,3), M, Dr >";
        assert_eq!(
            message(averages, "streamed(0)"),
            "`streamed` takes from 1 to 3 layers of this network, found 0: a leading `A` averages \
             bytes as they arrive"
        );
        assert_eq!(
            message(averages, "streamed(4, row_major)"),
            "`streamed` takes from 1 to 3 layers of this network, found 4: no others compute \
             anything"
        );
    }
    #[test]
    fn a_graph_is_streamed_up_to_where_it_does_not_branch() {
        let residual =
            "N: [12, 12, 1] => < 'a: C1(4,3), C1(4,3, padding: same), Add('a), M, D(3) >";
        assert_eq!(
            message(residual, "herringbone"),
            "`herringbone` is an order of maps that one layer reads, and without padding: use \
             `row_major` or `segments`"
        );
        assert_eq!(
            message(residual, "streamed(9)"),
            "`streamed` takes from 0 to 5 layers of this network, found 9: no others compute \
             anything"
        );
    }
}
