//! Data as people have them, from what is said of them to the weights.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A package with a network of 8×8 inputs, and tables of bars, across or down, for it.
struct Package(TempDir);

/// How bars are drawn.
struct Bars {
    /// Examples for training of each class, and for testing.
    training: [usize; 2],
    testing: [usize; 2],
    /// The greatest value of the background and of a bar.
    dark: u32,
    bright: u32,
}

const EVEN: Bars = Bars {
    training: [120, 120],
    testing: [30, 30],
    dark: 100,
    bright: 255,
};

impl Package {
    fn new(layers: &str, bars: &Bars) -> Self {
        let package = Self(tempfile::tempdir().unwrap());
        let source = format!(
            "herringbone::network! {{ Bars: [8, 8, 1] => < {layers} >, \
             weights: \"bars.safetensors\" }}"
        );
        package.write("Cargo.toml", "[package]\nname = \"bars\"\n");
        package.write("main.rs", &source);
        package.write("data/train.csv", &table(bars.training, bars, 1));
        package.write("data/test.csv", &table(bars.testing, bars, 2));
        package
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"))
            .current_dir(self.0.path())
            .arg("herringbone")
            .args(arguments.split_whitespace())
            .output()
            .unwrap()
    }

    /// What is printed by a command that succeeds.
    fn printed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

/// A table of bars: 64 pixels, and whether the bar is a row (`across`) or a column (`down`).
fn table(counts: [usize; 2], bars: &Bars, seed: u32) -> String {
    let mut state = seed;
    let mut random = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % (most + 1)
    };
    let mut text = (0..64).map(|at| format!("pixel{at},")).collect::<String>() + "label\n";
    for (class, count) in ["across", "down"].into_iter().zip(counts) {
        for _ in 0..count {
            let bar = random(7);
            for at in 0..64 {
                let place = if class == "across" { at / 8 } else { at % 8 };
                let value = if place == bar {
                    bars.bright
                } else {
                    random(bars.dark)
                };
                text.push_str(&format!("{value},"));
            }
            text.push_str(&format!("{class}\n"));
        }
    }
    text
}

const LAYERS: &str = "C1(6,3), M, D*(2)";
const SHORT: &str = "train main.rs --data data --epochs 16 --batch-size 16 --no-augmentation";

fn test_percent(printed: &str) -> f64 {
    let (_, test) = printed.split_once("\ntest: ").expect(printed);
    test.split(' ').next().unwrap().parse().unwrap()
}

/// The words of a class's row in a table.
fn row<'a>(printed: &'a str, class: &str) -> Vec<&'a str> {
    let mut rows = printed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| {
        row.first().is_some_and(|it| it.parse::<u32>().is_ok()) && row.get(1) == Some(&class)
    });
    row.unwrap_or_else(|| panic!("no row of {class}: {printed}"))
}

