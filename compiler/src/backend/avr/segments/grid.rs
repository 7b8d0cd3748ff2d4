//! Runs a segment over the points of its grid, whatever its stages' timings are:
//! at each point every stage in turn, where it has something to do.
//!
//! On the stack are the point's row and column and the network's address, from
//! which each stage's arguments are made. What computes as the input arrives is a
//! part of `absorb`; any other segment is a function that `infer` calls.

use crate::backend::avr::arithmetic::index::{self, compare, increment, is_wide};
use crate::backend::avr::isa::abi::{restore, save};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Instruction, Mode};
use crate::backend::avr::isa::ports::{RAMPZ, stack_pointer};
use crate::backend::avr::isa::registers::{
    COLUMN, COMPLETES, NETWORK, Pointer, ROW, Register, Registers, SCRATCH, X, Z, ZERO,
};
use crate::backend::avr::memory::slots::{FARTHEST, Slots};
use crate::backend::avr::segments::chain;
use crate::backend::avr::segments::point::GridAxis;
use crate::backend::avr::segments::windows::hands_on;
use crate::network::{Kernel, Shape};
use crate::plan::{Arrival, Sink, Timing};
use crate::program::{ByPixel, Program, Segment, Stage};

/// As many bytes are set to 0 one by one in no more flash than by a loop.
const MOST_STORES: usize = 6;

/// Emits what follows a pixel of the first map that is complete: the network's
/// address is in r25:r24, the pixel's row in r22, its column in r20, both as wide
/// as the grid wants them. All is changed but r25:r24, and what the C ABI wants
/// saved.
///
/// After the last column and the last row come the points at which nothing arrives
/// any more.
pub(crate) fn emit(asm: &mut Assembly, program: &Program) {
    let segment = program.arriving();
    let grid = Grid { segment };
    let pixels = f64::from(program.intake.output.pixels());
    // Whatever it is in, it is as often there as pixels are complete.
    asm.times(1.0 / pixels, |asm| {
        let nothing = asm.label();
        let mut share = 1.0;
        if !grid.goes_on_after(program.intake.output) {
            share = asm.times(pixels, |asm| grid.unless_called(asm, nothing));
        }
        asm.times(pixels * share, |asm| {
            save(asm);
            grid.push(asm, [ROW, COLUMN]);
        });
        let next = asm.here();
        asm.times(f64::from(grid.points()) * share, |asm| {
            grid.point(asm, share);
        });
        grid.after_arrival(asm, next, program.intake.output);
        asm.times(pixels * share, |asm| {
            grid.pop(asm);
            restore(asm);
        });
        asm.bind(nothing);
    });
}

/// The function of a segment over maps that are complete.
///
/// `segment_N(network: r25:r24)`; changes everything.
pub(crate) fn emit_completed(
    program: &Program,
    core: Core,
    (job, segment): (usize, &Segment),
) -> Function {
    let mut asm = Assembly::new(core);
    let grid = Grid { segment };
    grid.push(&mut asm, [ZERO, ZERO]);
    let next = asm.here();
    asm.times(f64::from(grid.points()), |asm| grid.point(asm, 1.0));
    grid.after_point(&mut asm, next);
    grid.pop(&mut asm);
    reset_positions(&mut asm, program);
    asm.ret();
    asm.finish(FunctionId::Segment(job))
}

/// Lets the next input begin at position 0 in every ring, as the first one did: where rings went
/// on from wherever they are, it would take other cycles than the one before, at each of more
/// places than there is time to look at. Every other position of a chain comes back to 0.
///
/// Of an input that goes on without end, rings do too.
pub(crate) fn reset_after_input(asm: &mut Assembly, program: &Program) {
    if program.repeat.is_some() {
        return;
    }
    let has_later_segments = program.segments().count() > 1;
    if has_later_segments || !chain::is_flat(program) {
        reset_positions(asm, program);
        return;
    }
    let stages = program.arriving().stages.iter();
    let sinks = [program.intake.sink].into_iter();
    let rings = sinks.chain(stages.map(|stage| stage.plan.sink));
    let mut bytes: Vec<u32> = rings
        .flat_map(|sink| match sink {
            Sink::Ring(ring) => Slots::of_ring(program, ring, ring.position).position_bytes(),
            Sink::Map { .. } | Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => 0..0,
        })
        .collect();
    bytes.sort_unstable();
    bytes.dedup();
    if bytes.len() > MOST_STORES || bytes.iter().any(|&byte| byte > FARTHEST) {
        reset_positions(asm, program);
        return;
    }
    let changed = Registers::of_pairs([Z]);
    asm.changing(changed, |asm| {
        if !bytes.is_empty() {
            asm.movw(Z, NETWORK);
        }
        for byte in bytes {
            asm.store(Pointer::Z, Mode::Displacement(byte as u8), ZERO);
        }
    })
}

