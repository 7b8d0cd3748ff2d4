//! A text, its plan, and the questions about them.

use herringbone_compiler::Planned;
use herringbone_compiler::backend::interpreter;
use herringbone_compiler::budget;
use herringbone_compiler::declaration::{Budget, Declaration, PlanChoice, WeightsSource};
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::program::Program;
use herringbone_compiler::report::view::{Alternative, Parts, View};
use herringbone_compiler::report::{ArenaOverTime, Picture, functions, svg};
use herringbone_compiler::syntax::{self, NetworkAst};
use herringbone_compiler::target::Target;
use herringbone_compiler::weights::{PathPart, WeightsPath};
use proc_macro2::TokenStream;
use serde::{Deserialize, Serialize};
use syn::spanned::Spanned as _;

use crate::answer::{
    CodeAnswer, Declared, InferAnswer, MapAnswer, OnPart, PartAnswer, PlanAnswer, WeightsState,
};
use crate::messages::{message, with_remedies};
use crate::parts::on_part;

/// Values that an inference may read and write for its picture to be drawn: a second or so.
const MOST_MULTIPLY_ACCUMULATES_OF_PICTURE: u64 = 12_000_000;
/// Instructions that are looked at for the worst case.
const MOST_STEPS: u64 = 20_000_000;

/// What the page may ask.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Question {
    /// Reads and plans a text.
    Plan {
        text: String,
        /// Which of the networks that it declares.
        #[serde(default)]
        network: usize,
        /// The plan to take in place of the one that the text asks for.
        #[serde(default)]
        plan: Option<String>,
    },
    /// Every plan of the network, with what it takes.
    Alternatives,
    /// Draws what the arena holds moment by moment, and finds the worst case.
    Picture,
    /// The generated code, with invented weights where there are none.
    Code,
    /// The interpreter's results and maps.
    Infer { input: Vec<u8> },
    /// The design on parts of the table, from that one on.
    Parts { from: usize, count: usize },
}

/// What was planned last.
#[derive(Default)]
pub struct Session {
    weights: Option<Vec<u8>>,
    current: Option<Current>,
}

struct Current {
    name: String,
    declaration: Declaration,
    planned: Planned,
    /// What runs where there are no weights.
    invented: Option<(Declaration, Planned)>,
}

impl Current {
    /// The declaration and the plan that run.
    fn running(&mut self) -> (&Declaration, &Planned, bool) {
        let declaration = &self.declaration;
        match declaration.weights {
            WeightsSource::File | WeightsSource::Runtime => (declaration, &self.planned, false),
            WeightsSource::Nowhere => {
                let (declaration, planned) = self.invented.get_or_insert_with(|| {
                    let declaration = Declaration {
                        weights: WeightsSource::File,
                        ..declaration.clone()
                    };
                    let planned = Planned::with_invented_weights(&declaration);
                    (declaration, planned)
                });
                (declaration, planned, true)
            }
        }
    }
}

type Answer = Result<Vec<u8>, String>;

fn json(answer: &impl Serialize) -> Answer {
    serde_json::to_vec(answer).map_err(|error| error.to_string())
}

impl Session {
    /// Takes the bytes of a weights file; none where they are empty.
    pub fn set_weights(&mut self, bytes: Vec<u8>) {
        self.weights = Some(bytes).filter(|bytes| !bytes.is_empty());
    }

    /// The answer to a question, as JSON: `{"failed": "…"}` where there is none.
    pub fn answer(&mut self, question: &[u8]) -> Vec<u8> {
        let question = serde_json::from_slice(question).map_err(|error| error.to_string());
        let answer = question.and_then(|question| match question {
            Question::Plan {
                text,
                network,
                plan,
            } => json(&self.plan(&text, network, plan.as_deref())),
            Question::Alternatives => self.alternatives(),
            Question::Picture => self.picture(),
            Question::Code => self.runnable().and_then(|()| self.code()),
            Question::Infer { input } => self.runnable().and_then(|()| self.infer(&input)),
            Question::Parts { from, count } => self.parts(from, count),
        });
        answer.unwrap_or_else(|failed| serde_json::json!({ "failed": failed }).to_string().into())
    }

