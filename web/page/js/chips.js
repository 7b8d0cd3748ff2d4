// The design on every part of the table.

import { h, table, thousands } from './dom.js';

const AT_ONCE = 16;

export class Chips {
  constructor(rows, progress, take) {
    this.rows = rows;
    this.progress = progress;
    this.take = take;
    this.parts = [];
    this.asked = 0;
  }

  forget() {
    this.asked += 1;
    this.parts = [];
    this.rows.replaceChildren();
    this.progress.textContent = '';
  }

  /** `ask(from, count)` plans some parts. */
  async find(ask, filter) {
    this.forget();
    const { asked } = this;
    for (let from = 0, all = 1; from < all; from += AT_ONCE) {
      const answer = await ask(from, AT_ONCE);
      if (asked !== this.asked) return;
      all = answer.all;
      this.parts.push(...answer.parts);
      this.progress.textContent = `${this.parts.length} of ${all} parts tried…`;
    }
    this.done = true;
    this.show(filter());
  }

  show({ fitting, name }) {
    if (!this.parts.length) return;
    // A part's price is not known here: the smallest flash, then the smallest SRAM, comes first.
    const sorted = [...this.parts].sort((a, b) => b.fits - a.fits || a.flash_bytes - b.flash_bytes || a.sram_bytes - b.sram_bytes);
    const fit = sorted.filter((it) => it.fits);
    // Of AVR code every byte is known; of other parts' flash, the tables alone are counted.
    const smallest = [['AVR part', (it) => it.family === 'AVR'], ['other part, whose code is not counted,', (it) => it.family !== 'AVR']]
      .map(([kind, is]) => [kind, fit.find(is)]).filter(([, part]) => part)
      .map(([kind, part]) => `the smallest ${kind} is ${part.name} (${thousands(part.flash_bytes)} bytes of flash, ${thousands(part.sram_bytes)} of SRAM)`);
    this.progress.textContent = fit.length
      ? `${fit.length} of ${sorted.length} parts hold it: ${smallest.join('; ')}.`
      : `None of the ${sorted.length} parts holds it.`;
    const shown = sorted.filter((it) => (it.fits || !fitting) && it.name.includes(name.toLowerCase()));
    const left = (has, needed) => (has >= needed ? `${thousands(has - needed)} of ${thousands(has)}` : `lacks ${thousands(needed - has)} of ${thousands(needed)}`);
    this.rows.replaceChildren(table([
      { head: 'Part', cell: (it) => h('button', { type: 'button', onclick: () => this.take(it.name) }, it.name) },
      { head: 'Core', cell: (it) => it.family },
      { head: 'SRAM left', number: true, cell: (it) => h('span', { class: it.sram_bytes < it.needed_sram_bytes && 'bad' }, left(it.sram_bytes, it.needed_sram_bytes)) },
      { head: 'Flash left', number: true, cell: (it) => h('span', { class: it.flash_bytes < it.needed_flash_bytes && 'bad' }, left(it.flash_bytes, it.needed_flash_bytes)) },
      { head: 'Cycles', number: true, cell: (it) => (it.cycles === null ? '–' : thousands(it.cycles)) },
      { head: 'Plan', cell: (it) => h('code', {}, it.plan) },
    ], shown));
  }
}
