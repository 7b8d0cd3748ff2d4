//! A network's machine code on a simulated part, without a firmware around it.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::call::Caller;

/// Where code begins: after the vectors of every part.
const BASE_BYTES: u32 = 0x400;

/// A network's functions, and what they need to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkCode {
    /// The part, as simavr calls it.
    pub mcu: String,
    /// Assembly of the functions `absorb`, `infer` and all that they call.
    pub text: String,
    /// Bytes of an input.
    pub input_bytes: usize,
    /// Bytes of the network's value that are 0 before an input.
    pub cursor_bytes: u16,
    /// Bytes of the value in front of its parameters.
    pub state_bytes: u16,
    /// The parameters after it, where they are not in the code.
    pub parameters: Vec<u8>,
    /// Bytes of the results.
    pub results_bytes: u16,
}

/// What an inference gave and took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inference {
    /// The results as they are stored.
    pub results: Vec<u8>,
    /// Cycles of taking the input in and of computing.
    pub cycles: u64,
    /// Cycles of the longest `push`.
    pub push_cycles: u64,
    /// Bytes of the deepest stack.
    pub stack_bytes: u16,
}

/// A part that runs a network.
pub struct SimulatedNetwork {
    caller: Caller,
    input_bytes: usize,
    network: u16,
    /// The end of what is not its parameters.
    state_end: u16,
    results: u16,
    results_bytes: u16,
}

impl SimulatedNetwork {
    /// Programs a part.
    ///
    /// # Errors
    /// When the code cannot be assembled, or the part has no room for code or data.
    pub fn new(code: &NetworkCode) -> Result<Self> {
        let mut caller = Caller::new(&code.mcu, BASE_BYTES, &code.text, 1)?;
        let network = caller.machine().ram_start();
        let all_bytes =
            usize::from(code.state_bytes) + code.parameters.len() + usize::from(code.results_bytes);
        let room = usize::from(caller.machine().ram_end() - network);
        ensure!(
            all_bytes < room,
            "the network takes {all_bytes} bytes of SRAM, and the part has {room}"
        );
        for address in (network..).take(code.cursor_bytes.into()) {
            caller.machine_mut().set_data(address, 0);
        }
        let state_end = network + code.state_bytes;
        for (address, &byte) in (state_end..).zip(&code.parameters) {
            caller.machine_mut().set_data(address, byte);
        }
        Ok(Self {
            caller,
            input_bytes: code.input_bytes,
            network,
            state_end,
            results: state_end + code.parameters.len() as u16,
            results_bytes: code.results_bytes,
        })
    }

    /// Takes an input in and infers.
    ///
    /// # Errors
    /// When the code breaks a rule of its calls.
    pub fn infer(&mut self, input: &[u8]) -> Result<Inference> {
        let given = input.len();
        ensure!(
            given == self.input_bytes,
            "{given} bytes are no input of {}",
            self.input_bytes
        );
        let [low, high] = self.network.to_le_bytes();
        let state = self.network..self.state_end;
        let results = self.results..self.results + self.results_bytes;
        let mut inference = Inference {
            results: Vec::new(),
            cycles: 0,
            push_cycles: 0,
            stack_bytes: 0,
        };
        for (index, &byte) in (1..).zip(input) {
            let arguments = [(24, low), (25, high), (22, byte)];
            let writable = [state.clone()];
            let absorbed = self.caller.call("absorb", &arguments, &writable, None);
            let absorbed = absorbed.with_context(|| format!("at byte {index} of the input"))?;
            let mut push_cycles = absorbed.cycles;
            inference.stack_bytes = inference.stack_bytes.max(absorbed.stack_bytes);
            let is_complete = absorbed.registers[24] != 0;
            ensure!(
                is_complete == (index == self.input_bytes),
                "the code takes {index} bytes for an input, which has {}",
                self.input_bytes
            );
            if is_complete {
                let [results_low, results_high] = self.results.to_le_bytes();
                let arguments = [(24, low), (25, high), (22, results_low), (23, results_high)];
                let writable = [state.clone(), results.clone()];
                let inferred = self.caller.call("infer", &arguments, &writable, None)?;
                push_cycles += inferred.cycles;
                inference.stack_bytes = inference.stack_bytes.max(inferred.stack_bytes);
            }
            inference.cycles += push_cycles;
            inference.push_cycles = inference.push_cycles.max(push_cycles);
        }
        let machine = self.caller.machine();
        inference.results = results.map(|address| machine.data(address)).collect();
        Ok(inference)
    }
}
