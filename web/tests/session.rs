//! What the page gets as answers.

use std::fs;
use std::path::Path;

use herringbone_web::Session;
use serde_json::{Value, json};

const DIGITS: &str = "herringbone::network! {
    /// A digit.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    target: atmega328p,
    weights: \"digits.safetensors\",
}
";

fn ask(session: &mut Session, question: Value) -> Value {
    let answer = session.answer(question.to_string().as_bytes());
    serde_json::from_slice(&answer).unwrap()
}

fn plan(session: &mut Session, text: &str) -> Value {
    ask(session, json!({ "ask": "plan", "text": text }))
}

fn with_digits() -> Session {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template/digits.safetensors");
    let mut session = Session::default();
    session.set_weights(fs::read(file).unwrap());
    session
}

/// A text with the edits of a remedy; of ASCII alone, units of UTF-16 are bytes.
fn edited(text: &str, remedy: &Value) -> String {
    let mut text = text.to_owned();
    for edit in remedy["edits"].as_array().unwrap() {
        let place = |end: &str| edit[end].as_u64().unwrap() as usize;
        text.replace_range(place("start")..place("end"), edit["text"].as_str().unwrap());
    }
    text
}

#[test]
fn the_network_of_the_readme_is_planned_with_its_weights() {
    let answer = plan(&mut with_digits(), DIGITS);
    assert_eq!(answer["errors"], json!([]));
    assert_eq!(answer["weights"], "file");
    let view = &answer["view"];
    assert_eq!(
        (&view["arena_bytes"], &view["sram_bytes"]),
        (&json!(464), &json!(615))
    );
}

#[test]
fn every_remedy_is_a_click_with_which_the_design_fits() {
    let mut session = Session::default();
    let over = DIGITS
        .replace("    weights: \"digits.safetensors\",\n", "")
        .replace("C1(8,3)", "C1(180,3)");
    let mut followed = 0;
    for text in [
        over.clone(),
        over.replace("180", "60")
            .replace("328p", "8, plan: herringbone"),
    ] {
        let answer = plan(&mut session, &text);
        for error in answer["errors"].as_array().unwrap() {
            for remedy in error["remedies"].as_array().unwrap() {
                let changed = edited(&text, remedy);
                let after = plan(&mut session, &changed);
                assert_eq!(after["errors"], json!([]), "{}: {changed}", remedy["words"]);
                followed += 1;
            }
        }
    }
    assert!(followed > 2, "{followed}");
}

#[test]
fn weights_of_another_network_make_a_design_to_size_that_runs() {
    let mut session = with_digits();
    let answer = plan(&mut session, &DIGITS.replace("C1(8,3)", "C1(9,3)"));
    assert_eq!(answer["errors"], json!([]));
    assert_eq!(answer["weights"], "none");
    assert!(answer["note"].as_str().unwrap().contains("another network"));
    let input: Vec<u8> = (0..784).map(|pixel| (pixel * pixel % 256) as u8).collect();
    let outcome = ask(&mut session, json!({ "ask": "infer", "input": input }));
    for map in outcome["maps"].as_array().unwrap() {
        let values = map["values"].as_array().unwrap();
        assert!(
            values.iter().any(|it| *it != values[0]),
            "{}: invented weights make all values equal",
            map["name"]
        );
    }
    let code = ask(&mut session, json!({ "ask": "code" }));
    assert_eq!(code["invented"], true);
}

#[test]
fn a_file_with_other_items_and_several_networks_can_be_pasted() {
    let text = format!("// ü\nmod a {{ {DIGITS} }}\nfn main() {{ let a = 1; }}\n{DIGITS}");
    let text = text.replacen("Digits", "First", 1);
    let mut session = with_digits();
    let answer = plan(&mut session, &text);
    let names: Vec<&Value> = answer["networks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["First", "Digits"]);
    let second = ask(
        &mut session,
        json!({ "ask": "plan", "text": text, "network": 1 }),
    );
    assert_eq!(second["view"]["network"], "Digits");
}

#[test]
fn what_is_no_rust_at_all_is_an_error_at_its_place() {
    let mut session = Session::default();
    for text in [
        "",
        "\"",
        "network! { N: [",
        "network! {}",
        "🦀 ' \u{0}",
        "N: [1, 1, 1] => < D(1) >",
    ] {
        let answer = plan(&mut session, text);
        let wrong = !answer["errors"].as_array().unwrap().is_empty();
        assert_eq!(wrong, answer["view"].is_null(), "{text}");
    }
    let picture = ask(&mut session, json!({ "ask": "nonsense" }));
    assert!(picture["failed"].is_string());
}
