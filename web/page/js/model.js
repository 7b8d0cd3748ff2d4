// The plan of a TensorFlow Lite model that was dropped on the page.

import { h, table, thousands } from './dom.js';

export function showModel(section, root, name, model) {
  section.hidden = false;
  const most = Math.max(...model.operators.map((it) => it.needed_bytes));
  const plans = [...model.alternatives].sort((a, b) => a.arena_bytes - b.arena_bytes);
  root.replaceChildren(
    h('p', {}, h('b', {}, name), `: ${thousands(model.arena_bytes)} bytes of arena by its smallest plan, `, h('code', {}, model.plan),
      `; ${thousands(model.constant_bytes)} bytes of weights and biases, ${thousands(model.multiply_accumulates)} multiply-accumulates.`),
    h('div', { class: 'two' },
      h('div', { class: 'scroll tall' }, table([
        { head: 'Operator', cell: (it) => it.name },
        { head: 'Output', cell: (it) => it.output.join('×') },
        { head: 'Computed', cell: (it) => it.how },
        { head: 'Keeps', number: true, cell: (it) => thousands(it.kept_bytes) },
        { head: 'Needs', number: true, cell: (it) => `${thousands(it.needed_bytes)}${it.needed_bytes === most ? ' (peak)' : ''}` },
      ], model.operators)),
      h('div', { class: 'scroll tall' }, table([
        { head: 'Plan', cell: (it) => h('code', {}, it.plan) },
        { head: 'Arena', number: true, cell: (it) => thousands(it.arena_bytes) },
      ], plans, (it) => ({ class: it.plan === model.plan ? 'chosen' : null })))),
  );
  section.scrollIntoView({ block: 'start' });
}

export function showModelError(section, root, name, message) {
  section.hidden = false;
  root.replaceChildren(h('p', { class: 'bad' }, `${name} has no plan: ${message}`));
  section.scrollIntoView({ block: 'start' });
}
