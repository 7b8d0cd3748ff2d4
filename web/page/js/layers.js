// Layers with their bytes and cycles, and their assembly.

import { h, table, thousands, colourOf } from './dom.js';

/** The functions of a row; what the first one has none for is done as the input is taken in. */
function functionsOf(functions, view, row) {
  const own = functions.filter((it) => it.node === row.node && it.node !== null);
  return own.length || row !== view.layers[0] ? own : functions.filter((it) => it.name === 'absorb');
}

export class Layers {
  /** `went(function, line)` hears which line of which function is clicked. */
  constructor(rows, assembly, went) {
    this.went = went;
    this.rows = rows;
    this.assembly = assembly;
    /** The node of the row whose assembly is shown; `null` is the input's. */
    this.selected = undefined;
  }

  /** `counted`: cycles of each function of the run, by its name. */
  show(view, functions, counted) {
    this.view = view;
    this.functions = functions;
    if (!view) {
      this.rows.replaceChildren();
      this.assembly.replaceChildren();
      return;
    }
    const cyclesOf = (row) => {
      const own = functionsOf(functions, view, row);
      const sum = own.reduce((all, it) => all + (counted?.get(it.name) ?? 0), 0);
      return counted && own.length ? thousands(sum) : '';
    };
    this.rows.replaceChildren(table([
      { head: 'Layer', cell: (it) => [h('i', { class: 'swatch', colour: colourOf(view.layers.indexOf(it)) }),
        functionsOf(functions, view, it).length
          ? h('button', { type: 'button', onclick: () => this.select(it.node) }, it.layer)
          : h('code', {}, it.layer)] },
      { head: 'Output', cell: ({ output }) => `${output.height}×${output.width}×${output.channels}` },
      { head: 'Computed', cell: (it) => it.how },
      { head: 'Inputs live', number: true, cell: (it) => thousands(it.live_input_bytes) },
      { head: 'Outputs live', number: true, cell: (it) => thousands(it.live_output_bytes) },
      { head: 'Needs', number: true, cell: (it) => it.needed_bytes !== null && `${thousands(it.needed_bytes)}${it.is_peak ? ' (peak)' : ''}` },
      { head: 'Form', cell: (it) => it.form ?? '–' },
      { head: 'Flash', number: true, cell: (it) => (it.flash_bytes === null ? '–' : thousands(it.flash_bytes)) },
      { head: 'Predicted', number: true, cell: (it) => (it.predicted_cycles === null ? '–' : thousands(it.predicted_cycles)) },
      { head: 'Counted', number: true, cell: cyclesOf },
    ], view.layers, (it) => ({ 'data-node': it.node ?? 'input', class: it.node === this.selected ? 'chosen' : null })));
    if (!view.layers.some((it) => it.node === this.selected)) this.selected = undefined;
    this.#list();
  }

  select(node) {
    this.selected = node;
    for (const row of this.rows.querySelectorAll('tbody tr')) row.classList.toggle('chosen', row.dataset.node === String(node ?? 'input'));
    this.#list();
  }

  #list() {
    const row = this.view.layers.find((it) => it.node === this.selected);
    const [shown] = row ? functionsOf(this.functions, this.view, row) : [];
    if (!shown) {
      this.assembly.replaceChildren();
      return;
    }
    // Marks for the simulator's profile are none of the code.
    const lines = shown.text.split('\n');
    this.lines = new Map();
    const list = h('ol', { class: 'listing', role: 'region', 'aria-label': `assembly of ${shown.name}`, tabindex: 0 });
    list.style.listStyle = 'none';
    let hidden = false;
    lines.forEach((text, index) => {
      if (text.includes('.pushsection .debug')) hidden = true;
      const shownLine = !hidden && text.trim();
      if (text.trim() === '.popsection') hidden = false;
      if (!shownLine || text.trim() === '.popsection') return;
      const line = h('li', { onclick: () => this.went(shown.name, index) }, h('code', {}, text.trim()));
      this.lines.set(index, line);
      list.append(line);
    });
    this.assembly.replaceChildren(h('p', { class: 'muted' }, `${shown.name}: ${thousands(shown.flash_bytes)} bytes of flash, ${this.lines.size} lines. A click on one moves the picture of the memory to when it runs.`), list);
    this.list = list;
    this.shown = shown.name;
  }

  /** Marks the layer and the line at which the run is. */
  at(node, functionName, line) {
    for (const row of this.rows.querySelectorAll('tbody tr')) row.classList.toggle('running', row.dataset.node === (node === null ? 'input' : String(node)));
    this.list?.querySelector('.now')?.classList.remove('now');
    if (this.shown !== functionName) return;
    const element = this.lines.get(line);
    if (!element) return;
    element.classList.add('now');
    this.list.scrollTop = element.offsetTop - this.list.clientHeight / 2;
  }
}
