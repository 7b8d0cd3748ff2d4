// The page: a design, an input, and what becomes of them.

import { h, at, thousands } from './dom.js';
import { Arena } from './arena.js';
import { Background } from './background.js';
import { Chips } from './chips.js';
import { Drawing } from './drawing.js';
import { Editor } from './editor.js';
import { EXAMPLES } from './examples.js';
import { Inputs } from './inputs.js';
import { Layers } from './layers.js';
import { showBudget } from './budget.js';
import { showGraph } from './graph.js';
import { marksOf, showMessages } from './messages.js';
import { showModel, showModelError } from './model.js';
import { showOutcome, usualClock, classOf } from './outcome.js';
import { showPlans } from './plans.js';
import { project } from './project.js';
import { read, written } from './share.js';

const wasm = fetch('herringbone.wasm').then((response) => {
  if (!response.ok) throw new Error(`cannot load the compiler: ${response.status}`);
  return response.arrayBuffer();
});
// A keystroke waits neither for a run nor for all that is looked at beside the plan: these have
// workers of their own.
const planner = new Background(wasm);
const runner = new Background(wasm);
const surveyor = new Background(wasm);

const state = {
  example: EXAMPLES[0],
  network: 0,
  /** The plan that was chosen in place of the text's. */
  plan: null,
  /** `{name, bytes}` */
  weights: null,
  answer: null,
  clock: null,
};

const design = () => ({ text: editor.text, network: state.network, plan: state.plan });

const editor = new Editor(at('text'), at('marks'), () => {
  // What was chosen for another network.
  state.plan = null;
  replan();
});
const layers = new Layers(at('layer-rows'), at('assembly'), (name, line) => arena.goTo(name, line));
const arena = new Arena(at('arena'), (node, name, line) => layers.at(node, name, line));
const chips = new Chips(at('chip-rows'), at('chips-progress'), (part) => take(part));
const inputs = new Inputs(() => rerun());
const drawing = new Drawing(at('drawing'), () => inputs.drawn(at('drawing')));
inputs.showOn(at('drawing'), () => drawing.shown());

// --- planning: the newest text, one at a time

let planning = false;
let wanted = false;

async function replan() {
  wanted = true;
  if (planning) return;
  planning = true;
  while (wanted) {
    wanted = false;
    const asked = design();
    const started = performance.now();
    try {
      const answer = await planner.ask('plan', { design: asked });
      showAnswer(asked, answer, performance.now() - started);
    } catch (error) {
      showFailure(error);
    }
  }
  planning = false;
}

// --- every plan: of the newest text, after a pause in the typing

const PAUSE_MILLISECONDS = 120;
let listing = null;

function listPlans(asked, answer) {
  clearTimeout(listing);
  listing = setTimeout(async () => {
    try {
      const plans = await surveyor.ask('alternatives', { design: asked });
      if (state.answer !== answer) return;
      showPlans(at('plan-rows'), at('plan-scatter'), plans, answer.view.sram_budget_bytes, choosePlan);
    } catch (error) {
      at('plan-rows').textContent = `The plans cannot be listed: ${error.message}.`;
    }
  }, PAUSE_MILLISECONDS);
}

function showFailure(error) {
  state.answer = null;
  at('speed').textContent = '';
  at('messages').replaceChildren(h('div', { class: 'message', id: 'failure' }, h('pre', { class: 'title' },
    h('span', { class: 'bad' }, 'stopped: '),
    `the compiler gave up on this text (${error.message}); it was started again, so change the text and go on`)));
  editor.mark([]);
}

function showAnswer(asked, answer, milliseconds) {
  state.answer = answer;
  const { view } = answer;
  at('speed').textContent = `planned in ${milliseconds.toFixed(0)} ms`;
  at('speed').dataset.milliseconds = milliseconds;
  editor.mark(marksOf(answer));
  showMessages(at('messages'), asked.text, answer, { apply: (edits) => editor.apply(edits) });
  at('note').hidden = !answer.note || answer.errors.length > 0;
  at('note').textContent = answer.note ?? '';
  showNetworks(answer);
  chips.forget();
  // What is shown of a design before it became wrong.
  document.body.classList.toggle('stale', !view);
  if (!view) return;
  showBudget(at('budget'), view);
  layers.show(view, [], null);
  showGraph(at('graph-picture'), view);
  listPlans(asked, answer);
  state.clock ??= usualClock(view.target ?? '');
  inputs.fit(view.input);
  rerun();
}

function showNetworks({ networks, network }) {
  at('which').hidden = networks.length < 2;
  at('network').replaceChildren(...networks.map((it, index) => h('option', { value: index, selected: index === network }, `${it.name}, line ${it.line}`)));
}

function choosePlan(name) {
  state.plan = name;
  replan();
}

