// Errors and warnings as rustc prints them, with remedies as buttons.

import { h } from './dom.js';

/** The line of a place, with carets under it. */
function source(text, { line, column, place }) {
  const written = text.split('\n')[line - 1] ?? '';
  const length = [...text.slice(place.start, place.end).split('\n')[0]].length;
  const number = String(line);
  const blank = ' '.repeat(number.length);
  const shown = written.replace(/\t/g, ' ');
  return h('pre', { class: 'source' },
    `${blank}--> line ${line}, column ${column}\n${blank} |\n${number} | ${shown}\n${blank} | ${' '.repeat(column - 1)}`,
    h('b', {}, '^'.repeat(Math.max(1, length))));
}

function show(text, message, kind, actions) {
  const [title, ...rest] = message.message.split('\n');
  return h('div', { class: kind === 'warning' ? 'message warning' : 'message' },
    h('pre', { class: 'title' }, h('span', { class: kind === 'warning' ? 'warn' : 'bad' }, `${kind}: `), title),
    rest.length > 0 && h('pre', {}, rest.join('\n')),
    source(text, message),
    h('div', { class: 'remedies' }, message.remedies.map((remedy) =>
      h('button', { type: 'button', onclick: () => actions.apply(remedy.edits) }, `Change: ${remedy.words.replaceAll('`', '')}`))));
}

/** Shows all of an answer's messages; `actions.apply` takes the edits of a remedy. */
export function showMessages(root, text, answer, actions) {
  root.replaceChildren(
    ...answer.errors.map((it) => show(text, it, 'error', actions)),
    ...answer.warnings.map((it) => show(text, it, 'warning', actions)),
  );
}

/** The places of an answer's messages. */
export const marksOf = (answer) => [
  ...answer.errors.map((it) => ({ ...it.place, kind: 'error' })),
  ...answer.warnings.map((it) => ({ ...it.place, kind: 'warning' })),
];