/// Lets all positions be 0, as whatever segment comes next wants them: none has them
/// before.
pub(crate) fn reset_positions(asm: &mut Assembly, program: &Program) {
    let changed = Registers::of_pairs([X, SCRATCH]);
    asm.changing(changed, |asm| {
        let bytes = 2 * program.positions;
        if bytes == 0 {
            return;
        }
        asm.movw(X, NETWORK);
        asm.add_to_pair(X, program.cursor_pixel_bytes as i32);
        if bytes <= 6 {
            for _ in 0..bytes {
                asm.store(Pointer::X, Mode::PostIncrement, ZERO);
            }
            return;
        }
        asm.ldi_pair(SCRATCH, bytes as u16);
        let next = asm.here();
        asm.times(bytes.into(), |asm| {
            asm.store(Pointer::X, Mode::PostIncrement, ZERO);
            asm.subi(SCRATCH, 1);
            asm.sbci(SCRATCH.next(), 0);
            asm.loop_back(Condition::NotEqual, next, bytes.into());
        });
    })
}

struct Grid<'a> {
    segment: &'a Segment,
}

impl Grid<'_> {
    fn size(&self) -> Kernel {
        self.segment.grid
    }

    fn points(&self) -> u32 {
        self.size().height * self.size().width
    }

    fn sides(&self) -> [(Register, u32); 2] {
        let Kernel { height, width } = self.size();
        [(ROW, height), (COLUMN, width)]
    }

    /// Pushes the network's address and a point. `from`: the registers of its row and
    /// its column, or zero for both.
    fn push(&self, asm: &mut Assembly, from: [Register; 2]) {
        asm.push(NETWORK.next());
        asm.push(NETWORK);
        for (first, (_, side)) in from.into_iter().zip(self.sides()).rev() {
            if is_wide(side) {
                asm.push(if first == ZERO { ZERO } else { first.next() });
            }
            asm.push(first);
        }
    }

    /// Takes them from the stack; the network's address is in r25:r24.
    fn pop(&self, asm: &mut Assembly) {
        for (first, side) in self.sides() {
            for register in index::registers(first, side) {
                asm.pop(register);
            }
        }
        asm.pop(NETWORK);
        asm.pop(NETWORK.next());
    }

    /// Where from the stack pointer on a row or column is.
    fn place(&self, axis: Register) -> u8 {
        let rows = 1 + u8::from(is_wide(self.size().height));
        if axis == ROW { 1 } else { 1 + rows }
    }

    /// Where the network's address is.
    fn network_place(&self) -> u8 {
        self.place(COLUMN) + 1 + u8::from(is_wide(self.size().width))
    }

    /// The point's row or column, Z being the stack pointer.
    fn load(&self, asm: &mut Assembly, (first, side): (Register, u32)) {
        let place = self.place(first);
        for (register, byte) in index::registers(first, side).into_iter().zip(place..) {
            asm.load(register, Pointer::Z, Mode::Displacement(byte));
        }
    }

    fn keep(&self, asm: &mut Assembly, (first, side): (Register, u32)) {
        let place = self.place(first);
        for (register, byte) in index::registers(first, side).into_iter().zip(place..) {
            asm.store(Pointer::Z, Mode::Displacement(byte), register);
        }
    }

    fn calls(&self) -> Vec<Call> {
        self.segment.stages.iter().flat_map(calls).collect()
    }

    /// Whether there are points after those at which a pixel of that map arrives.
    fn goes_on_after(&self, arriving: Shape) -> bool {
        let Kernel { height, width } = self.size();
        width > arriving.width || height > arriving.height
    }

    /// Branches where nothing is called at the point of [`ROW`] and [`COLUMN`], if the first
    /// call's points are those of all others too; the share of points that are left.
    fn unless_called(&self, asm: &mut Assembly, nothing: CodeLabel) -> f64 {
        let calls = self.calls();
        let sides = self.sides();
        let Some(first) = calls.first() else {
            return 1.0;
        };
        let is_narrow = sides.iter().all(|&(_, side)| !is_wide(side));
        if !is_narrow
            || !calls
                .iter()
                .all(|call| first.timing.has_all_of(call.timing))
        {
            return 1.0;
        }
        let mut share = 1.0;
        for ((register, points), timing) in sides
            .into_iter()
            .zip([first.timing.rows, first.timing.columns])
        {
            let axis = GridAxis { timing, points };
            asm.times(share, |asm| {
                asm.mov(register.next(), register);
                axis.emit(asm, register.next(), nothing);
            });
            share *= axis.share();
        }
        share
    }

    /// Every stage at a point. Z is the stack pointer after it. `looked_at`: the share of points
    /// that come here.
    fn point(&self, asm: &mut Assembly, looked_at: f64) {
        stack_pointer(asm, Pointer::Z);
        let calls = self.calls();
        let labels: Vec<CodeLabel> = calls.iter().map(|_| asm.label()).collect();
        let done = asm.label();
        for (index, call) in calls.iter().enumerate() {
            asm.bind(labels[index]);
            // Where this one has nothing to do, those have nothing either whose points it has.
            let others = calls.iter().zip(&labels).skip(index + 1);
            let next = others.into_iter().find_map(|(other, &label)| {
                (!call.timing.has_all_of(other.timing)).then_some(label)
            });
            let before = calls[..index].iter().rev();
            let outer = before.filter(|other| other.timing.has_all_of(call.timing));
            let outer_share = outer.map(|other| self.share(other)).next();
            let comes_here = outer_share.unwrap_or(looked_at);
            asm.times(comes_here / looked_at, |asm| {
                self.call(asm, (call, comes_here), next.unwrap_or(done));
            });
        }
        asm.bind(done);
    }

    /// The share of the grid's points at which a function is called.
    fn share(&self, call: &Call) -> f64 {
        let timings = [call.timing.rows, call.timing.columns];
        let sides = self.sides().into_iter().zip(timings);
        sides
            .map(|((_, points), timing)| GridAxis { timing, points }.share())
            .product()
    }

    /// Calls a stage's function where its timing has the point. `comes_here`: the share of points
    /// that are looked at.
    fn call(&self, asm: &mut Assembly, (call, comes_here): (&Call, f64), absent: CodeLabel) {
        let mut share = 1.0;
        for ((first, points), timing) in self
            .sides()
            .into_iter()
            .zip([call.timing.rows, call.timing.columns])
        {
            let axis = GridAxis { timing, points };
            asm.times(share, |asm| {
                self.load(asm, (first, points));
                axis.emit(asm, first, absent);
            });
            share *= axis.share();
        }
        let share = (self.share(call) / comes_here).min(1.0);
        asm.times(share, |asm| {
            if let Some(completes) = call.completes {
                asm.ldi(COMPLETES, completes.into());
            }
            let network = self.network_place();
            asm.load(NETWORK, Pointer::Z, Mode::Displacement(network));
            asm.load(NETWORK.next(), Pointer::Z, Mode::Displacement(network + 1));
            asm.movw(Z, NETWORK);
            asm.emit(Instruction::CallFunction {
                function: call.function,
                far: asm.core().has_jmp,
            });
            if asm.core().extended_flash {
                asm.write_port(RAMPZ, ZERO);
            }
            stack_pointer(asm, Pointer::Z);
        });
    }

    /// Goes to the next point of a grid whose pixels are all there.
    fn after_point(&self, asm: &mut Assembly, next: CodeLabel) {
        let [rows, columns] = self.sides();
        let (height, width) = (f64::from(rows.1), f64::from(columns.1));
        asm.times(height * width, |asm| {
            if columns.1 > 1 {
                self.step(asm, columns);
                asm.branch(Condition::Lower, next, 1.0 - 1.0 / width);
            }
        });
        asm.times(height, |asm| {
            if rows.1 > 1 {
                if columns.1 > 1 {
                    self.restart_column(asm);
                }
                self.step(asm, rows);
                asm.branch(Condition::Lower, next, 1.0 - 1.0 / height);
            }
        });
    }

    /// Goes to the next point at which nothing arrives, if that follows.
    fn after_arrival(&self, asm: &mut Assembly, next: CodeLabel, arriving: Shape) {
        let [rows, columns] = self.sides();
        let (more_columns, more_rows) = (columns.1 > arriving.width, rows.1 > arriving.height);
        if !more_columns && !more_rows {
            return;
        }
        let [after_row, after_columns, done] = [(); 3].map(|()| asm.label());
        let points = f64::from(self.points());
        let of_rows = f64::from(arriving.height) / f64::from(rows.1);
        asm.times(points, |asm| {
            if more_rows {
                self.load(asm, rows);
                self.compare(asm, rows, arriving.height);
                asm.branch(Condition::SameOrHigher, after_row, 1.0 - of_rows);
            }
        });
        let last = 1.0 / f64::from(arriving.width);
        asm.times(points * of_rows, |asm| {
            // Up to the last column the next pixel arrives.
            self.load(asm, columns);
            self.compare(asm, columns, arriving.width - 1);
            asm.branch(Condition::Lower, done, 1.0 - last);
        });
        asm.bind(after_row);
        asm.times(points * last, |asm| {
            self.step(asm, columns);
            asm.branch(Condition::Lower, next, 0.5);
        });
        asm.bind(after_columns);
        if more_rows {
            asm.times(f64::from(rows.1), |asm| {
                self.restart_column(asm);
                self.step(asm, rows);
                let ends = asm.label();
                asm.branch(Condition::SameOrHigher, ends, 0.05);
                self.compare(asm, rows, arriving.height);
                asm.branch(Condition::SameOrHigher, next, 1.0 - of_rows);
                asm.bind(ends);
            });
        }
        asm.bind(done);
    }

    /// The point's column becomes 0.
    fn restart_column(&self, asm: &mut Assembly) {
        let place = self.place(COLUMN);
        for byte in 0..=u8::from(is_wide(self.size().width)) {
            asm.store(Pointer::Z, Mode::Displacement(place + byte), ZERO);
        }
    }

    /// Adds 1 to the point's row or column, and compares it with the grid's side.
    fn step(&self, asm: &mut Assembly, axis: (Register, u32)) {
        self.load(asm, axis);
        increment(asm, &index::registers(axis.0, axis.1));
        self.keep(asm, axis);
        self.compare(asm, axis, axis.1);
    }

    fn compare(&self, asm: &mut Assembly, (first, side): (Register, u32), constant: u32) {
        compare(asm, &index::registers(first, side), constant, SCRATCH);
    }
}

