//! A network's machine code on a simulated part.

use std::fmt::Write as _;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use herringbone_compiler::backend::WorstCase;
use herringbone_compiler::program::{Map, Program};
use herringbone_compiler::target::Target;
use herringbone_simulator::call::Caller;
use herringbone_simulator::machine::Machine;

/// Bytes around what the code may write to that must stay as they are, beside all others.
const GUARD_BYTES: u16 = 8;

/// The functions of a network.
pub(crate) struct Code {
    /// `absorb`, `infer`, and one a layer.
    pub(crate) functions: Vec<Function>,
    /// Bytes of tables in sections of their own.
    pub(crate) table_bytes: u32,
    /// The deepest stack that is expected, return addresses included.
    pub(crate) stack_bytes: u32,
    /// The most cycles that are expected.
    pub(crate) worst_case: WorstCase,
}

/// One of them.
pub(crate) struct Function {
    pub(crate) name: String,
    /// Its assembly: calls of other functions stand as `{name}`.
    pub(crate) text: String,
    /// The flash that it is expected to take, apart from tables in sections of their own.
    pub(crate) flash_bytes: u32,
}

impl Code {
    /// The functions as a program's text, each with its label and size.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for Function {
            name, text: body, ..
        } in &self.functions
        {
            let mut body = body.clone();
            for callee in &self.functions {
                body = body.replace(&format!("{{{}}}", callee.name), &callee.name);
            }
            let _ = writeln!(
                text,
                "\t.type {name}, @function\n{name}:\n{body}\n\t.p2align 1\n\t.size {name}, . - {name}"
            );
        }
        text
    }

    pub(crate) fn flash_bytes(&self) -> u32 {
        let functions = self.functions.iter().map(|it| it.flash_bytes);
        self.table_bytes + functions.sum::<u32>()
    }
}

/// Where code and data are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Where the code begins in flash.
    pub(crate) base_bytes: u32,
    /// Bytes of SRAM in front of the network, where there is room.
    pub(crate) offset_bytes: u8,
    /// What memory holds to begin with.
    pub(crate) noise: u64,
}

/// A part that runs a network.
pub(crate) struct Device<'a> {
    caller: Caller,
    program: &'a Program,
    network: u16,
    results: u16,
}

/// What an inference gave and took.
pub(crate) struct Inference {
    pub(crate) results: Vec<i64>,
    /// Cycles of taking the input in and of computing.
    pub(crate) cycles: u64,
    /// Of the longest `push`.
    pub(crate) push_cycles: u64,
}

/// Told of a layer's function by name when it returns, and of `absorb` after the last byte.
pub(crate) type Observer<'o> = dyn FnMut(&str, &View<'_>) + 'o;

impl<'a> Device<'a> {
    /// Whether code and data have room on `part`, the network with `parameter_bytes` after it.
    pub(crate) fn fits(
        part: &Target,
        program: &Program,
        parameter_bytes: usize,
        code: &Code,
        site: Site,
    ) -> bool {
        let data = program.arena_bytes + results_bytes(program);
        let data =
            data + program.cursor_bytes + u32::from(3 * GUARD_BYTES) + parameter_bytes as u32;
        data + code.stack_bytes <= part.sram_bytes
            && site.base_bytes + code.flash_bytes() <= part.flash_bytes
    }

    /// Programs a part; the network has `parameters` after it, which are empty where the code
    /// holds them.
    ///
    /// # Errors
    /// When the code cannot be assembled, or takes other flash than expected.
    pub(crate) fn new(
        part: &Target,
        program: &'a Program,
        parameters: &[u8],
        code: &Code,
        site: Site,
    ) -> Result<Self> {
        let caller = Caller::new(part.name, site.base_bytes, &code.text(), site.noise)?;
        for Function {
            name, flash_bytes, ..
        } in &code.functions
        {
            let bytes = caller.assembly().bytes(name)?;
            ensure!(
                bytes == *flash_bytes,
                "{name} takes {bytes} bytes of flash, not {flash_bytes}"
            );
        }
        let (tables, expected) = (caller.assembly().table_bytes()?, code.table_bytes);
        ensure!(
            tables == expected,
            "tables take {tables} bytes of flash, not {expected}"
        );

        let arena_bytes = u16::try_from(program.arena_bytes)?;
        let cursor_bytes = u16::try_from(program.cursor_bytes)?;
        let network_bytes = arena_bytes + cursor_bytes + u16::try_from(parameters.len())?;
        let results_bytes = u16::try_from(results_bytes(program))?;
        let (start, end) = (caller.machine().ram_start(), caller.machine().ram_end());
        let taken = network_bytes + results_bytes + 3 * GUARD_BYTES;
        let spare = (end + 1 - start - taken).saturating_sub(u16::try_from(code.stack_bytes)?);
        let network = start + GUARD_BYTES + spare.min(site.offset_bytes.into());
        let mut device = Self {
            caller,
            program,
            network,
            results: network + network_bytes + GUARD_BYTES,
        };
        for address in device.cursor() {
            device.caller.machine_mut().set_data(address, 0);
        }
        for (address, &byte) in (device.arena().end..).zip(parameters) {
            device.caller.machine_mut().set_data(address, byte);
        }
        Ok(device)
    }

    fn arena(&self) -> Range<u16> {
        let first = self.cursor().end;
        first..first + self.program.arena_bytes as u16
    }

    fn cursor(&self) -> Range<u16> {
        self.network..self.network + self.program.cursor_bytes as u16
    }