#[test]
fn a_data_set_is_described_before_anything_is_trained() {
    let bars = Bars {
        training: [60, 20],
        testing: [5, 0],
        dark: 3,
        bright: 16,
    };
    let package = Package::new(LAYERS, &bars);
    let printed = package.printed("data data --pictures samples.png");
    for expected in [
        "80 for training, 5 for test, 2 classes, each input 1×64×1",
        "(count − 0) · 255 >> 4",
        "warning: class down has no example for test",
        "warning: the classes are unequal",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    assert_eq!(row(&printed, "across")[2..], ["60", "5"]);
    assert!(
        fs::read(package.path("samples.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
}

#[test]
fn values_of_any_range_are_learnt_named_and_tried_again_with_the_same_result() {
    let bars = Bars {
        dark: 3,
        bright: 16,
        ..EVEN
    };
    let package = Package::new(LAYERS, &bars);
    let printed = package.printed(SHORT);
    assert!(
        printed.contains("values of 0 to 16 are scaled to bytes"),
        "{printed}"
    );
    let percent = test_percent(&printed);
    assert!(percent >= 90.0, "{printed}");

    let report = package.text("bars.report.md");
    assert!(report.contains("| 0 | across | "), "{report}");
    assert!(report.contains("| 1 | down | "), "{report}");
    assert!(
        report.contains("by `run_raw` and `push_raw`: (count − 0) · 255 >> 4"),
        "{report}"
    );
    assert!(
        report.contains("accuracy, validation, before quantisation"),
        "{report}"
    );

    let again = package.printed("evaluate main.rs --data data --out tried");
    assert!(again.contains(&format!("test: {percent:.2} %")), "{again}");
    assert!(package.path("tried.confusion.svg").exists());
    let simulator = PathBuf::from(env!("CARGO_BIN_EXE_cargo-herringbone"));
    let simulator = simulator.with_file_name("herringbone-simulate-network");
    if simulator.exists() {
        let on = package.printed("evaluate main.rs --data data --on atmega328p");
        assert!(
            on.contains("on atmega328p: the same classes; cycles: ")
                && on.contains("(never above ")
                && on.contains("longest `push`: "),
            "{on}"
        );
    } else {
        eprintln!(
            "not tried in the simulator: {} is not built",
            simulator.display()
        );
    }
    for (part, expected) in [
        ("atmega328q", "no part is called `atmega328q`; near it are "),
        (
            "rp2040",
            "`rp2040` does not run code for AVR: only AVR parts are simulated",
        ),
        ("attiny13a", "on attiny13a: over budget"),
    ] {
        let output = package.run(&format!("evaluate main.rs --data data --on {part}"));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains(expected),
            "{part}: {told}"
        );
    }
    let row: String = (0..8).map(|_| "0,0,0,16,0,0,0,0\n").collect();
    package.write("one.csv", &row);
    let told = package.printed("predict main.rs one.csv");
    assert!(told.contains("down"), "{told}");
    let other = package.text("main.rs").replace("C1(6,3)", "C1*(6,3)");
    package.write("main.rs", &other);
    let output = package.run("evaluate main.rs --data data");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && told.contains("were trained for"),
        "{told}"
    );
}

#[test]
fn inputs_that_are_all_the_same_are_reported() {
    let bars = Bars {
        dark: 0,
        bright: 0,
        ..EVEN
    };
    let package = Package::new(LAYERS, &bars);
    let printed = package.printed("data data");
    assert!(
        printed.contains("is the same for every example"),
        "{printed}"
    );
    let printed = package.printed(&SHORT.replace("--epochs 16", "--epochs 2"));
    assert!(
        printed.contains("is the same for every example"),
        "{printed}"
    );
    assert!(
        printed.contains("no better than always answering the commonest class (50.00 %)"),
        "{printed}"
    );
    assert!(
        printed.contains("is never answered: 0 of its 30 test"),
        "{printed}"
    );
}

#[test]
fn a_rare_class_counts_as_much_and_each_class_has_a_row() {
    let bars = Bars {
        training: [300, 30],
        testing: [60, 30],
        ..EVEN
    };
    let package = Package::new(LAYERS, &bars);
    let printed = package.printed(SHORT);
    assert!(
        printed.contains("the classes are unequal (across "),
        "{printed}"
    );
    assert!(printed.contains("mean of the classes: "), "{printed}");
    let right = |printed: &str| -> u32 {
        let down = row(printed, "down");
        assert_eq!(down[4], "30", "{printed}");
        down[2].parse().unwrap()
    };
    let unweighted = package.printed(&format!("{SHORT} --balance off"));
    assert!(right(&printed) >= 24, "{printed}");
    assert!(right(&unweighted) < right(&printed), "{unweighted}");
}

#[test]
fn an_activation_on_the_last_layer_is_reported() {
    let package = Package::new("C1(6,3), M, D(2)", &EVEN);
    let printed = package.printed(&SHORT.replace("--epochs 16", "--epochs 2"));
    assert!(
        printed.contains("the last layer, `D(2)`, has an activation")
            && printed.contains("`D*(2)`"),
        "{printed}"
    );
}

#[test]
fn a_training_that_diverges_fails_and_overwrites_nothing() {
    let package = Package::new(LAYERS, &EVEN);
    package.write("bars.safetensors", "as it was");
    let output = package.run(&format!("{SHORT} --learning-rate 1000"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("the training diverged"), "{told}");
    assert_eq!(package.text("bars.safetensors"), "as it was");
    assert!(!package.path("bars.report.md").exists());
    assert!(!package.path("bars.safetensors.checkpoint").exists());
}