/// A function of a stage, and when it is called.
struct Call {
    function: FunctionId,
    timing: Timing,
    /// Of a dense layer whose sums are completed by a call of their own: whether this
    /// is that one.
    completes: Option<bool>,
}

/// What is called of a stage at a point, in this order.
fn calls(stage: &Stage) -> Vec<Call> {
    let plan = &stage.plan;
    let takes = |function, completes| Call {
        function,
        timing: plan.input_timing,
        completes,
    };
    let computes = |completes| Call {
        function: FunctionId::Layer(plan.node),
        timing: plan.timing,
        completes,
    };
    if !plan.takes {
        return vec![computes(None)];
    }
    match stage.operation.by_pixel() {
        Some(ByPixel::Sums(_)) => {
            let layer = FunctionId::Layer(plan.node);
            if plan.joined.is_empty() {
                // It counts the pixels, and completes with the last one.
                vec![takes(layer, None)]
            } else {
                vec![takes(layer, Some(false)), computes(Some(true))]
            }
        }
        Some(ByPixel::Windows(_)) => {
            let taking =
                (plan.arrival != Arrival::Values).then(|| takes(FunctionId::Take(plan.node), None));
            let completing = hands_on(stage).then(|| computes(None));
            taking.into_iter().chain(completing).collect()
        }
        // It hands its states on with the last row.
        Some(ByPixel::Steps(_)) => vec![takes(FunctionId::Layer(plan.node), None)],
        None => unreachable!("such a stage computes from whole fields"),
    }
}
