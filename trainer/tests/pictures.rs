//! The pictures: well formed, of the size they say, and drawn of whatever a training gives.

use herringbone_trainer::pictures::{
    Axes, Confusion, EpochRecord, Picture, Shape, Worst, confusion, curves, sheet,
};
use proptest::prelude::*;
use resvg::tiny_skia::Pixmap;

/// The texts of a picture, its PNG checked on the way.
fn texts(picture: &Picture) -> Vec<String> {
    let png = Pixmap::decode_png(&picture.png()).unwrap();
    let size = (picture.width_pixels(), picture.height_pixels());
    assert_eq!((png.width(), png.height()), size);
    assert!(size.0 <= 960, "{} pixels wide", size.0);
    svg_texts(picture.svg())
}

fn svg_texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let elements = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    elements
        .filter_map(|node| node.text())
        .map(str::to_owned)
        .collect()
}

fn record(epoch: u32, phase: &str, error: f64) -> EpochRecord {
    EpochRecord {
        epoch,
        phase: phase.to_owned(),
        training_loss: error * 3.0,
        training_accuracy: 1.0 - error * 1.2,
        validation_loss: error * 3.1,
        validation_accuracy: 1.0 - error,
    }
}

#[test]
fn curves_name_every_phase_and_the_best_epoch() {
    let phase = |epoch| match epoch {
        ..=40 => "float",
        41 => "calibration <2>",
        _ => "quantised",
    };
    let records: Vec<_> = (1..=100)
        .map(|epoch| record(epoch, phase(epoch), 0.2 / f64::from(epoch)))
        .collect();
    let picture = curves::draw(&records, Some(80), "Digits");
    let texts = texts(&picture);
    for text in [
        "float",
        "calibration <2>",
        "quantised",
        "training",
        "validation",
        "best epoch: 80, with 99.75 % of the validation samples right",
        "error rate (%)",
        "accuracy (%)",
        "loss",
        "epoch",
    ] {
        assert!(
            texts.iter().any(|drawn| drawn == text),
            "no {text}: {texts:?}"
        );
    }
    assert_eq!(picture, curves::draw(&records, Some(80), "Digits"));
    assert_eq!(picture.png(), picture.png());
}

#[test]
fn a_matrix_names_every_class_and_counts_every_cell() {
    for classes in [2, 10, 50] {
        let names: Vec<_> = (0..classes).map(|class| format!("<{class}>")).collect();
        let mut counted = Confusion::new(names.clone());
        for sample in 0..classes * 7 {
            let class = sample % classes;
            counted.add(class, if sample == 1 { 0 } else { class });
        }
        let texts = texts(&confusion::draw(&counted, "Digits"));
        for name in names {
            let drawn = texts.iter().filter(|text| **text == name).count();
            assert_eq!(drawn, 2, "{name}, of a row and of a column: {texts:?}");
        }
        let count = |text: &str| texts.iter().filter(|drawn| *drawn == text).count();
        assert_eq!([count("7"), count("6"), count("1")], [classes - 1, 1, 1]);
        assert_eq!(count("85.7 %"), 1);
    }
}

#[test]
fn a_matrix_of_nothing_is_drawn() {
    for names in [vec![], vec!["the only one".to_owned()]] {
        let picture = confusion::draw(&Confusion::new(names), "Digits");
        assert!(texts(&picture).contains(&"no samples".to_owned()));
    }
}

#[test]
fn an_image_on_the_sheet_is_enlarged_by_whole_pixels() {
    let shape = Shape {
        height: 2,
        width: 1,
        channels: 3,
    };
    let colours = [[250, 10, 20], [30, 40, 240]];
    let worst = Worst {
        input: colours.as_flattened(),
        name: "no. 7".to_owned(),
        actual: "5".to_owned(),
        predicted: "3".to_owned(),
        margin: 1.5,
    };
    let png = sheet::draw(&[worst], shape, &Axes::of_bytes(), "Digits");
    let pixels = Pixmap::decode_png(&png).unwrap();
    for colour in colours {
        let is_same = |pixel: &&resvg::tiny_skia::PremultipliedColorU8| {
            [pixel.red(), pixel.green(), pixel.blue()] == colour
        };
        // 84 pixels for two: 42 for each, both ways.
        assert_eq!(pixels.pixels().iter().filter(is_same).count(), 42 * 42);
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1.0, 0.98..1.0, Just(0.0), Just(1.0), any::<f64>()]
}

fn records() -> impl Strategy<Value = Vec<EpochRecord>> {
    let phase = prop_oneof!["[a-c]", "\\PC{0,40}", ".{0,9}"];
    let epoch = prop_oneof![0..100u32, any::<u32>()];
    let one = (epoch, phase, number(), number(), number(), number());
    let record = one.prop_map(|(epoch, phase, a, b, c, d)| EpochRecord {
        epoch,
        phase,
        training_loss: a,
        training_accuracy: b,
        validation_loss: c,
        validation_accuracy: d,
    });
    prop::collection::vec(record, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_records_are_drawn_inside_the_picture(
        records in records(),
        best in prop::option::of(0..100u32),
        title in ".{0,200}",
    ) {
        let best = best.or(records.first().map(|record| record.epoch));
        let picture = curves::draw(&records, best, &title);
        let document = roxmltree::Document::parse(picture.svg()).unwrap();
        let places = [
            (["x", "x1", "x2", "cx"], picture.width_pixels()),
            (["y", "y1", "y2", "cy"], picture.height_pixels()),
        ];
        for node in document.descendants() {
            for (names, most) in places {
                for place in names.into_iter().filter_map(|name| node.attribute(name)) {
                    let place: f64 = place.parse().unwrap();
                    prop_assert!((0.0..=f64::from(most)).contains(&place), "{node:?}");
                }
            }
        }
    }

    #[test]
    fn any_inputs_are_drawn(
        (height, width, channels) in (1..40usize, 1..1200usize, 1..5usize),
        count in 0..4usize,
        name in ".{0,60}",
        margin in number(),
    ) {
        let input = vec![100; height * width * channels];
        let worst = Worst {
            input: &input,
            name: name.clone(),
            actual: name.clone(),
            predicted: name.clone(),
            margin,
        };
        let shape = Shape { height, width, channels };
        let png = sheet::draw(&vec![worst; count], shape, &Axes::of_bytes(), &name);
        prop_assert!(Pixmap::decode_png(&png).unwrap().width() <= 960);
    }
}
