// What the page sees of a worker: tasks with an answer each. A task that takes too long, or a
// trap, ends the worker; the next task begins with a new one.

const LONGEST_MILLISECONDS = 20_000;

export class Background {
  #current = null;
  #waiting = new Map();
  #next = 0;
  #weights = null;
  /** How often a worker was ended. */
  restarts = 0;

  /** `wasm` is a promise of the module's bytes. */
  constructor(wasm) {
    this.wasm = wasm;
  }

  /** Takes a weights file's bytes, or `null`. */
  async setWeights(bytes) {
    this.#weights = bytes;
    if (!this.#current) return;
    await this.#current.ready;
    await this.#send(this.#current, 'weights', { bytes });
  }

  /** The answer to a task; an error with `trapped` where the worker was ended. */
  async ask(task, content, milliseconds) {
    this.#current ??= this.#start();
    const current = this.#current;
    await current.ready;
    return this.#send(current, task, content, milliseconds);
  }

  #start() {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    const started = { worker };
    worker.onmessage = ({ data }) => this.#answer(started, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(started, event.message || 'the worker failed');
    };
    started.ready = this.wasm.then(async (wasm) => {
      await this.#send(started, 'start', { wasm });
      await this.#send(started, 'weights', { bytes: this.#weights });
    });
    return started;
  }

  #send(started, task, content, milliseconds = LONGEST_MILLISECONDS) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(started, 'this takes too long, so it was stopped'), milliseconds);
      this.#waiting.set(id, { resolve, reject, timer, started });
      started.worker.postMessage({ id, task, ...content });
    });
  }

  #answer(started, { id, answer, error, trapped }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) {
      waiting.resolve(answer);
      return;
    }
    waiting.reject(Object.assign(new Error(error), { trapped }));
    if (trapped) this.#end(started, error);
  }

  #end(started, reason) {
    started.worker.terminate();
    if (this.#current === started) this.#current = null;
    this.restarts += 1;
    for (const [id, waiting] of this.#waiting) {
      if (waiting.started !== started) continue;
      this.#waiting.delete(id);
      clearTimeout(waiting.timer);
      waiting.reject(Object.assign(new Error(reason), { trapped: true }));
    }
  }
}
