// What a design takes of its part.

import { h, thousands, colourOf } from './dom.js';

function meter(parts, given, label) {
  const all = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  const whole = Math.max(all, given ?? all, 1);
  return h('div', { class: 'meter', role: 'img', 'aria-label': label, title: parts.map(([name, bytes]) => `${name} ${thousands(bytes)}`).join(', ') },
    parts.map(([, bytes], index) => h('i', { colour: colourOf(index), 'width%': (100 * bytes) / whole })));
}

const of = (needed, given) => (given === null
  ? `${thousands(needed)} bytes`
  : `${thousands(needed)} of ${thousands(given)} bytes`);

export function showBudget(root, view) {
  root.replaceChildren();
  if (!view) return;
  const sram = [['arena', view.arena_bytes], ['state', view.state_bytes],
    ['others', view.parameter_bytes + view.results_bytes + view.window_bytes + view.features_bytes],
    ['reserve', view.reserve_bytes]];
  const flash = view.flash_with_reserve_bytes ?? view.flash_bytes;
  // Of portable code nothing is known but its tables.
  const counted = view.predicted_cycles === null ? 'tables alone' : 'code and tables';
  const over = (needed, given) => given !== null && needed > given && 'bad';
  const rows = [
    ['SRAM', meter(sram, view.sram_budget_bytes, 'SRAM'), of(view.sram_bytes, view.sram_budget_bytes), over(view.sram_bytes, view.sram_budget_bytes)],
    ['Flash', meter([[counted, view.flash_bytes], ['reserve', flash - view.flash_bytes]], view.flash_budget_bytes, 'flash'),
      `${of(flash, view.flash_budget_bytes)}${view.predicted_cycles === null ? ', without the code' : ''}`, over(flash, view.flash_budget_bytes)],
  ];
  root.append(...rows.flatMap(([name, bar, text, kind]) => [h('dt', {}, name), bar, h('dd', { class: kind }, text)]));
  root.append(h('dt', {}, 'Plan'), h('span', {}, h('code', {}, view.plan),
    `, ${thousands(view.multiply_accumulates)} multiply-accumulates`), h('dd', {}, `${view.arena_bytes} bytes of arena`));
}