/** Puts a part into the text, in place of bytes that were given with a core. */
function take(part) {
  for (const bytes of [/,\s*(?<!reserve:\s*\{[^}]*)\bsram:\s*\d+/, /,\s*(?<!reserve:\s*\{[^}]*)\bflash:\s*\d+/]) {
    const found = bytes.exec(editor.text);
    if (found) editor.apply([{ start: found.index, end: found.index + found[0].length, text: '' }]);
  }
  const given = /\btarget:\s*(\w+)/.exec(editor.text);
  state.clock = null;
  if (given) {
    const end = given.index + given[0].length;
    editor.apply([{ start: end - given[1].length, end, text: part }]);
  } else {
    const end = editor.text.lastIndexOf('}');
    editor.apply([{ start: end, end, text: `    target: ${part},\n` }]);
  }
  editor.textarea.scrollIntoView({ block: 'center' });
}

// --- running: the newest design and input

let running = false;
let rerunWanted = false;

async function rerun() {
  rerunWanted = true;
  if (running) return;
  running = true;
  while (rerunWanted) {
    rerunWanted = false;
    const { answer } = state;
    const input = inputs.bytes;
    if (!answer?.view || !input) continue;
    const asked = design();
    try {
      const outcome = await runner.ask('run', { design: asked, input });
      if (!rerunWanted && state.answer === answer) showRun(answer, outcome);
      if (!rerunWanted) await showPicture(asked, answer);
    } catch (error) {
      showOutcome(at('outcome'), { refused: error.message }, answer);
      arena.show(null);
    }
  }
  running = false;
  if (!state.ready) {
    state.ready = true;
    runAll();
  }
}

function showRun(answer, outcome) {
  const { run, code, expected } = outcome;
  const show = () => {
    showOutcome(at('outcome'), outcome, answer, state.clock, (clock) => {
      state.clock = clock;
      show();
    });
    arena.show(run, expected?.maps ?? [], answer.view, code?.functions ?? [], answer.view.activation_bits, state.clock);
  };
  const counted = run?.record && new Map(run.record.functions.map(({ name }, index) => [name, run.record.cycles[index]]));
  layers.show(answer.view, code?.functions ?? [], counted);
  show();
}

// The picture, which takes longer than all else, only where it is wanted.
let pictured = null;

async function showPicture(asked, answer) {
  if (!at('drawn').open || pictured === answer) return;
  const { svg, most_cycles: most } = await surveyor.ask('picture', { design: asked });
  if (state.answer !== answer) return;
  pictured = answer;
  at('picture').replaceChildren();
  if (svg) {
    const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
    at('picture').append(h('img', { src: url, alt: 'What the arena holds, moment by moment, and how each map is stored', onload: () => URL.revokeObjectURL(url) }));
  } else {
    at('picture').append(h('p', { class: 'muted' }, 'This network is too large for the picture.'));
  }
  if (most) at('picture').append(h('p', { class: 'muted' }, `Whatever the input, an inference takes at most ${thousands(most)} cycles.`));
}

/** Runs every shipped digit, and says how many are equal and right. */
async function runAll() {
  const { answer } = state;
  const images = inputs.fitting();
  if (!answer?.view || !images.length) {
    at('all-result').replaceChildren();
    return;
  }
  const asked = design();
  at('all-result').textContent = `Running all ${images.length} images…`;
  try {
    const outcomes = [];
    // One at a time: what is drawn meanwhile comes between.
    for (const { bytes } of images) {
      outcomes.push(await runner.ask('outcome', { design: asked, input: bytes }));
      if (state.answer !== answer) return;
      if (outcomes[0].refused) {
        at('all-result').replaceChildren();
        return;
      }
    }
    const equal = outcomes.filter((it) => it.equal).length;
    const right = outcomes.filter((it, index) => String(classOf(it.results)) === images[index].label).length;
    const mean = outcomes.reduce((sum, it) => sum + it.cycles, 0) / outcomes.length;
    const what = answer.weights === 'file' ? `, and ${right} are right` : '';
    at('all-result').replaceChildren(
      h('span', { class: equal === outcomes.length ? 'good' : 'bad', id: 'all-equal' }, `${equal} of ${outcomes.length}`),
      ` images give the interpreter’s integers on the simulated part${what}; ${thousands(mean)} cycles on average. `,
      h('button', { type: 'button', onclick: runAll }, 'Run all again'));
  } catch (error) {
    at('all-result').textContent = error.message;
  }
}

// --- weights, examples, links

async function setWeights(weights) {
  state.weights = weights;
  at('weights-name').textContent = weights ? weights.name : 'none';
  const bytes = weights?.bytes ?? null;
  await Promise.all([planner, runner, surveyor].map((it) => it.setWeights(bytes)));
}

