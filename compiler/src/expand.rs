//! The whole way from tokens to items.

use crate::declaration::{CodeChoice, Declaration, ModelDeclaration};
use crate::diagnostic::Diagnostics;
use crate::item::{self, Known, ModelItem};
use crate::planned::Planned;
use crate::program::{self, Accumulator};
use crate::syntax::{self, Key, NetworkAst, Parsed};
use crate::tflite::{self, ModelDesign};
use crate::weights::WeightsPath;
use proc_macro2::{TokenStream, TokenTree};

/// Expands `path; declaration`, `path` being that of the `herringbone` crate as
/// the user's crate knows it.
pub fn expand(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter();
    let path: TokenStream = tokens
        .by_ref()
        .take_while(|token| !matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';'))
        .collect();
    let Parsed {
        ast,
        declaration,
        model,
        mut errors,
        outline,
    } = syntax::parse(tokens.collect());
    let Some(ast) = ast else {
        return errors.to_compile_errors(&[]);
    };
    if let Some(model_ast) = &ast.model {
        let item = model
            .as_ref()
            .zip(model_ast.path.as_ref())
            .and_then(|(model, file)| expand_model(&path, (&ast, file), model, &mut errors));
        let item = item.unwrap_or_else(|| item::model_stub(&path, &ast));
        let errors = errors.to_compile_errors(&item::conditions(&ast.attributes));
        return quote::quote!(#errors #item);
    }
    let item = match &declaration {
        Some(declaration) => expand_declaration(&path, &ast, declaration, &mut errors),
        None => Err(Known::default()),
    };
    let item = item.unwrap_or_else(|known| item::stub(&path, &ast, &outline, &known));
    let errors = errors.to_compile_errors(&item::conditions(&ast.attributes));
    quote::quote!(#errors #item)
}

/// The items of a declaration, or, with the errors added, what is known of it.
fn expand_declaration(
    path: &TokenStream,
    ast: &NetworkAst,
    declaration: &Declaration,
    errors: &mut Diagnostics,
) -> Result<TokenStream, Known> {
    let weights_file = ast.weights_file().map(WeightsPath::locate);
    let planned = Planned::of(declaration, weights_file);
    ast.report(&planned.problems, errors);
    if !errors.is_empty() {
        let results = match &planned.accumulators {
            Some(accumulators) => program::results_accumulator(&declaration.network, accumulators),
            // The likelier one.
            None if declaration.network.bits().activations == 8 => Accumulator::I32,
            None => Accumulator::I16,
        };
        return Err(Known {
            results: declaration.logit(results),
            design: Some(Box::new(planned.design)),
        });
    }
    let notices = planned.notices.iter();
    let warnings = notices.map(|notice| item::warning(ast, notice));
    let warnings: TokenStream = warnings.collect();
    let program = match &planned.sharing {
        Some(sharing) => sharing.trailing.program(),
        None => planned.program(declaration),
    };
    let item = item::emit(path, ast, declaration, &planned, &program);
    Ok(quote::quote!(#warnings #item))
}

/// The items of a model, or nothing, with the errors added.
fn expand_model(
    path: &TokenStream,
    (ast, file): (&NetworkAst, &WeightsPath),
    declaration: &ModelDeclaration,
    errors: &mut Diagnostics,
) -> Option<TokenStream> {
    let tokens = ast.model.as_ref().map(|model| &model.tokens);
    let loaded = file
        .locate()
        .map_err(|error| vec![error.to_string()])
        .and_then(|file| tflite::load(&file));
    let (graph, model) = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            for problem in problems {
                errors.error(tokens, problem);
            }
            return None;
        }
    };
    if let Some(plan) = &ast.values.plan {
        syntax::check_plan(plan, &model.dataflow, errors);
        if !errors.is_empty() {
            return None;
        }
    }
    let design = ModelDesign::choose((&graph, &model), declaration);
    if let (CodeChoice::Unrolled, Some(problem)) = (declaration.code, design.lacks_code(&model)) {
        let code = ast.value_of(Key::Code);
        errors.error(code, format!("{problem}: leave `code` out"));
    }
    let program = tflite::lower(&graph, &model, &design.plan.memory);
    let tables_bytes = tflite::tables_bytes(&program, design.kernels.as_ref());
    for problem in design.over((&graph, &model), declaration, tables_bytes) {
        errors.error(tokens, problem);
    }
    if !errors.is_empty() {
        return None;
    }
    Some(item::emit_model(&ModelItem {
        path,
        ast,
        graph: &graph,
        model: &model,
        design: &design,
        program: &program,
        target: declaration.budget.target,
        tables_bytes,
        text: &tflite::text(&ast.name.to_string(), &model, &design.plan),
        needs: item::needs_of_model((path, &ast.name), declaration, &design, tables_bytes),
    }))
}
