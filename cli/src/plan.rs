//! `cargo herringbone plan`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use herringbone_compiler::budget::Design;
use herringbone_compiler::declaration::{Declaration, PlanChoice, WeightsSource};
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::network::Network;
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::report::{ArenaOverTime, Picture, svg};
use herringbone_compiler::syntax::{self, NetworkAst};
use herringbone_compiler::weights::WeightsError;
use herringbone_compiler::{Planned, budget};

use crate::package::Package;
use crate::progress::Progress;
use crate::source::{Declared, Search, displayed};
use crate::view::{self, View};
use crate::{diagnostics, text};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The Rust file that declares the network, or a module of it does
    file: PathBuf,
    /// The network's name, where the file declares several
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Use this plan in place of the declaration's: row_major, herringbone,
    /// streamed, streamed(2, row_major), smallest, fastest
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Use these weights in place of the declaration's
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Features of the package that are on
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    features: Vec<String>,
    /// Leave the package's default features off
    #[arg(long)]
    no_default_features: bool,
    /// Draw the arena over time to this file, or to the standard output (-)
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// Fails, having shown the plan, where the declaration is wrong or over its budget.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let svg_to_stdout = arguments.svg.as_deref() == Some(Path::new("-"));
    if svg_to_stdout && arguments.json {
        bail!("--json and --svg - both want the standard output: give --svg a file");
    }
    let package = Package::of(&arguments.file)?;
    let declared = find(arguments, package.as_ref())?;
    let parsed = syntax::parse(declared.tokens.clone());
    let mut errors = parsed.errors;
    let (Some(ast), Some(declaration)) = (parsed.ast, parsed.declaration) else {
        print_errors(&declared, &errors);
        return Ok(ExitCode::FAILURE);
    };
    let Chosen {
        declaration,
        weights_file,
        notes,
    } = choose(arguments, package.as_ref(), &ast, declaration)?;
    let planned = Planned::of(&ast, &declaration, weights_file.clone(), &mut errors);
    print_errors(&declared, &errors);
    let mut progress = Progress::new();
    let alternatives = alternatives(&declaration, &planned, &mut progress);
    let program = planned.program(&declaration);
    progress.begin("following every byte");
    let arena = ArenaOverTime::of(&declaration.network, &program);
    progress.end();
    let name = ast.name.to_string();
    let view = View::new(&view::Parts {
        name: &name,
        declared: &declared,
        declaration: &declaration,
        weights_file: weights_file.and_then(Result::ok),
        planned: &planned,
        alternatives: &alternatives,
        arena: &arena,
        errors: &errors,
        notes: &notes,
    });
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&view)?);
    } else if !svg_to_stdout {
        text::print(&view);
    }
    if let Some(out) = &arguments.svg {
        let picture = svg(&Picture {
            name: &name,
            declaration: &declaration,
            design: &planned.design,
            program: &program,
            arena: &arena,
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

/// The declaration that is meant.
fn find(arguments: &Arguments, package: Option<&Package>) -> Result<Declared> {
    let defaults = !arguments.no_default_features;
    let features = match package {
        Some(package) => package.features(&arguments.features, defaults),
        None => arguments.features.iter().cloned().collect(),
    };
    let mut search = Search::default();
    search.read(&arguments.file, &features)?;
    // A binary often uses the network of the library beside it.
    if let Some(library) = package
        .and_then(Package::library)
        .filter(|_| search.is_empty())
    {
        search.read(&shortest(&library), &features)?;
    }
    let (there, missing): (Vec<Declared>, Vec<Declared>) = search
        .declared
        .iter()
        .cloned()
        .partition(|declared| declared.missing.is_none());
    let wanted: Vec<&Declared> = match &arguments.network {
        Some(name) => {
            let named = there.iter().filter(|it| it.name.as_ref() == Some(name));
            named.collect()
        }
        None => there.iter().collect(),
    };
    match wanted[..] {
        [declared] => Ok(declared.clone()),
        [] if there.is_empty() => bail!("{}", nothing(&search, &missing)),
        [] => bail!(
            "no network `{}`: there {}",
            arguments.network.as_deref().unwrap_or_default(),
            list(&there)
        ),
        _ => bail!(
            "several networks: choose one by --network NAME{}; there {}",
            match arguments.network {
                Some(_) => " or by --features",
                None => "",
            },
            list(&there)
        ),
    }
}

/// That there is no declaration, and what was looked at.
fn nothing(search: &Search, missing: &[Declared]) -> String {
    let mut message = format!(
        "no `herringbone::network! {{ … }}` in {}",
        displayed(&search.files).join(", ")
    );
    for note in &search.notes {
        message.push_str(&format!("\n       {note}"));
    }
    for declared in missing {
        let condition = declared.missing.as_deref().unwrap_or_default();
        message.push_str(&format!(
            "\n       {} is there only with {condition}: see --features",
            place(declared)
        ));
    }
    message
}

fn list(declared: &[Declared]) -> String {
    let places: Vec<String> = declared.iter().map(place).collect();
    let verb = if places.len() == 1 { "is" } else { "are" };
    format!("{verb} {}", places.join(", "))
}

fn place(declared: &Declared) -> String {
    let Declared {
        name, file, line, ..
    } = declared;
    let path = file.path.display();
    match name {
        Some(name) => format!("`{name}` ({path}:{line})"),
        None => format!("one without a name ({path}:{line})"),
    }
}

/// A path from the current folder on, if it lies there.
fn shortest(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(current).unwrap_or(path).to_owned()
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
    package: Option<&Package>,
    ast: &NetworkAst,
    mut declaration: Declaration,
) -> Result<Chosen> {
    let mut notes = Vec::new();
    if let Some(name) = &arguments.plan {
        declaration.plan = plan_choice(name, &declaration.network)?;
    }
    let folder = package.map_or_else(
        || std::env::current_dir().unwrap_or_default(),
        |package| package.folder.clone(),
    );
    let declared_file = ast.weights_file().map(|path| path.locate_in(&folder));
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

/// A plan by its name.
fn plan_choice(name: &str, network: &Network) -> Result<PlanChoice> {
    let without_spaces = |name: &str| name.replace(' ', "");
    let strategies = Strategy::all(network);
    let named = strategies
        .iter()
        .find(|strategy| without_spaces(&strategy.name(network)) == without_spaces(name));
    Ok(match (name, named) {
        ("fastest", _) => PlanChoice::Fastest,
        ("smallest", _) => PlanChoice::Smallest,
        (_, Some(&strategy)) => PlanChoice::Named(strategy),
        (_, None) => {
            let names = strategies.iter().map(|strategy| strategy.name(network));
            let names: Vec<String> = names.collect();
            bail!(
                "no plan `{name}`: this network has fastest, smallest, {}",
                names.join(", ")
            )
        }
    })
}

/// Every plan of the network, each once.
fn alternatives(
    declaration: &Declaration,
    planned: &Planned,
    progress: &mut Progress,
) -> Vec<Design> {
    let sums = planned.sums(declaration);
    let mut designs: Vec<Design> = Vec::new();
    for strategy in Strategy::all(&declaration.network) {
        let name = strategy.name(&declaration.network);
        progress.begin(&format!("planning {name}"));
        let named = Declaration {
            plan: PlanChoice::Named(strategy),
            ..declaration.clone()
        };
        let design = budget::choose(&named, &sums);
        if designs.iter().all(|other| other.plan != design.plan) {
            designs.push(design);
        }
    }
    designs
}

fn print_errors(declared: &Declared, errors: &Diagnostics) {
    for (span, message) in errors.spanned() {
        let file = &declared.file;
        let error = diagnostics::error(&file.path, &file.text, span, &message);
        anstream::eprintln!("{error}\n");
    }
}