async function weightsOf(example) {
  if (!example?.weights) return null;
  const response = await fetch(`examples/${example.weights}`);
  return { name: example.weights, bytes: new Uint8Array(await response.arrayBuffer()) };
}

async function open({ text, network = 0, plan = null, example = null }) {
  const found = EXAMPLES.find((it) => it.name === example) ?? null;
  Object.assign(state, { example: found, network, plan, clock: null, ready: false });
  at('example').value = found?.name ?? '';
  editor.text = text;
  await setWeights(await weightsOf(found));
  await replan();
}

const openExample = (example) => open({ text: example.text, example: example.name });

async function takeFile(file) {
  if (file.name.endsWith('.safetensors')) {
    state.example = null;
    await setWeights({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
    state.ready = false;
    replan();
  } else if (file.name.endsWith('.tflite')) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const [section, root] = [at('model'), at('model-plan')];
    await surveyor.ask('model', { bytes }).then(
      (model) => showModel(section, root, file.name, model),
      (error) => showModelError(section, root, file.name, error.message),
    );
  } else if (file.type.startsWith('image/') || file.name.endsWith('.pgm')) {
    await inputs.file(file);
  } else if (/\.(rs|txt)$/.test(file.name)) {
    await open({ text: await file.text() });
  } else {
    at('taken').textContent = `${file.name} is neither weights (.safetensors), nor a model (.tflite), nor an image, nor a Rust file.`;
  }
}

async function address() {
  const { text, network, plan } = design();
  const hash = await written({ text, network, plan, example: state.example?.name ?? null });
  return `${location.origin}${location.pathname}${hash}`;
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    at('taken').textContent = `${what} is on the clipboard (${text.length} letters).`;
  } catch {
    at('taken').replaceChildren(`${what}: `, h('code', {}, text));
  }
}

function listen() {
  at('example').append(h('option', { value: '' }, 'your own'), ...EXAMPLES.map((it) => h('option', { value: it.name }, it.title)));
  at('example').addEventListener('change', () => {
    const example = EXAMPLES.find((it) => it.name === at('example').value);
    if (example) openExample(example);
  });
  at('network').addEventListener('change', () => {
    state.network = Number(at('network').value);
    state.plan = null;
    replan();
  });
  at('clear').addEventListener('click', () => drawing.clear());
  at('noise').addEventListener('click', () => inputs.noise());
  for (const id of ['image', 'weights']) {
    at(id).addEventListener('change', () => {
      if (at(id).files[0]) takeFile(at(id).files[0]);
      at(id).value = '';
    });
  }
  at('drawn').addEventListener('toggle', () => state.answer && showPicture(design(), state.answer));
  const filter = () => ({ fitting: at('fitting').checked, name: at('part-name').value });
  at('find-chips').addEventListener('click', () => {
    const asked = design();
    chips.find((from, count) => surveyor.ask('parts', { design: asked, from, count }), filter)
      .catch((error) => { at('chips-progress').textContent = error.message; });
  });
  for (const id of ['fitting', 'part-name']) at(id).addEventListener('input', () => chips.show(filter()));
  at('link').addEventListener('click', async () => {
    const link = await address();
    history.replaceState(null, '', link);
    copy(link, 'The link');
  });
  at('embed').addEventListener('click', async () => {
    const link = (await address()).replace('#', '?embed#');
    copy(`<iframe src="${link}" title="${state.answer?.view?.network ?? 'A network'} in herringbone" width="100%" height="720"></iframe>`, 'The HTML');
  });
  at('project').addEventListener('click', () => {
    const view = state.answer?.view;
    if (!view || state.answer.errors.length) {
      at('taken').textContent = 'The design has errors: a project of it would not build.';
      return;
    }
    const { name, blob } = project(view, editor.text, state.weights, state.answer.weights === 'file');
    const url = URL.createObjectURL(blob);
    h('a', { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    at('taken').textContent = `${name} is downloaded.`;
  });
  let over = 0;
  addEventListener('dragenter', () => { over += 1; document.body.classList.add('dropping'); });
  addEventListener('dragleave', () => { over -= 1; if (!over) document.body.classList.remove('dropping'); });
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', async (event) => {
    event.preventDefault();
    over = 0;
    document.body.classList.remove('dropping');
    for (const file of event.dataTransfer.files) await takeFile(file);
  });
  addEventListener('hashchange', async () => {
    const linked = await read(location.hash);
    if (linked) open(linked);
  });
}

if (new URLSearchParams(location.search).has('embed')) document.body.classList.add('embed');
listen();
await inputs.load(at('gallery'));
const linked = await read(location.hash);
await (linked ? open(linked) : openExample(EXAMPLES[0]));
