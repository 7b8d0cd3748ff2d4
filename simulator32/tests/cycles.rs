//! Cycles of short sequences are those that others have measured or documented.

use herringbone_simulator32::fault::Cause;
use herringbone_simulator32::machine::{Machine, Run, Until};
use herringbone_simulator32::memory::Map;
use herringbone_simulator32::program::{InstructionSet, Program};
use herringbone_simulator32::{core::Core, fault::Fault, risc_v, thumb};

const SRAM: u32 = 0x2000_0000;

const MAP: Map = Map {
    flash_start: 0,
    flash_bytes: 1024,
    sram_start: SRAM,
    sram_bytes: 256,
    uart: Some(0x4000_0000),
    uart_receive: None,
    marker: Some(0x4000_0004),
    registers: &[],
};

/// A part with those halfwords at `address`, about to execute the first; the stack pointer is at
/// SRAM's end.
fn machine<C: Core>(core: C, address: u32, code: &[u16]) -> Machine<C> {
    let bytes = code.iter().flat_map(|half| half.to_le_bytes()).collect();
    let program = Program {
        instruction_set: InstructionSet::Thumb,
        segments: vec![(address, bytes)],
        functions: Vec::new(),
        entry: 0,
        symbols: Vec::new(),
    };
    let mut machine = Machine::new(core, MAP, program).unwrap();
    machine.core.set_register(C::STACK_POINTER, SRAM + 256);
    machine.core.jump(address);
    machine
}

fn run<C: Core>(machine: &mut Machine<C>, end: u32) -> Result<Run, Fault> {
    machine.run(Until::Address(end), 1000)
}

const M0: thumb::Cost = thumb::Cost::CORTEX_M0;
const M0_PLUS: thumb::Cost = thumb::Cost::CORTEX_M0_PLUS;

/// Code, where it ends and its cycles on both cores: the tables 3-1 of Arm's two manuals.
const THUMB: [(&[u16], u32, u64, u64); 13] = [
    (&[0x1840], 2, 1, 1),                 // adds r0, r0, r1
    (&[0x4348], 2, 1, 1),                 // muls r0, r1
    (&[0x9800], 2, 2, 2),                 // ldr r0, [sp]
    (&[0x9000], 2, 2, 2),                 // str r0, [sp]
    (&[0xB4FF], 2, 9, 9),                 // push {r0-r7}
    (&[0xB082, 0xBC03], 4, 4, 4),         // sub sp, #8; pop {r0, r1}
    (&[0xE000], 4, 3, 2),                 // b .+4
    (&[0x4280, 0xD000], 6, 4, 3),         // cmp r0, r0; beq .+4
    (&[0x4280, 0xD100], 4, 2, 2),         // cmp r0, r0; bne .+4
    (&[0xF000, 0xF801], 6, 4, 3),         // bl .+6
    (&[0x2005, 0x4700], 4, 4, 3),         // movs r0, #5; bx r0
    (&[0x2007, 0xB401, 0xBD00], 6, 8, 7), // movs r0, #7; push {r0}; pop {pc}
    (&[0xF3BF, 0x8F4F], 4, 4, 3),         // dsb
];

#[test]
fn a_cortex_m0_and_an_m0_plus_take_the_cycles_of_their_manuals() {
    for (code, end, m0, m0_plus) in THUMB {
        for (cost, expected) in [(M0, m0), (M0_PLUS, m0_plus)] {
            let mut machine = machine(thumb::Thumb::new(cost), 0, code);
            machine.core.set_register(13, SRAM + 128);
            assert_eq!(
                run(&mut machine, end).unwrap().cycles,
                expected,
                "{code:04x?}"
            );
        }
    }
    let mut small = machine(thumb::Thumb::new(M0.with_small_multiplier()), 0, &[0x4348]);
    assert_eq!(run(&mut small, 2).unwrap().cycles, 32);
}

const V003: risc_v::Registers = risc_v::Registers {
    count: 16,
    multiplies: false,
};
const NOP: u16 = 0x0001;

fn qingke(cost: risc_v::Cost, address: u32, code: &[u16], end: u32) -> u64 {
    let mut machine = machine(risc_v::RiscV::new(V003, cost), address, code);
    machine.core.set_register(10, 1);
    run(&mut machine, end).unwrap().cycles
}

const FAST: risc_v::Cost = risc_v::Cost::QINGKE_V2;
const SLOW: risc_v::Cost = risc_v::Cost::QINGKE_V2_ONE_WAIT_STATE;

