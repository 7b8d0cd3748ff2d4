//! The command line that gives the same training, for the report.

use clap::ValueEnum;

use super::{Arguments, Processor, TeacherArguments};
use crate::which::Which;

/// The command line, but for what the recipe and the data's options say.
pub(super) fn command(arguments: &Arguments) -> String {
    let Which {
        file,
        network,
        features,
        no_default_features,
    } = &arguments.which;
    let mut words = vec![quoted(&file.display().to_string())];
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), quoted(&value)]);
        }
    };
    option("--network", network.clone());
    option("--features", list(features));
    option("--data", Some(arguments.data.display().to_string()));
    let TeacherArguments {
        teacher,
        teacher_network,
        teacher_features,
        teacher_classes,
    } = &arguments.teacher;
    let teacher = teacher.as_ref();
    option("--teacher", teacher.map(|it| it.display().to_string()));
    option("--teacher-network", teacher_network.clone());
    option("--teacher-features", list(teacher_features));
    let classes = teacher_classes.iter().flatten().map(u16::to_string);
    option("--teacher-classes", list(&classes.collect::<Vec<_>>()));
    let out = arguments.out.as_ref();
    option("--out", out.map(|it| it.display().to_string()));
    if arguments.device != Processor::Flex {
        let name = arguments.device.to_possible_value();
        option("--device", name.map(|it| it.get_name().to_owned()));
    }
    if *no_default_features {
        words.push("--no-default-features".to_owned());
    }
    format!("cargo herringbone train {}", words.join(" "))
}

/// Features as an option's value, if there are any.
fn list(features: &[String]) -> Option<String> {
    Some(features.join(",")).filter(|list| !list.is_empty())
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-=,:+@%".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
