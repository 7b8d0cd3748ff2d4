//! `cargo herringbone plan` as its users call it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn plan(file: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"))
        .args(["herringbone", "plan"])
        .arg(fixture(file))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// What is printed, of a plan that fits.
fn text(file: &str, arguments: &[&str]) -> String {
    let output = plan(file, arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).to_owned()
}

/// What is said of a call that fails.
fn failure(file: &str, arguments: &[&str]) -> String {
    let output = plan(file, arguments);
    assert!(!output.status.success(), "{}", stdout(&output));
    stderr(&output).to_owned()
}

#[test]
fn a_network_in_a_function_is_found_and_its_plan_printed() {
    let text = text("sized.rs", &[]);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("Digits on atmega328p: plan "), "{text}");
    for layer in ["A", "C1(5,3)", "C1(8,3)", "C1(11,3)", "M", "D*(10)"] {
        let mut lines = text.lines().map(str::trim);
        assert!(lines.any(|line| line.starts_with(layer)), "{layer}: {text}");
    }
    assert!(text.contains("▼ peak: "), "{text}");
    assert_eq!(text.matches('►').count(), 1, "one plan is chosen: {text}");
    assert!(!text.contains('\u{1b}'), "no colours but to a terminal");
}

#[test]
fn networks_for_pictures_fit_what_is_said_of_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pictures/src/lib.rs");
    let planned = |name: &str| -> Value {
        let text = text(file.to_str().unwrap(), &["--network", name, "--json"]);
        serde_json::from_str(&text).unwrap()
    };
    // Flash is that of the tables alone, there being no target.
    let small = planned("Pictures8");
    let bytes = |key: &str| small[key].as_u64().unwrap();
    assert!(bytes("arena_bytes") + bytes("flash_bytes") <= 8 * 1024);
    let larger = planned("Pictures16");
    assert_eq!(larger["target"], json!("atmega328p"));
    assert_eq!(larger["fits"], json!(true));
}

#[test]
fn networks_are_found_in_other_files_and_by_features() {
    let second = text("several.rs", &["--network", "Second", "--features", "more"]);
    assert!(second.starts_with("Second: plan "), "{second}");
    let elsewhere = plan("several.rs", &["--network", "Elsewhere"]);
    assert!(stdout(&elsewhere).contains("there.rs:1"));
    let note = stderr(&elsewhere);
    assert!(note.contains("HERRINGBONE_TEST_UNSET_WEIGHTS"), "{note}");
    assert!(note.contains("design to size"), "{note}");
}

#[test]
fn of_several_networks_one_has_to_be_named() {
    for arguments in [&[][..], &["--network", "Third"]] {
        let message = failure("several.rs", arguments);
        assert!(message.contains("`First`"), "{message}");
        assert!(message.contains("`Elsewhere`"), "{message}");
        assert!(!message.contains("`Second`"), "it is not there: {message}");
    }
}

#[test]
fn a_file_without_a_network_says_where_it_was_looked_for() {
    let message = failure("none.rs", &[]);
    assert!(message.contains("none.rs"), "{message}");
    assert!(message.contains("`mod missing;`"), "{message}");
    let message = failure("not_there.rs", &[]);
    assert!(message.contains("cannot read"), "{message}");
}

#[test]
fn a_wrong_declaration_is_reported_at_its_place() {
    let message = failure("wrong.rs", &[]);
    assert!(message.contains("wrong.rs:2:36"), "{message}");
}

#[test]
fn an_image_with_its_channels_first_is_warned_of() {
    let output = plan("channels_first.rs", &[]);
    assert!(output.status.success());
    let warning = stderr(&output);
    assert!(warning.contains("warning: the shape is rows, columns, channels"));
    assert!(warning.contains("did you mean `[32, 32, 3]`?"));
}

#[test]
fn a_design_that_is_over_its_budget_is_shown_and_fails() {
    let output = plan("over.rs", &[]);
    assert!(!output.status.success());
    let message = stderr(&output);
    assert!(message.contains("over budget"), "{message}");
    assert!(message.contains("over.rs:2:57"), "{message}");
    assert!(stdout(&output).contains("it does not fit"));
    let (_, needed) = message.split_once("the network needs ").unwrap();
    let needed: u32 = needed.split(' ').next().unwrap().parse().unwrap();
    let short = format!("no: SRAM {} short", needed - 2048);
    assert!(stdout(&output).contains(&short), "{short}");
}