/// jnk0le, "pipeline cycle test", `doc/ch32v003_(qkv2).md`.
#[test]
fn a_ch32v003_takes_the_cycles_that_were_measured() {
    // c.beqz is not taken, c.bnez .+8 is, from the first half of a line or the second, to the first
    // half or the second.
    assert_eq!(qingke(FAST, 0, &[0xC119], 2), 1);
    assert_eq!(qingke(FAST, 0, &[0xE501], 8), 3);
    assert_eq!(qingke(SLOW, 0, &[0xE501], 8), 4);
    assert_eq!(qingke(SLOW, 0, &[NOP, 0xE501], 10) - 1, 5);
    // With what it goes on to: the second half of a line leaves nothing for the next cycle.
    let code = |at: usize| {
        let mut code = [NOP; 12];
        code[at] = 0xE501;
        code
    };
    assert_eq!(qingke(SLOW, 0, &code(0), 12), 4 + 2);
    assert_eq!(qingke(SLOW, 0, &code(1), 14), 1 + 5 + 2 + 1);
    // A long instruction (lui a1, 0x12345) where it is jumped to, not aligned, at 0 wait states.
    let mut long = [NOP; 8];
    (long[0], long[3], long[4]) = (0xE119, 0x55B7, 0x1234);
    assert_eq!(qingke(FAST, 0, &long, 10), 3 + 1 + 1);
    // Loads and stores: lw a1, 0(sp) and sw a1, 0(sp), c.lwsp and c.swsp.
    let mut machine = machine(risc_v::RiscV::new(V003, FAST), 0, &[0x4582, 0xC02E]);
    machine.core.set_register(2, SRAM);
    assert_eq!(run(&mut machine, 4).unwrap().cycles, 4);
}

/// Counting down to the branch: from SRAM 4 cycles a turn, from flash with one wait state 6
/// (`c.addi a0, -1; c.bnez a0, .-2`), as measured on hardware for rv003usb, issue 5, and cpldcpu's
/// DRAM_exploration.
#[test]
fn a_bare_loop_takes_four_cycles_from_sram_and_six_from_flash_with_a_wait_state() {
    let code = [0x157D, 0xFD7D];
    for (address, cost, each) in [(0, FAST, 4), (0, SLOW, 6), (SRAM, SLOW, 4)] {
        let cycles = |turns: u32| {
            let mut machine = machine(risc_v::RiscV::new(V003, cost), address, &code);
            machine.core.set_register(10, turns);
            run(&mut machine, address + 4).unwrap().cycles
        };
        assert_eq!(cycles(12) - cycles(2), 10 * each);
    }
}

#[test]
fn straight_code_from_flash_with_a_wait_state_takes_a_cycle_for_each_16_bits() {
    assert_eq!(qingke(SLOW, 0, &[NOP; 8], 16), 8);
    // lui a1, 0x12345, eight times.
    let long: Vec<u16> = [0x55B7, 0x1234].repeat(8);
    let cycles = qingke(SLOW, 0, &long, 32);
    assert_eq!(cycles - qingke(SLOW, 0, &long, 16), 8);
    assert_eq!(qingke(FAST, 0, &long, 32), 8);
}

#[test]
fn what_a_part_lacks_is_a_fault_with_its_place() {
    let thumb = |code: &[u16]| {
        let mut machine = machine(thumb::Thumb::new(M0), 0, code);
        machine.core.set_register(1, SRAM + 254);
        run(&mut machine, 0x100).unwrap_err()
    };
    // ldr r0, [r1]; ldrh r0, [r1, #2]; strh r0, [r1, #2]; udf; bkpt; b .
    let address = SRAM + 256;
    for (code, cause) in [
        (
            0x6808,
            Cause::Unaligned {
                address: SRAM + 254,
                bytes: 4,
            },
        ),
        (0x8848, Cause::Read { address }),
        (0x8048, Cause::Write { address }),
        (
            0xDE00,
            Cause::Undefined {
                instruction: 0xDE00,
            },
        ),
        (0xBE00, Cause::Trap),
        (0xE7FE, Cause::CycleLimit { cycles: 1000 }),
    ] {
        let fault = thumb(&[0x46C0, code]);
        assert_eq!((fault.cause, fault.program_counter), (cause, 2));
    }
    // mul a0, a0, a0 and add a6, a0, a0, which RV32E without M lacks; off the end of flash.
    for (code, cause) in [
        (
            [0x0533, 0x02A5],
            Cause::Undefined {
                instruction: 0x02A5_0533,
            },
        ),
        (
            [0x0833, 0x00A5],
            Cause::Undefined {
                instruction: 0x00A5_0833,
            },
        ),
        ([NOP, NOP], Cause::Fetch),
    ] {
        let mut machine = machine(risc_v::RiscV::new(V003, FAST), 1020, &code);
        assert_eq!(run(&mut machine, 0).unwrap_err().cause, cause);
    }
}

#[test]
fn what_the_uart_sends_and_the_program_marks_is_kept() {
    // str r0, [r1]; str r0, [r1, #4]
    let mut machine = machine(thumb::Thumb::new(M0), 0, &[0x6008, 0x6048]);
    machine.core.set_register(0, 0x4142);
    machine.core.set_register(1, 0x4000_0000);
    run(&mut machine, 4).unwrap();
    assert_eq!(machine.memory.sent, b"B");
    let [mark] = machine.memory.marks[..] else {
        panic!("one mark")
    };
    assert_eq!((mark.cycle, mark.value), (2, 0x4142));
}