    fn plan(&mut self, text: &str, network: usize, plan: Option<&str>) -> PlanAnswer {
        // Every text that was ever parsed would stay in memory.
        proc_macro2::extra::invalidate_current_thread_spans();
        self.current = None;
        let mut answer = PlanAnswer::default();
        let tokens: TokenStream = match text.parse() {
            Ok(tokens) => tokens,
            Err(error) => {
                answer.errors.push(message(
                    text,
                    error.span(),
                    "this is no Rust token: a quote or a bracket may have no partner",
                ));
                return answer;
            }
        };
        let mut found = syntax::declarations(tokens.clone());
        // What is in the braces alone.
        if found.is_empty() {
            found.push(tokens);
        }
        answer.networks = found.iter().map(declared).collect();
        answer.network = network.min(found.len() - 1);
        let parsed = syntax::parse(found.swap_remove(answer.network));
        let errors = parsed.errors.spanned().into_iter();
        answer
            .errors
            .extend(errors.map(|(span, error)| message(text, span, &error)));
        if parsed.model.is_some() {
            answer.note = Some(
                "This declares a TensorFlow Lite model: drop its file here to see its plan.".into(),
            );
        }
        let Some((ast, mut declaration)) = parsed.ast.zip(parsed.declaration) else {
            return answer;
        };
        if let Some(name) = plan {
            // It may be a plan of the network before the last change.
            if let Ok(plan) = PlanChoice::named(name, &declaration.network) {
                declaration.plan = plan;
            }
        }
        let (declaration, planned) = self.with_weights(&ast, declaration, &mut answer);
        for notice in &planned.notices {
            let span = ast
                .tokens_of(notice.origin)
                .map_or(ast.name.span(), |it| it.span());
            answer.warnings.push(message(text, span, &notice.message));
        }
        let problems = planned.problems.iter();
        answer
            .errors
            .extend(problems.map(|problem| with_remedies(text, &ast, problem)));
        let name = ast.name.to_string();
        answer.classes = planned.metadata.class_names.clone();
        answer.view = Some(View::new(&Parts {
            name: &name,
            file: String::new(),
            line: ast.name.span().start().line,
            declaration: &declaration,
            weights_file: None,
            planned: &planned,
            alternatives: &[],
            arena: None,
            most_steps: 0,
            errors: &Diagnostics::new(),
            notes: &[],
        }));
        self.current = Some(Current {
            name,
            declaration,
            planned,
            invented: None,
        });
        answer
    }

    /// Plans with the weights file where it is of this network, else a design to size.
    fn with_weights(
        &self,
        ast: &NetworkAst,
        declaration: Declaration,
        answer: &mut PlanAnswer,
    ) -> (Declaration, Planned) {
        let sized = |declaration: Declaration, answer: &mut PlanAnswer, note: String| {
            answer.note = Some(note);
            let declaration = declaration.sized();
            let planned = Planned::with_weights(&declaration, None);
            (declaration, planned)
        };
        match (declaration.weights, &self.weights) {
            (WeightsSource::Runtime, _) => {
                answer.weights = WeightsState::Runtime;
                answer.note = Some("The firmware loads the weights: there are none to run.".into());
                let planned = Planned::with_weights(&declaration, None);
                (declaration, planned)
            }
            (WeightsSource::Nowhere, _) => sized(
                declaration,
                answer,
                "A design to size: it names no weights. What runs here has invented ones: its \
                 cycles are real, its classes are not."
                    .into(),
            ),
            (WeightsSource::File, None) => {
                let file = file_name(ast);
                let note = format!(
                    "A design to size: drop {file} here to run it. Until then its weights are \
                     invented: its cycles are real, its classes are not."
                );
                sized(declaration, answer, note)
            }
            (WeightsSource::File, Some(bytes)) => {
                let planned = Planned::with_weights(&declaration, Some(Ok(bytes.clone())));
                if planned.accumulators.is_some() {
                    answer.weights = WeightsState::File;
                    return (declaration, planned);
                }
                let file = file_name(ast);
                let note = format!(
                    "A design to size: {file} holds the weights of another network, so this one \
                     is planned without. What runs has invented weights: its cycles are real, \
                     its classes are not."
                );
                sized(declaration, answer, note)
            }
        }
    }

    fn current(&mut self) -> Result<&mut Current, String> {
        let current = self.current.as_mut();
        current.ok_or_else(|| "there is no plan: the declaration has errors".to_owned())
    }

    fn alternatives(&mut self) -> Answer {
        let Current {
            declaration,
            planned,
            ..
        } = self.current()?;
        let sums = planned.sums(declaration);
        let designs = budget::every_plan(declaration, &sums, |_| {});
        json(&Alternative::all(declaration, planned, &designs))
    }

