// A simulated AVR part that runs the functions of a network: `absorb` takes the input in, byte
// by byte, and `infer` computes the results. It keeps what a picture of the run needs.

import { CPU } from '../avr8js/cpu.js';
import { avrInstruction } from '../avr8js/instruction.js';
import { Program } from './assembler.js';

// SRAM begins after the registers of the classic parts; no code here depends on it.
const SRAM_START = 0x100;
const MOST_CYCLES = 400_000_000;
const MOMENTS = 240;

export class Part {
  constructor(code) {
    this.code = code;
    this.program = new Program(code.functions, code.part.flash_bytes);
    const words = Math.max(code.part.flash_bytes / 2, this.program.words.length);
    const flash = new Uint16Array(words);
    flash.set(this.program.words);
    this.cpu = new CPU(flash, code.part.sram_bytes);
    this.owners = this.#owners();
  }

  /** Which function every word of flash is of. */
  #owners() {
    const owners = new Uint8Array(this.program.words.length);
    this.program.functions.forEach(({ start, end }, index) => owners.fill(index, start, end));
    return owners;
  }

  /** Runs one inference, and watches the arena where `watch` is set. */
  infer(input, watch) {
    const { cpu, code } = this;
    const network = SRAM_START;
    const arena = network + code.cursor_bytes;
    const results = arena + code.arena_bytes;
    cpu.data.fill(0);
    cpu.cycles = 0;
    this.lowest = cpu.data.length;
    const record = watch ? new Record(this, arena, watch) : null;
    let longest = 0;
    for (const byte of input) {
      const before = cpu.cycles;
      this.#call('absorb', [[24, network & 0xff], [25, network >> 8], [22, byte]], record);
      longest = Math.max(longest, cpu.cycles - before);
    }
    const absorbed = cpu.cycles;
    const last = longest;
    this.#call('infer', [[24, network & 0xff], [25, network >> 8], [22, results & 0xff], [23, results >> 8]], record);
    record?.finish();
    const view = new DataView(cpu.data.buffer);
    const values = Array.from({ length: code.results }, (_, index) => {
      const at = results + index * code.result_bytes;
      return code.result_bytes === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
    });
    return {
      results: values,
      cycles: cpu.cycles,
      absorbed,
      longestPush: last + cpu.cycles - absorbed,
      stackBytes: cpu.data.length - 1 - this.lowest,
      record: record?.data(),
    };
  }

  /** Calls a function; it returns to address 0, where nothing is. */
  #call(name, registers, record) {
    const { cpu } = this;
    for (const [register, value] of registers) cpu.data[register] = value;
    cpu.data[1] = 0;
    cpu.SP = cpu.data.length - 1;
    for (let byte = 0; byte < (cpu.pc22Bits ? 3 : 2); byte += 1) cpu.data[cpu.SP--] = 0;
    cpu.pc = this.program.address(name);
    const end = cpu.cycles + MOST_CYCLES;
    while (cpu.pc !== 0) {
      record?.step();
      avrInstruction(cpu);
      const sp = cpu.SP;
      if (sp < this.lowest) this.lowest = sp;
      if (cpu.cycles > end) throw new Error(`${name} does not return`);
    }
  }
}

/** Who wrote which byte of the arena, moment by moment. */
class Record {
  constructor(part, arena, expectedCycles) {
    this.part = part;
    this.arena = arena;
    this.bytes = part.code.arena_bytes;
    this.every = Math.max(1, Math.ceil(expectedCycles / MOMENTS));
    this.next = 0;
    this.moments = [];
    this.owner = new Uint8Array(this.bytes).fill(255);
    this.writes = new Array(part.program.functions.length).fill(0);
    this.cyclesOf = new Array(part.program.functions.length).fill(0);
    const { cpu } = part;
    for (let at = 0; at < this.bytes; at += 1) {
      cpu.writeHooks[arena + at] = () => {
        this.owner[at] = this.running;
        this.writes[this.running] += 1;
        return false;
      };
    }
    this.before = 0;
    this.running = 0;
  }

  step() {
    const { cpu, owners } = this.part;
    this.cyclesOf[this.running] += cpu.cycles - this.before;
    this.before = cpu.cycles;
    this.running = owners[cpu.pc];
    if (cpu.cycles >= this.next) this.#keep();
  }

  #keep() {
    const { cpu } = this.part;
    this.next = cpu.cycles + this.every;
    this.moments.push({
      cycles: cpu.cycles,
      pc: cpu.pc,
      function: this.running,
      data: cpu.data.slice(this.arena, this.arena + this.bytes),
      owner: this.owner.slice(),
      writes: this.writes.slice(),
    });
  }

  finish() {
    this.cyclesOf[this.running] += this.part.cpu.cycles - this.before;
    this.#keep();
    this.part.cpu.writeHooks.length = 0;
  }

  data() {
    return {
      moments: this.moments,
      writes: this.writes,
      cycles: this.cyclesOf,
      functions: this.part.program.functions.map(({ name, start, lines }) => ({ name, start, lines })),
    };
  }
}
