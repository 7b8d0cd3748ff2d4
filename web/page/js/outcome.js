// What a run gave: the class, the results, the time, and whether it is what the interpreter says.

import { h, thousands } from './dom.js';

const CLOCKS = [[/^attiny(4|5|9|10|13|2[0-9]|4[0-9]|8[0-9]|16|26|43|48|84|85|87|88|167|261|441|461|841|861|1634)/, 8], [/^avr/, 24], [/^atxmega/, 32], [/^attiny/, 20]];

/** Megahertz that boards with that part usually run at; 16 where none is known. */
export const usualClock = (part) => CLOCKS.find(([names]) => names.test(part))?.[1] ?? 16;

function bars(results, names, best) {
  const [least, most] = [Math.min(0, ...results), Math.max(1, ...results)];
  return h('div', { class: 'bars', role: 'list', 'aria-label': 'results' }, results.slice(0, 12).flatMap((value, index) => [
    h('span', {}, names[index] ?? String(index)),
    h('span', { class: index === best ? 'bar best' : 'bar', 'width%': (100 * (value - least)) / (most - least) }),
    h('span', { class: 'number' }, thousands(value)),
  ]));
}

function fact(name, ...value) {
  return [h('dt', {}, name), h('dd', {}, ...value)];
}

/** The index of the first largest result. */
export const classOf = (results) => results.indexOf(Math.max(...results));

export function showOutcome(root, { run, equal, expected, refused, code, milliseconds }, answer, clock, changeClock) {
  const results = run?.results ?? expected?.results;
  if (!results) {
    root.replaceChildren(h('p', {}, 'It does not run: ', refused, '.'));
    return;
  }
  const best = classOf(results);
  const { view } = answer;
  const name = answer.classes[best] ?? String(best);
  const children = [h('p', { class: 'class' }, h('strong', { id: 'class' }, name),
    h('span', { class: 'muted' }, code?.invented ? 'of invented weights: it means nothing' : 'is the class')),
  bars(results, answer.classes, best)];
  const megahertz = h('input', { type: 'number', min: 1, max: 48, value: clock, 'aria-label': 'megahertz',
    onchange: (event) => changeClock(Number(event.target.value) || 16) });
  const facts = [];
  if (run) {
    const took = run.cycles / clock / 1000;
    facts.push(
      ...fact('Time', h('b', { id: 'time' }, `${took.toFixed(1)} ms`), ' at ', megahertz, ' MHz'),
      ...fact('Cycles', h('b', { id: 'cycles' }, thousands(run.cycles)), ' counted, ', h('span', { id: 'predicted' }, thousands(code.predicted_cycles)), ' predicted'),
      ...fact('SRAM', h('b', { id: 'sram' }, thousands(code.sram_bytes)), ` of ${thousands(code.part.sram_bytes)} bytes (${code.part.name})`),
      ...fact('Stack', `${run.stackBytes} bytes at the deepest, ${code.stack_bytes} kept`),
      ...fact('Check', equal
        ? h('span', { class: 'good', id: 'equal' }, `✓ all ${results.length} results equal the interpreter’s`)
        : h('span', { class: 'bad', id: 'equal' }, '✗ the results differ from the interpreter’s: this is a bug')),
      ...fact('Here', `${milliseconds.toFixed(0)} ms to simulate`),
    );
  } else {
    facts.push(...fact('Interpreter', 'these are its results'), ...fact('Part', refused));
  }
  if (view) root.replaceChildren(...children, h('dl', { class: 'facts' }, facts));
}
