//! The layers of a network, by the text of its plan.

use anyhow::{Context, Result, ensure};

use crate::digits::SIDE;

/// A row of a plan.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// The layer as it was declared.
    pub(super) name: String,
    /// None for a layer without products.
    pub(super) multiply_accumulates: Option<u64>,
    /// Whether it has a function of its own: a streamed pooling may be part of another layer's.
    pub(super) has_function: bool,
}

/// The name in `plan` of the plan itself.
pub(super) fn name(plan: &str) -> Option<&str> {
    let (name, _) = plan.split_once("plan `")?.1.split_once('`')?;
    Some(name)
}

/// The cycles that `plan` expects an image to take.
pub(super) fn expected_cycles(plan: &str) -> Option<u64> {
    let line = plan
        .lines()
        .find_map(|line| line.strip_prefix("Cycles: "))?;
    let (cycles, _) = line.split_once(" expected")?;
    cycles.replace(',', "").parse().ok()
}

/// Height, width and channels of a feature map.
type Shape = [u64; 3];

/// The layers that `plan` lists, of a network of images, with `total` multiply-accumulates.
///
/// # Errors
/// When that is no plan, or has another number of them.
pub(super) fn read(plan: &str, total: u64) -> Result<Vec<Layer>> {
    let mut input: Shape = [SIDE as u64, SIDE as u64, 1];
    let mut layers = Vec::new();
    let mut lines = plan.lines().skip_while(|line| !line.starts_with("layer "));
    let is_costed = lines.next().is_some_and(|heads| heads.ends_with("cycles"));
    let rows = lines.take_while(|line| !line.is_empty());
    for row in rows {
        let mut cells = row
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        let (name, output) = cells
            .next()
            .zip(cells.next())
            .with_context(|| format!("expected a layer and its output's shape, found {row:?}"))?;
        // The last cells are its bytes of flash and its cycles.
        let flash = row.split_whitespace().rev().nth(1);
        let output = shape(output).with_context(|| format!("{output:?} is no shape"))?;
        layers.push(Layer {
            name: name.to_owned(),
            multiply_accumulates: multiply_accumulates(name, input, output),
            has_function: !is_costed || flash != Some("0"),
        });
        input = output;
    }
    let counted: u64 = layers.iter().filter_map(|it| it.multiply_accumulates).sum();
    ensure!(
        counted == total,
        "the plan's layers have {counted} multiply-accumulates, the network {total}"
    );
    Ok(layers)
}

/// Reads `12×12×5`.
fn shape(text: &str) -> Option<Shape> {
    let sides: Option<Vec<u64>> = text.split('×').map(|side| side.parse().ok()).collect();
    sides?.try_into().ok()
}

/// The multiply-accumulates of the layer called `name`, such as `C1(8,3)`.
fn multiply_accumulates(name: &str, input: Shape, output: Shape) -> Option<u64> {
    let (letters, arguments) = name.split_once('(')?;
    let kernel = arguments.trim_end_matches(')').split(',').nth(1);
    let [height, width, outputs] = output;
    let inputs = input[2];
    let window = || {
        let kernel = kernel?.trim();
        let (rows, columns) = kernel.split_once('x').unwrap_or((kernel, kernel));
        Some(rows.parse::<u64>().ok()? * columns.parse::<u64>().ok()?)
    };
    match letters.trim_end_matches('*') {
        "C1" => Some(height * width * outputs * inputs * window()?),
        "C2" => Some(height * width * inputs * (window()? + outputs)),
        "D" => Some(outputs * input.iter().product::<u64>()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "\
Digits: 784 bytes in, 10 out, 94,928 multiply-accumulates;

layer      output   order          inputs live  outputs live       needs
A          14×14×1  as it arrives            0           126         126
C1(5,3)    12×12×5  rows down                5           358         373
C2*(8,3)   10×10×8  rows up                 23           396  464 (peak)
M(2x1)     5×10×8   rows up                330             6         352
C1(2,1x3)  5×8×2    rows up                330             6         352
D*(10)     1×1×10   one by one              88             0          88

SRAM: 464 arena
";

    #[test]
    fn a_plan_tells_its_name_its_cycles_and_which_layers_have_no_function() {
        let plan = "\
weights of 4 bits, activations of 4; plan `streamed`.

layer     output   order          inputs live  outputs live       needs  form      flash   cycles
A         28×28×1  as it arrives            0            28                          206   39,173
M         14×14×1  as it arrives            0            24                            0        0

Cycles: 39,173 expected.
";
        assert_eq!(name(plan), Some("streamed"));
        assert_eq!(expected_cycles(plan), Some(39_173));
        let layers = read(plan, 0).unwrap();
        let have: Vec<_> = layers.iter().map(|layer| layer.has_function).collect();
        assert_eq!(have, [true, false]);
    }

    #[test]
    fn a_plan_tells_what_each_layer_computes() {
        let separable = 10 * 10 * 5 * (9 + 8);
        let expected = [
            ("A", None),
            ("C1(5,3)", Some(12 * 12 * 5 * 9)),
            ("C2*(8,3)", Some(separable)),
            ("M(2x1)", None),
            ("C1(2,1x3)", Some(5 * 8 * 2 * 8 * 3)),
            ("D*(10)", Some(10 * 80)),
        ];
        let total = expected.iter().filter_map(|(_, count)| *count).sum();
        let layers = read(PLAN, total).unwrap();
        let found: Vec<_> = layers
            .iter()
            .map(|layer| (layer.name.as_str(), layer.multiply_accumulates))
            .collect();
        assert_eq!(found, expected);
        let error = read(PLAN, total + 1).unwrap_err().to_string();
        assert!(error.starts_with("the plan's layers have"), "{error}");
    }
}
