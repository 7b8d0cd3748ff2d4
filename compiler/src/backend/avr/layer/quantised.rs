//! Operators of 8-bit models.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::round::sum::Sum;
use crate::program::{ByteScales, QuantisedKernel, RescaledSum, ResultPlace};
use std::rc::Rc;

impl<'a> Layer<'a> {
    /// The code of an operator that [the backend has](crate::backend::avr::models).
    pub(crate) fn quantised(&self, asm: &mut Assembly, kernel: &'a QuantisedKernel) {
        match kernel {
            QuantisedKernel::Convolution(sum) => self.convolution(asm, &self.rescaled(sum)),
            // Of a single channel, all outputs are sums over the same values.
            QuantisedKernel::Depthwise { sum, .. } if self.input.shape.channels == 1 => {
                self.convolution(asm, &self.rescaled(sum));
            }
            QuantisedKernel::Depthwise { sum, .. } => self.depthwise(asm, &self.rescaled(sum)),
            QuantisedKernel::Dense(sum) => match self.part {
                LayerPart::Step(_) => self.dense(asm, &self.rescaled(sum)),
                LayerPart::Stage(_, stage) => {
                    let kept = stage.plan.sums().expect("a dense layer keeps sums");
                    let sum = self.rescaled(sum).kept_in(kept.bytes_each as usize);
                    self.streamed_dense(asm, &sum, stage);
                }
            },
            QuantisedKernel::Pool { pooling, .. } => {
                let scales = ByteScales::of_windows(kernel).map(Rc::new);
                self.pool(asm, (*pooling, scales));
            }
            QuantisedKernel::Pixel { .. } | QuantisedKernel::Concat(_) => {
                unreachable!("models with such operators have portable code")
            }
        }
    }

    fn rescaled(&self, sum: &'a RescaledSum) -> Sum<'a> {
        let scales = ByteScales::of_sum(sum, ResultPlace::Byte);
        let scales = scales.expect("models without it have portable code");
        Sum::of_model(
            self.program,
            (sum, self.expectation().clone()),
            Rc::new(scales),
            self.field.is_padded(),
        )
    }
}
