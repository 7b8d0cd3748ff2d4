// Every plan, as rows and as a scatter of SRAM against cycles.

import { h, s, table, thousands } from './dom.js';

/** `plans` of the network, `budget` in bytes of SRAM; `choose` hears which one is clicked. */
export function showPlans(rows, scatter, plans, budget, choose) {
  rows.replaceChildren();
  scatter.replaceChildren();
  rows.append(table([
    { head: 'Plan', cell: (it) => h('button', { type: 'button', 'aria-pressed': String(it.is_chosen), onclick: () => choose(it.plan) }, it.plan) },
    { head: 'Arena', number: true, cell: (it) => thousands(it.arena_bytes) },
    { head: 'SRAM', number: true, cell: (it) => thousands(it.sram_bytes) },
    { head: 'Flash', number: true, cell: (it) => thousands(it.flash_with_reserve_bytes ?? it.flash_bytes) },
    { head: 'Cycles', number: true, cell: (it) => (it.predicted_cycles === null ? '–' : thousands(it.predicted_cycles)) },
    { head: '', cell: (it) => (it.fits ? h('span', { class: 'good' }, 'fits') : h('span', { class: 'bad' }, 'too large')) },
  ], plans, (it) => ({ class: it.is_chosen ? 'chosen' : null })));
  const dots = plans.filter((it) => it.predicted_cycles !== null);
  if (dots.length > 1) scatter.append(scatterOf(dots, budget, choose));
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [420, 270, 62, 40, 14, 16];

function scatterOf(plans, budget, choose) {
  const [x, xTicks] = scale(plans.map((it) => it.predicted_cycles), LEFT, WIDTH - RIGHT);
  const sizes = plans.map((it) => it.sram_bytes);
  // A budget far away would press all dots together.
  const near = budget !== null && budget < 2 * Math.max(...sizes);
  const [y, yTicks] = scale(near ? [...sizes, budget] : sizes, HEIGHT - BOTTOM, TOP);
  const short = (number) => (number >= 1e6 ? `${+(number / 1e6).toFixed(2)} M` : number >= 1e4 ? `${+(number / 1e3).toFixed(1)} k` : thousands(number));
  return s('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'group', 'aria-label': 'SRAM against cycles of every plan' },
    xTicks.map((it) => [s('line', { class: 'grid', x1: x(it), x2: x(it), y1: TOP, y2: HEIGHT - BOTTOM }),
      s('text', { class: 'axis', x: x(it), y: HEIGHT - BOTTOM + 15, 'text-anchor': 'middle' }, short(it))]),
    yTicks.map((it) => [s('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(it), y2: y(it) }),
      s('text', { class: 'axis', x: LEFT - 6, y: y(it) + 4, 'text-anchor': 'end' }, short(it))]),
    near && s('line', { class: 'limit', x1: LEFT, x2: WIDTH - RIGHT, y1: y(budget), y2: y(budget) }),
    s('text', { class: 'axis', x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, 'text-anchor': 'middle' }, 'predicted cycles'),
    s('text', { class: 'axis', x: 12, y: HEIGHT / 2 - 10, transform: `rotate(-90 12 ${HEIGHT / 2 - 10})`, 'text-anchor': 'middle' }, 'bytes of SRAM'),
    plans.map((it) => s('circle', {
      cx: x(it.predicted_cycles), cy: y(it.sram_bytes), r: 7, tabindex: 0, role: 'button',
      class: [it.is_chosen && 'taken', !it.fits && 'over'].filter(Boolean).join(' '),
      'aria-label': `${it.plan}: ${thousands(it.sram_bytes)} bytes, ${thousands(it.predicted_cycles)} cycles`,
      onclick: () => choose(it.plan),
      onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(it.plan); } },
    }, s('title', {}, `${it.plan}: ${thousands(it.sram_bytes)} bytes of SRAM, ${thousands(it.predicted_cycles)} cycles`))));
}

/** From values to pixels, with some round values between. */
function scale(values, from, to) {
  let [least, most] = [Math.min(...values), Math.max(...values)];
  const margin = (most - least || most || 1) * 0.12;
  [least, most] = [Math.max(0, least - margin), most + margin];
  const raw = (most - least) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= raw);
  const ticks = [];
  for (let tick = Math.ceil(least / step) * step; tick <= most; tick += step) ticks.push(tick);
  return [(value) => from + ((value - least) / (most - least)) * (to - from), ticks];
}
