//! What a person sees of a training.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use herringbone_trainer::percent;
use herringbone_trainer::pictures::EpochRecord;
use herringbone_trainer::recipe::Phase;
use herringbone_trainer::session::{Session, Watcher};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

const BEST: Style = AnsiColor::Green.on_default().bold();

/// How often the bar is drawn, a second.
const FRAMES: u8 = 5;

/// A bar within the epoch, where there is a terminal, and a line an epoch.
pub(crate) struct Terminal {
    /// Said before the first epoch.
    head: String,
    bar: ProgressBar,
    epochs: u32,
    /// Epochs that are done.
    done: u32,
    phase: &'static str,
    /// When the first epoch of this run began, and how many were done before.
    begun: Option<(Instant, u32)>,
}

impl Terminal {
    pub(crate) fn new(session: &Session) -> Self {
        let data = &session.data;
        let head = format!(
            "{}: {} examples to learn from, {} to choose the best epoch by\n\
             {:>9}  {:<23}  {:>17}  {:>17}",
            session.ast.name,
            data.training.len(),
            data.validation.len(),
            "epoch",
            "phase",
            "training",
            "validation"
        );
        let template = "{prefix:>9}  {wide_bar:.blue} {pos}/{len}, {eta} left of the epoch{msg}";
        let style = ProgressStyle::with_template(template).expect("the template is well formed");
        Self {
            head,
            bar: ProgressBar::hidden().with_style(style),
            epochs: session.recipe.epochs,
            done: 0,
            phase: "",
            begun: None,
        }
    }

    /// How long all epochs that are left will take, by those of this run.
    fn left(&self) -> Option<Duration> {
        let (begun, first) = self.begun?;
        let share = self.bar.position() as f64 / self.bar.length()?.max(1) as f64;
        let done = f64::from(self.done - first) + share;
        let left = f64::from(self.epochs - self.done) - share;
        (done > 0.0).then(|| begun.elapsed().mul_f64(left.max(0.0) / done))
    }
}

impl Watcher for Terminal {
    fn epoch_begins(&mut self, epoch: u32, epochs: u32, phase: Phase, steps: usize) {
        self.done = epoch - 1;
        self.phase = phase.name();
        self.bar.set_length(steps as u64);
        self.bar.set_prefix(format!("{epoch}/{epochs}"));
        self.bar.reset();
        if self.begun.is_none() {
            say(&self.head);
            self.begun = Some((Instant::now(), self.done));
            let target = ProgressDrawTarget::stderr_with_hz(FRAMES);
            self.bar.set_draw_target(target);
        }
    }

    fn step(&mut self) {
        self.bar.inc(1);
        if let Some(left) = self.left().filter(|_| !self.bar.is_hidden()) {
            self.bar
                .set_message(format!(", {} of all epochs", HumanDuration(left)));
        }
    }

    fn epoch_ends(&mut self, record: &EpochRecord, is_best: bool, seconds: f64) {
        let mark = match is_best {
            true => format!("  {BEST}best{BEST:#}"),
            false => String::new(),
        };
        let figures = |loss: f64, accuracy: f64| format!("{loss:.4}  {:>9}", percent(accuracy));
        let line = format!(
            "{:>9}  {:<23}  {}  {}  {seconds:.1} s{mark}",
            format!("{}/{}", record.epoch, self.epochs),
            self.phase,
            figures(record.training_loss, record.training_accuracy),
            figures(record.validation_loss, record.validation_accuracy),
        );
        self.bar.suspend(|| say(&line));
    }

    fn training_ends(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Prints a line. A training goes on when nothing reads what it prints.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stdout(), "{line}");
}
