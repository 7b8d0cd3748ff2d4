// The canvas that one draws an input on.

export class Drawing {
  /** `drawn` hears of every stroke, as it goes on. */
  constructor(canvas, drawn) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', { willReadFrequently: true });
    this.drawn = drawn;
    this.blank = true;
    canvas.addEventListener('pointerdown', (event) => this.#begin(event));
    canvas.addEventListener('pointermove', (event) => this.#go(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { this.from = null; });
    canvas.addEventListener('keydown', (event) => {
      if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    });
  }

  clear() {
    this.#size(280);
    this.context.fillStyle = '#000';
    this.context.fillRect(0, 0, 280, 280);
    this.own = true;
    this.drawn();
  }

  /** Where an image is shown, a stroke begins on an empty canvas. */
  shown() {
    this.own = false;
  }

  #size(side) {
    [this.canvas.width, this.canvas.height] = [side, side];
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * 280, ((event.clientY - box.top) / box.height) * 280];
  }

  #begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    if (!this.own) this.clear();
    this.from = this.#place(event);
    this.#go(event);
  }

  #go(event) {
    if (!this.from) return;
    const { context } = this;
    context.strokeStyle = '#fff';
    [context.lineWidth, context.lineCap, context.lineJoin] = [22, 'round', 'round'];
    context.beginPath();
    context.moveTo(...this.from);
    this.from = this.#place(event);
    context.lineTo(...this.from);
    context.stroke();
    this.drawn();
  }
}
