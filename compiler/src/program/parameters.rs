//! The parameters of a sum: constants of the program, or bytes that a network
//! takes at run time.
//!
//! At run time they are one buffer, every sum's after those of the sum before
//! it in the list's order; a `C2` has two, its depthwise one first:
//!
//! | bytes | |
//! | --- | --- |
//! | 1 | `left` |
//! | 1 | `right` |
//! | 1, where a map is added | `skip` |
//! | 1 or 2 an output, as `bits` says, or 4 of sums of wide values or to be some | the biases, two's complement, little-endian |
//! | as [`pack_row`] packs them | the rows of weights |
//!
//! Recurrent cells, trees and prototypes have their own bytes there, as `recurrent.rs` and
//! `scores.rs` say.
//!
//! No byte is without meaning: whatever the buffer holds, the network computes
//! something, modulo the width of its sums.

use super::{Form, Operation, Program, WeightedSum, pack_row, packed_row_bytes, unpack_row};
use crate::network::{Network, Node, SumShape};

/// Where the parameters of a sum are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SumParameters {
    /// Known to the compiler.
    Constant(ConstantParameters),
    /// In the bytes that are loaded at run time.
    Runtime(RuntimeParameters),
}

impl SumParameters {
    /// Those that the compiler knows.
    pub fn constant(&self) -> Option<&ConstantParameters> {
        match self {
            SumParameters::Constant(constants) => Some(constants),
            SumParameters::Runtime(_) => None,
        }
    }
}

/// The parameters of a sum that the compiler knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstantParameters {
    /// Whether weights are constants in the code or a table in flash.
    pub form: Form,
    /// In the order of use: `[tap][input][output]` for a convolution,
    /// `[input][output]` for a pointwise one and, in storage order, for a dense
    /// layer, `[tap][channel]` for a depthwise one. What [`pack_row`] packs is
    /// `outputs` of them.
    pub weights: Vec<i8>,
    /// One an output.
    pub biases: Vec<i32>,
    /// Bits to shift the sum up by, before the bias.
    pub left: u32,
    /// Bits to shift it down by, after the bias, rounding half to even.
    pub right: u32,
    /// Bits to shift a map up by that is added; 0 where none is.
    pub skip: u32,
}

/// Where the parameters of a sum are in the buffer that is loaded at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeParameters {
    /// The byte that says by how many bits to shift up, before the bias.
    pub left_byte: u32,
    /// The byte that says by how many bits to shift down, after the bias.
    pub right_byte: u32,
    /// The byte that says by how many bits to shift a map up that is added.
    pub skip_byte: Option<u32>,
    /// The first byte of the first bias.
    pub first_bias_byte: u32,
    /// Bytes of a bias, 1, 2 or 4, two's complement, little-endian.
    pub bias_bytes: u32,
    /// The first byte of the first row of weights.
    pub first_weight_byte: u32,
}

impl RuntimeParameters {
    /// Of a sum whose parameters begin at `first_byte`.
    pub(super) fn new(first_byte: u32, sum: &SumShape, bias_bits: u32) -> Self {
        let (outputs, adds) = (sum.outputs, sum.adds);
        let skip_byte = adds.then_some(first_byte + 2);
        let first_bias_byte = first_byte + 2 + u32::from(adds);
        let bias_bytes = bias_bytes(sum, bias_bits);
        Self {
            left_byte: first_byte,
            right_byte: first_byte + 1,
            skip_byte,
            first_bias_byte,
            bias_bytes,
            first_weight_byte: first_bias_byte + outputs * bias_bytes,
        }
    }
}

/// Bytes of a network's parameters at run time.
pub fn parameter_bytes(network: &Network) -> u64 {
    let bits = network.bits();
    let sums = network.nodes().iter().flat_map(Node::sums);
    let of_sums = sums.map(|sum| {
        let shifts = 2 + u64::from(sum.adds);
        let biases = u64::from(sum.outputs) * u64::from(bias_bytes(&sum, bits.biases));
        let rows = u64::from(sum.rows());
        shifts + biases + rows * u64::from(packed_row_bytes(sum.outputs, bits.weights))
    });
    let nodes = network.nodes().iter();
    let own = nodes.map(|node| super::own_parameter_bytes(node, bits));
    of_sums.sum::<u64>() + own.sum::<u64>()
}

/// Bytes of a bias.
fn bias_bytes(sum: &SumShape, bias_bits: u32) -> u32 {
    match sum.has_wide_biases() {
        true => 4,
        false => bias_bits / 8,
    }
}

/// The buffer of a program whose parameters are constants.
pub(super) fn pack(program: &Program, bias_bits: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for operation in program.operations() {
        bytes.extend(operation.own_packed().unwrap_or_default());
        for sum in operation.sums() {
            if let SumParameters::Constant(constants) = &sum.parameters {
                // The weights file allows shifts of 0 to 31.
                bytes.extend([constants.left as u8, constants.right as u8]);
                bytes.extend(sum.adds.then_some(constants.skip as u8));
                for bias in &constants.biases {
                    let width = match sum.bias_bytes() {
                        4 => 4,
                        _ => bias_bits / 8,
                    };
                    bytes.extend(&bias.to_le_bytes()[..width as usize]);
                }
                for row in constants.weights.chunks(sum.outputs as usize) {
                    bytes.extend(pack_row(row, program.weight_bits));
                }
            }
        }
    }
    bytes
}

