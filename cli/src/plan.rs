//! `cargo herringbone plan`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Error, Result, bail};
use clap::Args;
use herringbone_compiler::declaration::{Declaration, PlanChoice, WeightsSource};
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::report::view::{self, View};
use herringbone_compiler::report::{ArenaOverTime, Picture, svg};
use herringbone_compiler::syntax::NetworkAst;
use herringbone_compiler::weights::WeightsError;
use herringbone_compiler::{Planned, budget};

use crate::progress::Progress;
use crate::text::{self, MOST_STEPS};
use crate::tflite;
use crate::which::{Found, Which};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Use this plan instead of the declaration's: row_major, herringbone,
    /// streamed, streamed(2, row_major), smallest, fastest
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Use these weights instead of the declaration's
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Draw the arena over time to this file, or to standard output (-)
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Print a row a node as CSV, of a .tflite file
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Hold the plan of a .tflite file against the SRAM and flash of this part
    #[arg(long, value_name = "PART")]
    target: Option<String>,
}

/// Fails, having shown the plan, where the declaration is wrong or over its budget, or a model
/// that no part of that name holds.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let file = &arguments.which.file;
    if file.extension().is_some_and(|it| it == "tflite") {
        if arguments.weights.is_some() {
            bail!("a .tflite file has its weights in it: leave --weights out");
        }
        return tflite::plan::run(&tflite::plan::Request {
            model: file,
            plan: arguments.plan.as_deref(),
            target: arguments.target.as_deref(),
            svg: arguments.svg.as_deref(),
            form: match (arguments.json, arguments.csv) {
                (true, _) => tflite::plan::Form::Json,
                (false, true) => tflite::plan::Form::Csv,
                (false, false) => tflite::plan::Form::Text,
            },
        });
    }
    if arguments.csv || arguments.target.is_some() {
        bail!("--csv and --target are for .tflite files: a declaration names its target itself");
    }
    let svg_to_stdout = arguments.svg.as_deref() == Some(Path::new("-"));
    if svg_to_stdout && arguments.json {
        bail!("--json and --svg - both write to standard output: give --svg a file");
    }
    let found = arguments.which.find()?;
    let Some((ast, declaration)) = found.parse() else {
        return Ok(ExitCode::FAILURE);
    };
    let Chosen {
        declaration,
        weights_file,
        notes,
    } = choose(arguments, &found, &ast, declaration)?;
    let mut errors = Diagnostics::new();
    let planned = Planned::of(&declaration, weights_file.clone());
    ast.report(&planned.problems, &mut errors);
    found.print(&errors);
    found.warn(&ast, &planned.notices);
    let mut progress = Progress::new();
    let sums = planned.sums(&declaration);
    let alternatives = budget::every_plan(&declaration, &sums, |name| {
        progress.begin(&format!("planning {name}"));
    });
    let program = planned.program(&declaration);
    progress.begin("following every byte");
    let arena = ArenaOverTime::of(&declaration.network, &program);
    progress.end();
    let name = ast.name.to_string();
    let view = View::new(&view::Parts {
        name: &name,
        file: found.declared.file.path.display().to_string(),
        line: found.declared.line,
        declaration: &declaration,
        weights_file: weights_file
            .and_then(Result::ok)
            .map(|path| path.display().to_string()),
        planned: &planned,
        alternatives: &alternatives,
        arena: arena.as_ref(),
        most_steps: MOST_STEPS,
        errors: &errors,
        notes: &notes,
    });
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&view)?);
    } else if !svg_to_stdout {
        text::print(&view);
    }
    if let Some(out) = &arguments.svg {
        let Some(arena) = &arena else {
            bail!("{name} is too large for a picture: each of its values would be followed");
        };
        let picture = svg(&Picture {
            name: &name,
            declaration: &declaration,
            design: &planned.design,
            program: &program,
            arena,
        });
        if svg_to_stdout {
            print!("{picture}");
        } else {
            fs::write(out, picture).with_context(|| format!("cannot write {}", out.display()))?;
            eprintln!("drawn: {}", out.display());
        }
    }
    Ok(match errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What is planned.
struct Chosen {
    declaration: Declaration,
    weights_file: Option<Result<PathBuf, WeightsError>>,
    notes: Vec<String>,
}

/// The declaration as the command line changes it.
fn choose(
    arguments: &Arguments,
    found: &Found,
    ast: &NetworkAst,
    mut declaration: Declaration,
) -> Result<Chosen> {
    let mut notes = Vec::new();
    if let Some(name) = &arguments.plan {
        declaration.plan = PlanChoice::named(name, &declaration.network).map_err(Error::msg)?;
    }
    let declared_file = found.weights_file(ast);
    let weights_file = match (&arguments.weights, declared_file) {
        (Some(_), _) if declaration.weights == WeightsSource::Runtime => {
            bail!("the weights are loaded at run time: leave --weights out")
        }
        (Some(file), _) => {
            declaration.weights = WeightsSource::File;
            Some(Ok(std::path::absolute(file)?))
        }
        (None, Some(Err(error @ WeightsError::Variable { .. }))) => {
            notes.push(format!(
                "{error} (here: --weights FILE); without weights, this is the plan of a design to size"
            ));
            None
        }
        (None, file) => file,
    };
    if weights_file.is_none() {
        declaration = declaration.sized();
    } else if declaration.weights == WeightsSource::Nowhere {
        declaration.weights = WeightsSource::File;
    }
    Ok(Chosen {
        declaration,
        weights_file,
        notes,
    })
}
