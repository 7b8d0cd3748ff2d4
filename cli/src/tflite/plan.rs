//! `cargo herringbone plan model.tflite`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use herringbone_compiler::report::{ArenaOverTime, ModelPicture, model_svg, thousands};
use herringbone_compiler::target::Target;
use herringbone_compiler::tflite::{Model, ModelNode, ModelView, Plan, PlannedModel, lower};
use herringbone_tflite::Graph;

use super::graph;
use crate::progress::Progress;
use crate::simulated::part;
use crate::tables::table;

/// What is planned, and how it is printed.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a Path,
    /// Another plan than the smallest.
    pub(crate) plan: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    /// Where its picture goes: `-` is standard output.
    pub(crate) svg: Option<&'a Path>,
    pub(crate) form: Form,
}

pub(crate) enum Form {
    Text,
    Json,
    Csv,
}

/// Fails, having shown the plan, where the part does not hold it.
pub(crate) fn run(request: &Request<'_>) -> Result<ExitCode> {
    let target = request.target.map(part).transpose()?;
    let graph = graph(request.model)?;
    let model = match Model::of(&graph) {
        Ok(model) => model,
        Err(error) => bail!("{}: {error}", request.model.display()),
    };
    let mut progress = Progress::new();
    let planned = PlannedModel::of(&model, |name| progress.begin(&format!("planning {name}")));
    progress.end();
    let plan = chosen(request, &planned)?;
    let shown = Shown {
        request,
        model: &model,
        planned: &planned,
        plan,
        target,
    };
    let svg_to_stdout = request.svg == Some(Path::new("-"));
    match request.form {
        Form::Json | Form::Csv if svg_to_stdout => {
            bail!("--svg - writes to standard output as well: give --svg a file")
        }
        Form::Text if svg_to_stdout => {}
        Form::Text => shown.print_text(),
        Form::Json => println!("{}", serde_json::to_string_pretty(&shown.view())?),
        Form::Csv => shown.print_csv(),
    }
    if let Some(out) = request.svg {
        let picture = shown.picture(&graph)?;
        if svg_to_stdout {
            print!("{picture}");
        } else {
            fs::write(out, picture).with_context(|| format!("cannot write {}", out.display()))?;
            eprintln!("drawn: {}", out.display());
        }
    }
    Ok(match shown.view().fits {
        Some(false) => ExitCode::FAILURE,
        Some(true) | None => ExitCode::SUCCESS,
    })
}

fn chosen<'a>(request: &Request<'_>, planned: &'a PlannedModel) -> Result<&'a Plan> {
    let without_spaces = |name: &str| name.replace(' ', "");
    match request.plan {
        None | Some("smallest" | "fastest") => Ok(planned.smallest()),
        Some(name) => {
            let mut plans = planned.plans.iter();
            let found = plans.find(|plan| without_spaces(&plan.name) == without_spaces(name));
            let names: Vec<&str> = planned.plans.iter().map(|it| it.name.as_str()).collect();
            match found {
                Some(plan) => Ok(plan),
                None => bail!(
                    "no plan `{name}`: this model has smallest, {}",
                    names.join(", ")
                ),
            }
        }
    }
}

struct Shown<'a> {
    request: &'a Request<'a>,
    model: &'a Model,
    planned: &'a PlannedModel,
    plan: &'a Plan,
    target: Option<&'static Target>,
}

impl Shown<'_> {
    /// Its graph, and its memory over time.
    fn picture(&self, graph: &Graph) -> Result<String> {
        let program = lower(graph, self.model, &self.plan.memory);
        let name = self.request.model.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let Some(arena) = ArenaOverTime::of_model(self.model, &program) else {
            bail!("{name} is too large for a picture: each of its values would be followed");
        };
        Ok(model_svg(&ModelPicture {
            name: &name,
            model: self.model,
            plan: self.plan,
            program: &program,
            arena: &arena,
        }))
    }

    fn print_text(&self) {
        let Model {
            dataflow,
            constant_bytes,
            multiply_accumulates,
            output_bytes,
            ..
        } = self.model;
        let (input, memory) = (dataflow.input(), &self.plan.memory);
        println!(
            "{}: plan {}, {} bytes of arena, {} of weights and biases",
            self.request.model.display(),
            self.plan.name,
            thousands(memory.arena_bytes.into()),
            thousands(*constant_bytes),
        );
        println!(
            "{}×{}×{} in, {output_bytes} out, {} multiply-accumulates",
            input.height,
            input.width,
            input.channels,
            thousands(*multiply_accumulates),
        );
        if let Some(target) = self.target {
            println!(
                "{}: {} bytes of SRAM, {} of flash; the code and the stack come on top",
                target.name,
                thousands(target.sram_bytes.into()),
                thousands(target.flash_bytes.into()),
            );
            if self.view().fits == Some(false) {
                println!("it does not fit");
            }
        }
        println!("\nOperators");
        let rows = self.plan.rows();
        let peak = rows.iter().map(|row| row.needed_bytes).max();
        let rows = rows.iter().map(|row| {
            let node = dataflow.node(row.node);
            let shape = node.output;
            vec![
                numbers(&self.model.nodes[row.node.index()], ", "),
                self.model.nodes[row.node.index()].name.clone(),
                format!("{}×{}×{}", shape.height, shape.width, shape.channels),
                row.job.to_string(),
                thousands(row.kept_bytes.into()),
                format!(
                    "{}{}",
                    if Some(row.needed_bytes) == peak {
                        "◄ "
                    } else {
                        ""
                    },
                    thousands(row.needed_bytes.into())
                ),
            ]
        });
        let heads = ["", "operator", "output", "how", "keeps", "needs"];
        println!("{}", table(&heads, &[1, 2, 3], rows));
        println!(
            "\nkeeps: bytes of what it reads and makes that are kept for it; needs: bytes from the\n\
             first to the last that are in use while it runs, with all that runs together"
        );
        println!("\nPlans");
        let plans = self.planned.plans.iter().map(|plan| {
            let is_chosen = std::ptr::eq(plan, self.plan);
            vec![
                if is_chosen { "►" } else { "" }.to_owned(),
                plan.name.clone(),
                thousands(plan.memory.arena_bytes.into()),
            ]
        });
        println!("{}", table(&["", "plan", "arena"], &[0, 1], plans));
    }

    fn view(&self) -> ModelView {
        let name = self.request.model.display().to_string();
        ModelView::new(name, self.model, self.planned, self.plan, self.target)
    }

    fn print_csv(&self) {
        println!("operators,name,rows,columns,channels,how,kept_bytes,needed_bytes");
        for row in self.plan.rows() {
            let node = &self.model.nodes[row.node.index()];
            let shape = self.model.dataflow.node(row.node).output;
            println!(
                "{},{},{},{},{},{},{},{}",
                numbers(node, "+"),
                node.name.replace(", ", "+"),
                shape.height,
                shape.width,
                shape.channels,
                row.job,
                row.kept_bytes,
                row.needed_bytes
            );
        }
    }
}

/// The numbers of a node's operators.
fn numbers(node: &ModelNode, between: &str) -> String {
    let numbers: Vec<String> = node
        .operators
        .iter()
        .map(|it| it.in_file.to_string())
        .collect();
    numbers.join(between)
}
