// An assembler for what the compiler writes: the instructions of its AVR code, local labels,
// and tables of bytes (AVR Instruction Set Manual, DS40002198B, section 5).

const register = (text) => {
  const match = /^r(\d+)$/.exec(text);
  if (!match) throw new Error(`no register: ${text}`);
  return Number(match[1]);
};

const two = (opcode) => ([to, from]) => {
  const [d, r] = [register(to), register(from)];
  return [opcode | ((r & 16) << 5) | (d << 4) | (r & 15)];
};
const one = (opcode) => ([to]) => [opcode | (register(to) << 4)];
const port = (opcode) => (to, number) =>
  [opcode | ((number & 0x30) << 5) | (register(to) << 4) | (number & 15)];
const input = port(0xb000);
const output = port(0xb800);
const skip = (opcode) => ([from, bit]) => [opcode | (register(from) << 4) | Number(bit)];

// By pointer and mode, the last bits of `ld` and `st`.
const MODES = { X: 0x100c, 'X+': 0x100d, '-X': 0x100e, Y: 0x0008, 'Y+': 0x1009, '-Y': 0x100a,
  Z: 0x0000, 'Z+': 0x1001, '-Z': 0x1002 };
const transfer = (opcode, own, pointer) => {
  const displaced = /^([YZ])\+(\d+)$/.exec(pointer);
  if (displaced) {
    const q = Number(displaced[2]);
    const base = displaced[1] === 'Y' ? 8 : 0;
    return [opcode | 0x8000 | base | ((q & 0x20) << 8) | ((q & 0x18) << 7) | (q & 7) | (register(own) << 4)];
  }
  if (!(pointer in MODES)) throw new Error(`no pointer: ${pointer}`);
  return [opcode | 0x8000 | MODES[pointer] | (register(own) << 4)];
};
const load = ([to, pointer]) => transfer(0, to, pointer);
const store = ([pointer, from]) => transfer(0x200, from, pointer);

// Where operands are registers and numbers alone.
const PLAIN = {
  add: two(0x0c00), adc: two(0x1c00), sub: two(0x1800), sbc: two(0x0800), and: two(0x2000),
  or: two(0x2800), eor: two(0x2400), mov: two(0x2c00), cp: two(0x1400), cpc: two(0x0400),
  mul: two(0x9c00),
  movw: ([to, from]) => [0x0100 | (register(to) >> 1 << 4) | (register(from) >> 1)],
  muls: ([to, from]) => [0x0200 | ((register(to) - 16) << 4) | (register(from) - 16)],
  mulsu: ([to, from]) => [0x0300 | ((register(to) - 16) << 4) | (register(from) - 16)],
  adiw: ([low, value]) =>
    [0x9600 | ((value & 0x30) << 2) | ((register(low) - 24) >> 1 << 4) | (value & 15)],
  lsr: one(0x9406), asr: one(0x9405), ror: one(0x9407), swap: one(0x9402), inc: one(0x9403),
  dec: one(0x940a), com: one(0x9400), push: one(0x920f), pop: one(0x900f),
  ld: load, ldd: load, st: store, std: store,
  lpm: ([to]) => [0x9005 | (register(to) << 4)],
  elpm: ([to]) => [0x9007 | (register(to) << 4)],
  sbrc: skip(0xfc00), sbrs: skip(0xfe00),
  in: ([to, number]) => input(to, Number(number)),
  out: ([number, from]) => output(from, Number(number)),
  ret: () => [0x9508],
};
const IMMEDIATE = { ldi: 0xe000, subi: 0x5000, sbci: 0x4000, andi: 0x7000, ori: 0x6000, cpi: 0x3000 };
const BRANCHES = { breq: 0xf001, brne: 0xf401, brlo: 0xf000, brsh: 0xf400, brmi: 0xf002,
  brpl: 0xf402, brlt: 0xf004, brge: 0xf404 };
const RELATIVE = { rjmp: 0xc000, rcall: 0xd000 };
const ABSOLUTE = { jmp: 0x940c, call: 0x940e };

const wordsOf = (mnemonic) => (mnemonic in ABSOLUTE ? 2 : 1);

/** Assembles functions one after the other, tables that stand apart in front of them. */
export class Program {
  /** `functions`: `{name, text}`; `flashBytes` of the part, around which `rjmp` wraps. */
  constructor(functions, flashBytes) {
    this.flashWords = flashBytes / 2;
    this.items = [];
    this.labels = new Map();
    // Word addresses of functions, and by function its lines' addresses.
    this.functions = [];
    this.#place(functions);
    this.words = new Uint16Array(this.end / 2);
    this.bytes = new Uint8Array(this.words.buffer);
    for (const item of this.items) this.#write(item);
  }

  /** The word address of a function. */
  address(name) {
    const found = this.functions.find((it) => it.name === name);
    if (!found) throw new Error(`no function ${name}`);
    return found.start;
  }

