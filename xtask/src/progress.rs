//! Whatever takes longer than two seconds says what it does, and for how long still.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner that says `what` is going on; it leaves no trace. Where there is no terminal, a
/// line says so instead.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.set_style(style("{spinner} {wide_msg} {elapsed}"));
    if spinner.is_hidden() {
        eprintln!("{what}");
    } else {
        spinner.enable_steady_tick(Duration::from_millis(120));
    }
    spinner
}

/// A bar over `count` images.
pub(crate) fn images(what: &str, count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64).with_message(what.to_owned());
    bar.set_style(style(
        "{msg} {wide_bar} {human_pos}/{human_len} images, {eta} left",
    ));
    if bar.is_hidden() {
        eprintln!("{what}: {count} images");
    }
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant, and right")
}