#[test]
fn another_plan_is_had_by_its_name() {
    let arena_bytes = |plan: &str| {
        let json = text("sized.rs", &["--json", "--plan", plan]);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["plan"], plan);
        json["arena_bytes"].as_u64().unwrap()
    };
    assert_eq!(arena_bytes("row_major"), 464);
    assert_eq!(arena_bytes("herringbone"), 431);
    assert!(arena_bytes("streamed") < 300);
    let message = failure("sized.rs", &["--plan", "fishbone"]);
    assert!(message.contains("herringbone"), "{message}");
}

#[test]
fn json_has_what_is_printed() {
    let json: Value = serde_json::from_str(&text("sized.rs", &["--json"])).unwrap();
    assert_eq!(json["network"], "Digits");
    assert_eq!(json["sram_budget_bytes"], 2048);
    assert_eq!(json["layers"][2]["layer"], "C1(8,3)");
    let held = json["peak"]["held"].as_array().unwrap();
    let held: f64 = held.iter().map(|it| it["bytes"].as_f64().unwrap()).sum();
    assert_eq!(json["peak"]["live_bytes"], held);
    let live = json["time"]["live_bytes"].as_array().unwrap();
    let most = live.iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    assert_eq!(most, held, "the peak is the most that is ever in use");
    let plans = json["alternatives"].as_array().unwrap();
    let chosen = plans.iter().filter(|plan| plan["is_chosen"] == true);
    let chosen: Vec<_> = chosen.map(|plan| &plan["arena_bytes"]).collect();
    assert_eq!(chosen, [&json["arena_bytes"]]);
}

#[test]
fn a_graph_is_reported_by_its_labels() {
    let plan: Value = serde_json::from_str(&text("graph.rs", &["--json"])).unwrap();
    let layers = plan["layers"].as_array().unwrap();
    let find = |name: &str| layers.iter().find(|it| it["layer"] == name).unwrap();
    assert_eq!(find("'left: C1(4,1)")["label"], "left");
    assert_eq!(find("R(3) second")["reads"], json!(["R(3) first", "'stem"]));
    assert_eq!(find("'stem, T(1)")["reads"], json!(["'stem"]));
    let printed = text("graph.rs", &[]);
    for name in ["'stem: C1(4,3)", "C1(4,1, add: 'stem)", "Cat('left)"] {
        assert!(printed.contains(name), "{name}: {printed}");
    }
    let svg = text("graph.rs", &["--svg", "-"]);
    roxmltree::Document::parse(&svg).unwrap();
    assert!(svg.contains(">'left: C1(4,1)</text>"), "{svg}");
}

#[test]
fn pictures_are_well_formed_and_name_every_layer() {
    for plan in [
        "row_major",
        "herringbone",
        "streamed",
        "streamed(3,row_major)",
    ] {
        let svg = text("sized.rs", &["--plan", plan, "--svg", "-"]);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts = document
            .descendants()
            .filter(|node| node.has_tag_name("text"));
        let texts: Vec<_> = texts.filter_map(|node| node.text()).collect();
        for layer in [
            "A 14×14×1",
            "C1(5,3)",
            "C1(8,3)",
            "C1(11,3)",
            "M 4×4×11",
            "D*(10)",
        ] {
            assert!(
                texts.iter().any(|text| text.starts_with(layer)),
                "{plan}: {layer}"
            );
        }
        assert!(
            texts.iter().any(|text| text.starts_with("peak: ")),
            "{plan}"
        );
    }
}

#[test]
fn a_picture_is_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan.svg");
    text("sized.rs", &["--svg", out.to_str().unwrap()]);
    let svg = std::fs::read_to_string(&out).unwrap();
    roxmltree::Document::parse(&svg).unwrap();
    let message = failure("sized.rs", &["--json", "--svg", "-"]);
    assert!(message.contains("give --svg a file"), "{message}");
}