  #place(functions) {
    const code = [];
    const tables = [];
    for (const { name, text } of functions) {
      let section = 'code';
      const own = [{ function: name, kind: 'start' }];
      text.split('\n').forEach((written, line) => {
        const item = { function: name, line, text: written.replace(/^\s*\d+:\s*(?=\S)/, (label) => {
          (section === 'code' ? own : tables).push({ function: name, kind: 'label', label: label.trim().slice(0, -1) });
          return '';
        }).trim() };
        if (item.text.startsWith('.pushsection')) {
          section = item.text.includes('.progmem') ? 'table' : 'ignored';
        } else if (item.text === '.popsection') {
          section = 'code';
        } else if (section !== 'ignored' && item.text) {
          const label = /^(\d+):$/.exec(item.text);
          const kind = label ? 'label' : item.text.startsWith('.byte') ? 'bytes' : 'instruction';
          if (kind === 'instruction' && /^\.|:$/.test(item.text)) return;
          (section === 'code' ? own : tables).push({ ...item, kind, label: label?.[1] });
        }
      });
      own.push({ function: name, kind: 'align' });
      code.push(...own);
    }
    // A word at 0 that a wild jump would end at, then tables, then code.
    let at = 2;
    for (const item of [...tables, { kind: 'align' }, ...code]) {
      if (item.kind === 'align' || item.kind === 'start') at += at & 1;
      item.at = at;
      if (item.kind === 'start') this.functions.push({ name: item.function, start: at / 2, lines: [] });
      if (item.kind === 'label') {
        const key = `${item.function} ${item.label}`;
        if (!this.labels.has(key)) this.labels.set(key, []);
        this.labels.get(key).push(at);
      }
      if (item.kind === 'bytes') {
        item.values = item.text.slice(5).split(',').map(Number);
        at += item.values.length;
      }
      if (item.kind === 'instruction') {
        [, item.mnemonic, item.operands] = /^(\S+)\s*(.*)$/.exec(item.text);
        this.functions.at(-1).lines.push([at / 2, item.line]);
        at += 2 * wordsOf(item.mnemonic);
      }
      this.items.push(item);
    }
    this.end = at + (at & 1);
    for (const [index, it] of this.functions.entries()) {
      it.end = this.functions[index + 1]?.start ?? this.end / 2;
    }
  }

  /** The byte address that an operand such as `3f`, `3b` or `{layer_1}` names. */
  #target(item, operand) {
    const named = /^\{(\w+)\}$/.exec(operand);
    if (named) return 2 * this.address(named[1]);
    const local = /^(\d+)([fb])$/.exec(operand);
    const places = local && this.labels.get(`${item.function} ${local[1]}`);
    const found = places && (local[2] === 'b'
      ? places.findLast((at) => at <= item.at)
      : places.find((at) => at > item.at));
    // A table that stands apart is in front of the code, wherever it is named.
    const target = found ?? places?.[0];
    if (target === undefined) throw new Error(`no label ${operand} in ${item.function}`);
    return target;
  }

  #write(item) {
    if (item.kind === 'bytes') {
      this.bytes.set(item.values, item.at);
    } else if (item.kind === 'instruction') {
      this.words.set(this.#encode(item), item.at / 2);
    }
  }

  #encode(item) {
    const { mnemonic } = item;
    const operands = item.operands.split(/\s*,\s*/);
    if (mnemonic in PLAIN) return PLAIN[mnemonic](operands);
    if (mnemonic in IMMEDIATE) {
      const value = this.#constant(item, operands[1]);
      return [IMMEDIATE[mnemonic] | ((value & 0xf0) << 4) | ((register(operands[0]) - 16) << 4) | (value & 15)];
    }
    const target = this.#target(item, operands[0]) / 2;
    const distance = target - item.at / 2 - 1;
    if (mnemonic in BRANCHES) {
      if (distance < -64 || distance > 63) throw new Error(`${item.text}: too far`);
      return [BRANCHES[mnemonic] | ((distance & 0x7f) << 3)];
    }
    if (mnemonic in RELATIVE) {
      if (Math.abs(distance) > 2047 && this.flashWords > 4096) throw new Error(`${item.text}: too far`);
      return [RELATIVE[mnemonic] | (distance & 0xfff)];
    }
    if (mnemonic in ABSOLUTE) {
      const high = target >> 16;
      return [ABSOLUTE[mnemonic] | ((high & 0x3e) << 3) | (high & 1), target & 0xffff];
    }
    throw new Error(`no such instruction: ${item.text}`);
  }

  #constant(item, text) {
    const part = /^(lo8|hi8|hh8)\((\d+[fb])\+(\d+)\)$/.exec(text);
    if (!part) return Number(text);
    const address = this.#target(item, part[2]) + Number(part[3]);
    return (address >> { lo8: 0, hi8: 8, hh8: 16 }[part[1]]) & 0xff;
  }
}
