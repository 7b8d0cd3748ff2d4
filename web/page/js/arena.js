// The arena during a run: which layer wrote which byte when, with a scrubber.

import { h, thousands, colourOf } from './dom.js';

export class Arena {
  /** `moved(node, function, line)` hears where the run is. */
  constructor(root, moved) {
    this.root = root;
    this.moved = moved;
    this.timer = null;
  }

  /** `run` with its record, the interpreter's maps, the layers, and megahertz. */
  show(run, maps, view, functions, bits, clock) {
    clearInterval(this.timer);
    this.timer = null;
    if (!run?.record) {
      this.run = null;
      this.root.replaceChildren(h('p', { class: 'muted' }, 'This design does not run on a simulated part, so there is nothing to watch.'));
      return;
    }
    Object.assign(this, { run, view, functions, bits, clock });
    const { moments } = run.record;
    this.canvas = h('canvas', { role: 'img', 'aria-label': 'The bytes of the arena over time' });
    this.line = h('div', { class: 'now' });
    this.label = h('p', { class: 'muted', 'aria-live': 'off' });
    this.slider = h('input', { type: 'range', min: 0, max: moments.length - 1, value: moments.length - 1, 'aria-label': 'Moment of the run', oninput: () => this.go(Number(this.slider.value)) });
    this.play = h('button', { type: 'button', onclick: () => this.#toggle() }, 'Play');
    this.maps = maps.map((map) => this.#map(map));
    this.root.replaceChildren(
      h('div', { class: 'time', onpointerdown: (event) => this.#jump(event), onpointermove: (event) => event.buttons && this.#jump(event) }, this.canvas, this.line),
      h('div', { class: 'scrubber' }, this.play, this.slider),
      this.label,
      h('div', { class: 'legend' }, view.layers.map((layer, index) => h('span', {}, h('i', { class: 'swatch', colour: colourOf(index) }), layer.layer))),
      h('div', { class: 'maps' }, this.maps.map((it) => it.figure)),
    );
    this.#draw();
    this.go(moments.length - 1);
  }

  /** The row of the layers' table that a function of the code is of; -1 of what several share. */
  #layerOf(index) {
    const { name } = this.run.record.functions[index];
    if (name === 'absorb') return 0;
    const { node } = this.functions.find((it) => it.name === name);
    return node === null ? -1 : this.view.layers.findIndex((it) => it.node === node);
  }

  #draw() {
    const { moments, functions } = this.run.record;
    const bytes = moments[0].owner.length;
    [this.canvas.width, this.canvas.height] = [moments.length, bytes];
    const colours = functions.map((_, index) => rgb(this.#layerOf(index) < 0 ? SHARED : colourOf(this.#layerOf(index))));
    const image = new ImageData(moments.length, bytes);
    moments.forEach(({ owner, data }, column) => {
      for (let row = 0; row < bytes; row += 1) {
        if (owner[row] === 255) continue;
        const at = 4 * (row * moments.length + column);
        image.data.set(colours[owner[row]], at);
        // A byte of zeros is paler.
        image.data[at + 3] = data[row] === 0 ? 150 : 255;
      }
    });
    this.canvas.getContext('2d').putImageData(image, 0, 0);
  }

  #map(map) {
    const most = Math.min(map.channels, 32);
    const across = Math.min(most, Math.max(1, Math.floor(400 / (map.width + 1))), 8);
    const rows = Math.ceil(most / across);
    const zoom = Math.max(1, Math.min(8, Math.floor(330 / (across * (map.width + 1)))));
    const canvas = h('canvas', { width: across * (map.width + 1), height: rows * (map.height + 1), role: 'img', 'aria-label': `feature maps of ${map.name}` });
    canvas.style.width = `${canvas.width * zoom}px`;
    const row = this.view.layers.findIndex((it) => it.node === map.node);
    return {
      map, canvas, across, most, colour: rgb(colourOf(Math.max(row, 0))),
      figure: h('figure', {}, canvas, h('figcaption', {}, `${map.name}  ${map.height}×${map.width}×${map.channels}`)),
    };
  }

  /** How much of a map is there, by the bytes that its functions have written. */
  #share(node, { writes }) {
    const { functions, writes: all } = this.run.record;
    const own = functions.map(({ name }, index) => [this.functions.find((it) => it.name === name)?.node ?? null, index])
      .filter(([of]) => of === node).map(([, index]) => index);
    // What the intake makes has no function of its own.
    const indices = own.length ? own : functions.map(({ name }, index) => [name, index]).filter(([name]) => name === 'absorb').map(([, index]) => index);
    const sum = (counts) => indices.reduce((total, index) => total + counts[index], 0);
    return sum(all) === 0 ? 1 : sum(writes) / sum(all);
  }

  #show({ map, canvas, across, most, colour }, share) {
    const image = new ImageData(canvas.width, canvas.height);
    const pixels = map.width * map.height;
    const there = Math.round(share * pixels);
    const largest = Math.max(1, ...map.values.map(Math.abs));
    for (let channel = 0; channel < most; channel += 1) {
      const [left, top] = [(channel % across) * (map.width + 1), Math.floor(channel / across) * (map.height + 1)];
      for (let pixel = 0; pixel < pixels; pixel += 1) {
        const at = 4 * ((top + Math.floor(pixel / map.width)) * canvas.width + left + (pixel % map.width));
        const value = pixel < there ? Math.abs(map.values[pixel * map.channels + channel]) / largest : 0;
        image.data.set(pixel < there ? colour.map((it) => it * value) : [0, 0, 0], at);
        image.data[at + 3] = pixel < there ? 255 : 40;
      }
    }
    canvas.getContext('2d').putImageData(image, 0, 0);
  }

  /** Shows a moment of the run. */
  go(index) {
    const { record, cycles } = this.run;
    const moment = record.moments[index];
    this.slider.value = index;
    const share = (index + 0.5) / record.moments.length;
    this.line.style.left = `${100 * share}%`;
    const { name, lines } = record.functions[moment.function];
    const line = lines.findLast(([address]) => address <= moment.pc)?.[1];
    const row = this.#layerOf(moment.function);
    this.label.textContent = `Cycle ${thousands(moment.cycles)} of ${thousands(cycles)}, ${(moment.cycles / this.clock / 1000).toFixed(2)} ms: ${name}${row < 0 ? '' : `, for ${this.view.layers[row].layer}`}`;
    this.slider.setAttribute('aria-valuetext', this.label.textContent);
    for (const map of this.maps) this.#show(map, this.#share(map.map.node, moment));
    this.moved(this.view.layers[row]?.node, name, line);
  }

  /** Shows the moment that is nearest to a line of a function. */
  goTo(name, line) {
    if (!this.run) return;
    const { moments, functions } = this.run.record;
    const far = ({ function: running, pc }) => {
      if (functions[running].name !== name) return Infinity;
      return Math.abs((functions[running].lines.findLast(([address]) => address <= pc)?.[1] ?? 0) - line);
    };
    const distances = moments.map(far);
    const least = Math.min(...distances);
    if (least < Infinity) this.go(distances.indexOf(least));
  }

  #jump(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = Math.min(0.9999, Math.max(0, (event.clientX - box.left) / box.width));
    this.go(Math.floor(share * this.run.record.moments.length));
  }

  #toggle() {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
      this.play.textContent = 'Play';
      return;
    }
    let index = Number(this.slider.value);
    if (index >= Number(this.slider.max)) index = 0;
    this.play.textContent = 'Pause';
    this.timer = setInterval(() => {
      this.go(index);
      index += 1;
      if (index >= this.run.record.moments.length) this.#toggle();
    }, 40);
  }
}

const SHARED = '#7f7f7f';
const rgb = (colour) => [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