    fn picture(&mut self) -> Answer {
        #[derive(Serialize)]
        struct PictureAnswer {
            svg: Option<String>,
            most_cycles: Option<u64>,
            most_push_cycles: Option<u64>,
        }
        let Current {
            name,
            declaration,
            planned,
            ..
        } = self.current()?;
        let network = &declaration.network;
        let small = network.multiply_accumulates() <= MOST_MULTIPLY_ACCUMULATES_OF_PICTURE;
        let program = planned.program(declaration);
        let arena = small
            .then(|| ArenaOverTime::of(network, &program))
            .flatten();
        let picture = arena.map(|arena| {
            svg(&Picture {
                name,
                declaration,
                design: &planned.design,
                program: &program,
                arena: &arena,
            })
        });
        let worst = planned.worst_case(declaration, MOST_STEPS);
        json(&PictureAnswer {
            svg: picture,
            most_cycles: worst.map(|worst| worst.cycles),
            most_push_cycles: worst.map(|worst| worst.push_cycles),
        })
    }

    /// Why nothing runs.
    fn runnable(&mut self) -> Result<(), String> {
        let Current {
            declaration,
            planned,
            ..
        } = self.current()?;
        if declaration.weights == WeightsSource::Runtime {
            return Err("the firmware loads the weights, so there are none to run here".to_owned());
        }
        match planned.problems.is_empty() {
            true => Ok(()),
            false => Err("the design does not fit its part".to_owned()),
        }
    }

    fn code(&mut self) -> Answer {
        let (declaration, planned, invented) = self.current()?.running();
        let design = &planned.design;
        let Some(part) = declaration.budget.target else {
            return Err("no target: name a part, such as `target: atmega328p`".to_owned());
        };
        let Some(code) = &design.footprint.code else {
            return Err(match part.architecture.has_32_bit_registers() {
                false => "the design is too large for this part to have code".to_owned(),
                true => format!(
                    "{} runs portable Rust: only AVR code runs in this page",
                    part.name
                ),
            });
        };
        if planned.accumulators.is_none() {
            return Err("these weights have no proof that their sums fit".to_owned());
        }
        let program = planned.program(declaration);
        json(&CodeAnswer {
            functions: functions(design),
            invented,
            part: PartAnswer {
                name: part.name,
                sram_bytes: part.sram_bytes,
                flash_bytes: part.flash_bytes,
            },
            input_bytes: declaration.network.input().values(),
            cursor_bytes: program.cursor_bytes,
            arena_bytes: program.arena_bytes,
            results: program.results.count,
            result_bytes: program.results.accumulator().bytes(),
            stack_bytes: design.footprint.stack_bytes,
            sram_bytes: design.sram_bytes(),
            flash_bytes: design.footprint.flash_bytes,
            predicted_cycles: code.cycles(),
        })
    }

    fn infer(&mut self, input: &[u8]) -> Answer {
        let (declaration, planned, _) = self.current()?.running();
        let program: Program = planned.program(declaration);
        let outcome = interpreter::run(&program, input).map_err(|fault| fault.to_string())?;
        let network = &declaration.network;
        let maps = outcome.maps.into_iter().map(|(value, map)| {
            let maker = network.value(value).maker;
            MapAnswer {
                node: maker.map(|node| node.index()),
                name: maker.map_or("input".to_owned(), |node| network.name_of(node)),
                height: map.shape.height,
                width: map.shape.width,
                channels: map.shape.channels,
                values: map.values,
            }
        });
        json(&InferAnswer {
            results: outcome.results,
            maps: maps.collect(),
        })
    }

    fn parts(&mut self, from: usize, count: usize) -> Answer {
        #[derive(Serialize)]
        struct PartsAnswer {
            parts: Vec<OnPart>,
            all: usize,
        }
        let Current {
            declaration,
            planned,
            ..
        } = self.current()?;
        let sums = planned.sums(declaration);
        let parts = Target::all().skip(from).take(count);
        let parts = parts.map(|part| {
            let moved = Declaration {
                budget: Budget {
                    target: Some(part),
                    sram_bytes: Some(part.sram_bytes),
                    flash_bytes: Some(part.flash_bytes),
                },
                plan: PlanChoice::Fastest,
                ..declaration.clone()
            };
            on_part(part, &moved, &budget::choose(&moved, &sums))
        });
        json(&PartsAnswer {
            parts: parts.collect(),
            all: Target::all().count(),
        })
    }
}

fn declared(tokens: &TokenStream) -> Declared {
    let ast = syntax::parse(tokens.clone()).ast;
    Declared {
        name: ast.map_or("?".to_owned(), |ast| ast.name.to_string()),
        line: tokens.span().start().line,
    }
}

/// The name that a declaration calls its weights file by.
fn file_name(ast: &NetworkAst) -> String {
    let parts = ast.weights_file().map_or(&[][..], WeightsPath::parts);
    let literal = parts.iter().rev().find_map(|part| match part {
        PathPart::Text(text) => Some(text.value()),
        PathPart::Variable(_) => None,
    });
    literal.unwrap_or_else(|| "its weights file".to_owned())
}
