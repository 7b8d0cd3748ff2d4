// The input of a run: a shipped digit, a drawing, an image, or noise.

import { h } from './dom.js';
import { fitted, normalised, readPgm, show } from './digits.js';

export class Inputs {
  constructor(changed) {
    this.changed = changed;
    this.shape = null;
    this.bytes = null;
    this.images = [];
  }

  /** The canvas that shows an input which was not drawn on it. */
  showOn(canvas, shown) {
    this.canvas = canvas;
    this.shown = shown;
  }

  /** Loads the shipped digits, and makes a button of each. */
  async load(gallery) {
    this.gallery = gallery;
    const names = [...'0123456789'].flatMap((digit) => [`${digit}-a`, `${digit}-b`]);
    const texts = await Promise.all(names.map(async (name) => (await fetch(`digits/${name}.pgm`)).text()));
    this.images = texts.map((text, index) => ({ ...readPgm(text), label: names[index][0], name: names[index] }));
    gallery.replaceChildren(...this.images.map((image) => {
      const canvas = h('canvas', {});
      show(canvas, image.bytes, { ...image, channels: 1 });
      return h('button', { type: 'button', 'aria-pressed': 'false', 'aria-label': `the handwritten ${image.label}, ${image.name}`, onclick: () => this.#choose(image) }, canvas);
    }));
  }

  /** The shipped digits, where the network takes such. */
  fitting() {
    const { shape } = this;
    return this.images.filter((it) => shape && it.height === shape.height && it.width === shape.width && shape.channels === 1);
  }

  /** Takes up the shape of a network's input; the input stays where it fits. */
  fit(shape) {
    const same = this.shape && ['height', 'width', 'channels'].every((it) => it in shape && this.shape[it] === shape[it]);
    this.shape = shape;
    if (same && this.bytes) return;
    const fitting = this.fitting();
    this.gallery.hidden = !fitting.length;
    if (fitting.length) this.#choose(fitting.find((it) => it.name === '7-b'));
    else this.noise();
  }

  drawn(canvas) {
    // Nobody draws a row of samples.
    if (!this.shape || this.shape.height < 8) return;
    this.#press(null);
    this.bytes = normalised(canvas, this.shape);
    this.changed();
  }

  async file(file) {
    if (!this.shape) return;
    if (file.name.endsWith('.pgm')) {
      const image = readPgm(await file.text());
      const canvas = h('canvas', {});
      show(canvas, image.bytes, { ...image, channels: 1 });
      this.#take(fitted(canvas, this.shape));
    } else {
      this.#take(fitted(await createImageBitmap(file), this.shape));
    }
  }

  /** Bytes without a pattern, the same each time. */
  noise() {
    if (!this.shape) return;
    let seed = 1;
    const bytes = new Uint8Array(this.shape.height * this.shape.width * this.shape.channels);
    this.#take(bytes.map(() => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed >>> 24;
    }));
  }

  #choose(image) {
    this.#take(image.bytes);
    this.#press(image);
  }

  #press(image) {
    [...this.gallery.children].forEach((button, index) => button.setAttribute('aria-pressed', String(this.images[index] === image)));
  }

  #take(bytes) {
    this.#press(null);
    this.bytes = bytes;
    show(this.canvas, bytes, this.shape);
    this.shown();
    this.changed();
  }
}
