// The compiler, as one WebAssembly module: questions and answers are JSON.

const encode = new TextEncoder();
const decode = new TextDecoder();

export class Compiler {
  /** `bytes` of the module. */
  static async of(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Compiler(instance.exports);
  }

  constructor(exports) {
    this.exports = exports;
  }

  /** Takes the bytes of a weights file; of `null`, forgets the one before. */
  setWeights(bytes) {
    this.#write(bytes ?? new Uint8Array());
    this.exports.weights();
  }

  /** The answer to a question; an error where it has none. */
  ask(question) {
    this.#write(encode.encode(JSON.stringify(question)));
    return this.#answer(this.exports.ask());
  }

  /** The plan of a TensorFlow Lite model; an error where it has none. */
  model(bytes) {
    this.#write(bytes);
    return this.#answer(this.exports.model());
  }

  #answer(length) {
    const start = this.exports.answer();
    const answer = JSON.parse(decode.decode(new Uint8Array(this.exports.memory.buffer, start, length)));
    if (answer.failed !== undefined) throw new Error(answer.failed);
    return answer;
  }

  #write(bytes) {
    const start = this.exports.buffer(bytes.length);
    new Uint8Array(this.exports.memory.buffer, start, bytes.length).set(bytes);
  }
}