impl Program {
    /// The same program with the parameters of that buffer as constants, tables
    /// all of them; bytes past the buffer's end are 0.
    pub fn with_parameters(&self, buffer: &[u8]) -> Program {
        let mut program = self.clone();
        let weight_bits = self.weight_bits;
        for operation in program.operations_mut() {
            operation.load_own(buffer);
        }
        for sum in program.operations_mut().flat_map(Operation::sums_mut) {
            if let SumParameters::Runtime(place) = sum.parameters {
                sum.parameters = SumParameters::Constant(unpack(buffer, place, sum, weight_bits));
            }
        }
        program
    }
}

fn unpack(
    buffer: &[u8],
    place: RuntimeParameters,
    sum: &WeightedSum,
    weight_bits: u32,
) -> ConstantParameters {
    let byte = |index: u32| buffer.get(index as usize).copied().unwrap_or(0);
    let bytes = |first: u32, count: u32| (first..first + count).map(byte).collect::<Vec<u8>>();
    let bias = |output: u32| {
        let first = place.first_bias_byte + output * place.bias_bytes;
        match bytes(first, place.bias_bytes)[..] {
            [low, high] => i16::from_le_bytes([low, high]).into(),
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]),
            _ => i8::from_le_bytes([byte(first)]).into(),
        }
    };
    let row_bytes = packed_row_bytes(sum.outputs, weight_bits);
    let row = |row: u32| {
        let packed = bytes(place.first_weight_byte + row * row_bytes, row_bytes);
        unpack_row(&packed, sum.outputs, weight_bits)
    };
    ConstantParameters {
        form: Form::Table,
        weights: (0..sum.rows).flat_map(row).collect(),
        biases: (0..sum.outputs).map(bias).collect(),
        left: byte(place.left_byte).into(),
        right: byte(place.right_byte).into(),
        skip: place.skip_byte.map_or(0, |skip| byte(skip).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::{Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource};
    use crate::network::chains::dense;
    use crate::network::{Bits, Shape};
    use crate::plan::{self, MemoryPlan, Strategy, SumBytes};
    use crate::program::{lower_runtime, pack_parameters};
    use crate::weights::{Parameters, Shift, Weights};
    use std::collections::BTreeMap;

    /// `[1, 1, 2] => < D*(3) >` with biases of 8 bits.
    fn declaration() -> (Declaration, MemoryPlan) {
        let bits = Bits {
            biases: 8,
            ..Bits::default()
        };
        let network = Network::new(Shape::new(1, 1, 2), bits, &[dense(3)]).unwrap();
        let plan = plan::plan(
            &network.dataflow(),
            &SumBytes::all(&network.dataflow(), 2),
            Strategy::ROW_MAJOR,
        );
        let declaration = Declaration {
            network,
            budget: Budget::default(),
            reserve: Reserve::default(),
            weights: WeightsSource::Runtime,
            results: None,
            plan: PlanChoice::Named(Strategy::ROW_MAJOR),
            sparsity: 0.0,
            window: None,
            code: CodeChoice::Fastest,
            layer_code: BTreeMap::new(),
        };
        (declaration, plan)
    }

    fn weights(weight: [i8; 6], left: u8) -> Weights {
        let parameters = Parameters {
            weight: weight.to_vec(),
            bias: vec![1, -1, -128],
            shift: Shift {
                left,
                right: 5,
                skip: 0,
            },
        };
        Weights::new(vec![vec![parameters]])
    }

    #[test]
    fn the_buffer_is_as_documented_and_is_read_as_it_was_packed() {
        let (declaration, plan) = declaration();
        // [out, in]: the rows are −8, 0, 7 and 7, 1, −1.
        let weights = weights([-8, 7, 0, 1, 7, -1], 2);
        let buffer = pack_parameters(&declaration, &weights, &plan).unwrap();
        assert_eq!(buffer, [2, 5, 1, 0xFF, 0x80, 0x80, 0x0F, 0x9F, 0x07]);
        assert_eq!(parameter_bytes(&declaration.network), buffer.len() as u64);
        let program = lower_runtime(&declaration, &plan);
        assert_eq!(program.parameter_bytes as usize, buffer.len());
        let loaded = program.with_parameters(&buffer);
        let sum = loaded
            .steps()
            .next()
            .unwrap()
            .operation
            .sums()
            .next()
            .unwrap();
        let constants = ConstantParameters {
            form: Form::Table,
            weights: vec![-8, 0, 7, 7, 1, -1],
            biases: vec![1, -1, -128],
            left: 2,
            right: 5,
            skip: 0,
        };
        assert_eq!(sum.parameters, SumParameters::Constant(constants));
    }

    #[test]
    fn sums_that_could_pass_their_accumulator_are_refused() {
        let (declaration, plan) = declaration();
        let weights = weights([-8, 7, 0, 1, 7, -1], 9);
        let errors = pack_parameters(&declaration, &weights, &plan).unwrap_err();
        let message = errors[0].to_string();
        assert!(
            message.starts_with(
                "the sum of output 0 of layer 0 can be anything from -61439 to 53761, and an \
                 accumulator has 16 bits"
            ),
            "{message}"
        );
    }
}