    /// That the next input begins as the first one did.
    fn check_cursor(&self, what: &str) -> Result<()> {
        let machine = self.caller.machine();
        let cursor: Vec<u8> = self.cursor().map(|address| machine.data(address)).collect();
        ensure!(
            cursor.iter().all(|&byte| byte == 0),
            "the cursor is {cursor:?} after {what}"
        );
        Ok(())
    }

    /// Goes to the first byte of that row, as `Cursor::at` does.
    pub(crate) fn go_to_row(&mut self, row: u32) {
        let (row_bytes, _) = self.program.cursor_axis_bytes();
        let bytes = row.to_le_bytes().into_iter().take(row_bytes as usize);
        for (address, byte) in self.cursor().zip(bytes.chain(std::iter::repeat(0))) {
            self.caller.machine_mut().set_data(address, byte);
        }
    }

    fn results(&self) -> Range<u16> {
        self.results..self.results + results_bytes(self.program) as u16
    }

    /// Takes `input` in and infers.
    ///
    /// # Errors
    /// When a function breaks a rule, `absorb` is not done just after the last byte, or the stack
    /// becomes deeper than `code` says.
    pub(crate) fn infer(
        &mut self,
        input: &[u8],
        code: &Code,
        mut observer: Option<&mut Observer<'_>>,
    ) -> Result<Inference> {
        let [low, high] = self.network.to_le_bytes();
        let mut cycles = 0;
        let (mut push_cycles, mut last_cycles) = (0, 0);
        let check_stack = |function: &str, bytes: u16| {
            ensure!(
                u32::from(bytes) <= code.stack_bytes,
                "the stack of {function} is {bytes} bytes deep, not {}",
                code.stack_bytes
            );
            Ok(())
        };

        let writable = [self.arena(), self.cursor()];
        for (index, &byte) in input.iter().enumerate() {
            let told = || format!("at byte {index} of the input");
            let arguments = [(24, low), (25, high), (22, byte)];
            let returned = self.caller.call("absorb", &arguments, &writable, None);
            let returned = returned.with_context(told)?;
            check_stack("absorb", returned.stack_bytes)?;
            cycles += returned.cycles;
            last_cycles = returned.cycles;
            push_cycles = last_cycles.max(push_cycles);
            let is_last = u8::from(index + 1 == input.len());
            let done = returned.registers[24];
            ensure!(
                done == is_last,
                "absorb returns {done}, not {is_last}, {}",
                told()
            );
        }
        self.check_cursor("the last byte")?;

        let machine = self.caller.machine();
        let (program, arena) = (self.program, self.arena().start);
        if let Some(observer) = &mut observer {
            observer(
                "absorb",
                &View {
                    machine,
                    program,
                    arena,
                },
            );
        }
        let mut of_layers = observer.map(|observer| {
            move |name: &str, machine: &Machine| {
                observer(
                    name,
                    &View {
                        machine,
                        program,
                        arena,
                    },
                )
            }
        });
        let of_layers = of_layers
            .as_mut()
            .map(|it| it as &mut dyn FnMut(&str, &Machine));
        let [results_low, results_high] = self.results.to_le_bytes();
        let arguments = [(24, low), (25, high), (22, results_low), (23, results_high)];
        let positions = self.cursor().start + program.cursor_pixel_bytes as u16..arena;
        let writable = [positions, self.arena(), self.results()];
        let returned = self
            .caller
            .call("infer", &arguments, &writable, of_layers)?;
        check_stack("infer", returned.stack_bytes)?;
        self.check_cursor("infer")?;
        cycles += returned.cycles;
        push_cycles = push_cycles.max(last_cycles + returned.cycles);
        let worst = code.worst_case;
        ensure!(
            cycles <= worst.cycles && push_cycles <= worst.push_cycles,
            "an inference takes {cycles} cycles and its longest push {push_cycles}, and \
             {worst:?} are the most"
        );

        let machine = self.caller.machine();
        let bytes: Vec<u8> = self
            .results()
            .map(|address| machine.data(address))
            .collect();
        let width = program.results.integer.bytes() as usize;
        let results = bytes.chunks(width).map(|bytes| match *bytes {
            [a, b] => Ok(i16::from_le_bytes([a, b]).into()),
            [a, b, c, d] => Ok(i32::from_le_bytes([a, b, c, d]).into()),
            _ => bail!("results of {width} bytes"),
        });
        Ok(Inference {
            results: results.collect::<Result<_>>()?,
            cycles,
            push_cycles,
        })
    }
}

fn results_bytes(program: &Program) -> u32 {
    program.results.count * program.results.integer.bytes()
}

/// The arena at some moment.
pub(crate) struct View<'v> {
    machine: &'v Machine,
    program: &'v Program,
    arena: u16,
}

impl View<'_> {
    /// A map's values in flattening order.
    pub(crate) fn map(&self, map: &Map) -> Vec<i64> {
        let bits = self.program.activation_bits;
        let mut values = Vec::new();
        for row in 0..map.shape.height {
            for column in 0..map.shape.width {
                for channel in 0..map.shape.channels {
                    let first_bit = (map.cell((row, column)) + channel) * bits;
                    let byte = self.machine.data(self.arena + (first_bit / 8) as u16);
                    let value = i64::from(byte >> (first_bit % 8)) & ((1 << bits) - 1);
                    let negative = map.signed && value >> (bits - 1) == 1;
                    values.push(if negative { value - (1 << bits) } else { value });
                }
            }
        }
        values
    }
}
