//! `cargo herringbone`: looks at data, trains a declared network on it, tries what came of it,
//! shows how the network uses its memory, and searches for a better one.

mod chart;
mod data;
mod diagnostics;
mod environment;
mod evaluate;
mod features;
mod package;
mod plan;
mod progress;
mod reading;
mod search;
mod simulated;
mod source;
mod tables;
mod text;
mod tflite;
mod train;
mod watcher;
mod which;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// Training allocates and frees every map of every batch. The C library gives such large
/// pieces back to the system and takes them again, which costs a page fault for every 4 KB;
/// mimalloc keeps them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Plan, train and test networks declared with `herringbone::network!`.
#[derive(Parser)]
#[command(name = "cargo-herringbone", bin_name = "cargo herringbone", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print and draw a network's memory plan
    Plan(plan::Arguments),
    /// Describe a data set before training on it
    Data(data::Arguments),
    /// Measure a network's accuracy on data
    Evaluate(evaluate::EvaluateArguments),
    /// Run an int8 TensorFlow Lite model on data, and say its accuracy
    Check(tflite::check::Arguments),
    /// Put the operators of a TensorFlow Lite model in the order of the least memory
    Reorder(tflite::reorder::Arguments),
    /// Classify files
    Predict(evaluate::PredictArguments),
    /// Search for the network that is right most often within the budget, and train it
    Search(Box<search::Arguments>),
    /// Train a network with the integers that the chip computes with, and write its weights
    Train(Box<train::Arguments>),
}

fn main() -> ExitCode {
    // Cargo gives the subcommand's own name as the first argument.
    let mut arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "herringbone") {
        arguments.remove(1);
    }
    search::name_the_part(&mut arguments);
    let result = match Cli::parse_from(arguments).command {
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(&arguments),
        Command::Check(arguments) => tflite::check::run(&arguments),
        Command::Reorder(arguments) => tflite::reorder::run(&arguments),
        Command::Predict(arguments) => evaluate::predict(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let style = anstyle::AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{style}error{style:#}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
