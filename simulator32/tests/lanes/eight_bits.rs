//! What a multiply-accumulate takes of weights and activations of 8 bits.

use anyhow::{Context as _, Result, ensure};
use herringbone_compiler::backend::lanes::{self, Form};
use herringbone_compiler::network::{
    Activation, Bits, Convolution, Kernel, Kind, Network, Padding, Shape, Stride, Window,
};
use herringbone_tests::networks::Case;

use crate::device::{Device, Simulated, Taken};
use crate::program;

/// Outputs of 3×3 taps of a map of 10×10 pixels.
const PIXELS: u32 = 8 * 8;

/// Cycles of a convolution of that many channels to 8 outputs, and of giving its results.
fn cycles((simulated, form): (Simulated, Form), channels: u32) -> Result<u64> {
    let bits = Bits {
        weights: 8,
        biases: 16,
        activations: 8,
    };
    let convolution = Kind::Convolution(Convolution {
        outputs: 8,
        window: Window {
            kernel: Kernel::square(3),
            stride: Stride::ONE,
            padding: Padding::NONE,
        },
        activation: Activation::Relu,
        adds: false,
    });
    let network = Network::new(Shape::new(10, 10, channels), bits, &[convolution]);
    let network = network.ok().context("the layer fits its map")?;
    let case = Case::random(network, 7);
    let program = program(&case)?;
    let code = lanes::emit(&program, simulated.core(), |_| form);
    let code = code.ok().context("it has machine code")?;
    let mut device = Device::new(simulated, &program, &code)?;
    let inference = device.infer(&case.inputs[0], &code, Taken::Bytes)?;
    Ok(inference.infer_cycles)
}

#[test]
fn of_8_bits_a_multiply_accumulate_takes_at_most_6_cycles_by_table_and_4_unrolled() -> Result<()> {
    for simulated in Simulated::ALL {
        for (form, most) in [(Form::TableByWords, 6.0), (Form::Unrolled, 4.0)] {
            // Rounding is the same of both.
            let more = cycles((simulated, form), 8)? - cycles((simulated, form), 4)?;
            let each = more as f64 / f64::from(PIXELS * 8 * 9 * 4);
            println!("{simulated:?}, {form:?}: {each:.2} cycles");
            let multiplies = simulated != Simulated::Ch32v003;
            ensure!(
                !multiplies || each <= most,
                "{simulated:?}, {form:?}: {each:.2}"
            );
        }
    }
    Ok(())
}
