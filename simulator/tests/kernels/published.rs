//! Models that were published, as they are planned for a part, on that part.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use herringbone_compiler::Planned;
use herringbone_compiler::backend::avr;
use herringbone_compiler::syntax;
use herringbone_simulator::network::{NetworkCode, SimulatedNetwork};
use herringbone_tests::edgeml::{BITS, IN_FLOATING_POINT, Model, PUBLISHED, published};
use herringbone_tests::reference::evaluate;

use crate::MOST_STEPS;

const PART: &str = "atmega328p";

/// It does not multiply.
const TINY: &str = "attiny85";

/// So many images, spread over all, leave every model a second or two.
const IMAGES: usize = 400;

/// What an image takes at most.
struct Taken {
    most_cycles: u64,
    sram_bytes: u32,
}

#[test]
fn code_of_published_models_gives_the_published_integers() -> Result<()> {
    let Some(folder) = published(Path::new(env!("CARGO_TARGET_TMPDIR"))) else {
        return Ok(());
    };
    for (name, list) in PUBLISHED {
        let model = Model::read(&folder, name, list);
        judge(PART, (name, list), &model).context(name)?;
        let small = ["bonsai_small", "protonn_small"];
        if small.contains(&name) {
            let streamed = format!("{list}, plan: streamed");
            let taken = judge(PART, (name, &streamed), &model).context(name)?;
            let Taken {
                most_cycles,
                sram_bytes,
            } = taken;
            ensure!(most_cycles <= 120_000, "{name} takes {most_cycles} cycles");
            ensure!(sram_bytes <= 200, "{name} takes {sram_bytes} bytes");
        }
        if [&small[..], &["fastgrnn_q"]].concat().contains(&name) {
            let streamed = format!("{list}, plan: streamed");
            judge(TINY, (name, &streamed), &model).context(name)?;
        }
    }
    Ok(())
}

#[test]
fn code_of_imported_models_gives_what_the_evaluator_does() -> Result<()> {
    let Some(folder) = published(Path::new(env!("CARGO_TARGET_TMPDIR"))) else {
        return Ok(());
    };
    for (name, list) in IN_FLOATING_POINT {
        let mut model = Model::read(&folder, name, list);
        let traces = model.inputs.iter();
        let traces = traces.map(|input| evaluate(&model.network, &model.weights, input));
        (model.classes, model.results) = traces
            .map(|trace| (trace.class() as u8, trace.results().to_vec()))
            .unzip();
        judge(PART, (name, list), &model).context(name)?;
    }
    Ok(())
}

/// Runs a declaration's code on images: `list` is that of the layers, and may say the plan.
fn judge(mcu: &str, (name, list): (&str, &str), model: &Model) -> Result<Taken> {
    let text = format!("Imported: {list}, {BITS}, target: {mcu}, weights: \"it.safetensors\"");
    let parsed = syntax::parse(text.parse().expect("tokens"));
    let declaration = parsed.declaration.context("it is no declaration")?;
    let planned = Planned::with_weights(&declaration, Some(Ok(model.file.clone())));
    let code = planned.design.footprint.code.as_ref();
    let code = code.and_then(|code| code.as_any().downcast_ref::<avr::Code>());
    let because = || format!("{:?}", planned.design.footprint.portable_because);
    let code = code.with_context(because)?;
    let program = planned.program(&declaration);
    let mut part = SimulatedNetwork::new(&NetworkCode {
        mcu: mcu.to_owned(),
        text: code.program_text(),
        input_bytes: program.input.values() as usize,
        cursor_bytes: program.cursor_bytes as u16,
        state_bytes: (program.cursor_bytes + program.arena_bytes) as u16,
        parameters: Vec::new(),
        results_bytes: (program.results.count * program.results.integer.bytes()) as u16,
    })?;
    let worst = code.worst_case(MOST_STEPS).context("it has no bound")?;
    let each = program.results.integer.bytes() as usize;
    let (mut sum, mut most, mut stack_bytes) = (0, 0, 0);
    let images = (0..model.inputs.len()).step_by(model.inputs.len().div_ceil(IMAGES));
    let count = images.len() as u64;
    for image in images {
        let inference = part.infer(&model.inputs[image])?;
        let results: Vec<i64> = inference.results.chunks(each).map(integer).collect();
        let largest = results.iter().max().context("there are results")?;
        let class = results.iter().position(|result| result == largest);
        let expected = usize::from(model.classes[image]);
        ensure!(
            class == Some(expected),
            "image {image} is of {class:?}, not {expected}"
        );
        if let Some(expected) = model.results.get(image) {
            ensure!(
                results == *expected,
                "image {image} gives {results:?}, not {expected:?}"
            );
        }
        ensure!(
            inference.cycles <= worst.cycles,
            "image {image} takes {} cycles, not {} at most",
            inference.cycles,
            worst.cycles
        );
        sum += inference.cycles;
        most = most.max(inference.cycles);
        stack_bytes = stack_bytes.max(u32::from(inference.stack_bytes));
    }
    let predicted_bytes = code.stack_bytes();
    ensure!(
        stack_bytes <= predicted_bytes,
        "the stack takes {stack_bytes} bytes, not {predicted_bytes}"
    );
    let static_bytes = program.cursor_bytes + program.arena_bytes;
    println!(
        "{name} on {mcu}, {}: {} cycles in the mean of {count} images, {most} at most, of {} expected and a \
         bound of {}; {static_bytes} bytes, {predicted_bytes} of stack, {} of flash",
        planned.plan_name(&declaration),
        sum / count,
        code.cycles() as u64,
        worst.cycles,
        code.flash_bytes(),
    );
    Ok(Taken {
        most_cycles: worst.cycles,
        sram_bytes: static_bytes + predicted_bytes,
    })
}

/// Two's complement, the lowest byte first.
fn integer(bytes: &[u8]) -> i64 {
    let mut extended = [match bytes.last() {
        Some(top) if top & 0x80 != 0 => 0xFF,
        _ => 0,
    }; 8];
    extended[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(extended)
}
