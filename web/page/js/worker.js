// The worker: the compiler and the simulated part, apart from the page, which may end it.

import { Compiler } from './compiler.js';
import { Part } from './part.js';

let compiler;
/** What was planned last, and its part once it has run. */
let planned = { design: null, answer: null, code: null, part: null };

/** Plans a design, `{text, network, plan}`, unless it was the last one. */
function plan(design) {
  const key = JSON.stringify(design);
  if (planned.design !== key) {
    planned = { design: key, answer: null, code: null, part: null };
    planned.answer = compiler.ask({ ask: 'plan', ...design });
  }
  return planned.answer;
}

/** The generated code in a part; throws what stands against that. */
function part() {
  planned.code ??= compiler.ask({ ask: 'code' });
  planned.part ??= new Part(planned.code);
  return planned.part;
}

function run(input, watch) {
  let expected = null;
  let runner;
  try {
    expected = compiler.ask({ ask: 'infer', input: [...input] });
    runner = part();
  } catch (error) {
    if (isTrap(error)) throw error;
    return { expected, refused: error.message };
  }
  const { code } = planned;
  const started = performance.now();
  const run = runner.infer(input, watch ? code.predicted_cycles : 0);
  const equal = run.results.length === expected.results.length
    && run.results.every((result, index) => result === expected.results[index]);
  return { expected, run, equal, code, milliseconds: performance.now() - started };
}

/** Whether the module's memory is no longer to be trusted. */
const isTrap = (error) => error instanceof WebAssembly.RuntimeError || error instanceof RangeError;

const tasks = {
  async start({ wasm }) {
    compiler = await Compiler.of(wasm);
  },
  weights({ bytes }) {
    compiler.setWeights(bytes);
    planned.design = null;
  },
  plan({ design }) {
    planned.design = null;
    const started = performance.now();
    const answer = plan(design);
    return { ...answer, milliseconds: performance.now() - started };
  },
  alternatives({ design }) {
    plan(design);
    return compiler.ask({ ask: 'alternatives' });
  },
  model({ bytes }) {
    return compiler.model(bytes);
  },
  /** One inference on the part, beside what the interpreter says. */
  run({ design, input }) {
    plan(design);
    return run(input, true);
  },
  /** The same, of which the results and their equality alone are wanted. */
  outcome({ design, input }) {
    plan(design);
    const { run: ran, equal, refused } = run(input, false);
    return { results: ran?.results, cycles: ran?.cycles, equal, refused };
  },
  picture({ design }) {
    plan(design);
    return compiler.ask({ ask: 'picture' });
  },
  parts({ design, from, count }) {
    plan(design);
    return compiler.ask({ ask: 'parts', from, count });
  },
};

onmessage = async ({ data }) => {
  const { id, task, ...content } = data;
  try {
    postMessage({ id, answer: await tasks[task](content) });
  } catch (error) {
    postMessage({ id, error: String(error.message ?? error), trapped: isTrap(error) });
  }
};
