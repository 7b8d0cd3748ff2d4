// The text, and the marks under what is wrong with it.

import { h } from './dom.js';

export class Editor {
  constructor(textarea, marks, changed) {
    this.textarea = textarea;
    this.marks = marks;
    textarea.addEventListener('input', changed);
    textarea.addEventListener('scroll', () => this.#follow());
    textarea.addEventListener('keydown', (event) => {
      // Tab leaves the editor, as a keyboard's user needs it to.
      if (event.key !== 'Enter' || event.isComposing) return;
      const before = textarea.value.slice(0, textarea.selectionStart);
      const indentation = /(?:^|\n)([ \t]*)[^\n]*$/.exec(before)[1];
      if (!indentation) return;
      event.preventDefault();
      this.#insert(`\n${indentation}`);
    });
  }

  get text() {
    return this.textarea.value;
  }

  set text(text) {
    this.textarea.value = text;
    this.mark([]);
  }

  /** Applies edits, the last one first; the browser's undo takes them back. */
  apply(edits) {
    this.textarea.focus();
    for (const { start, end, text } of edits) {
      this.textarea.setSelectionRange(start, end);
      this.#insert(text);
    }
  }

  /** Underlines places; each is `{start, end, kind}`. */
  mark(places) {
    const { text } = this;
    const children = [];
    let done = 0;
    for (const { start, end, kind } of [...places].sort((a, b) => a.start - b.start)) {
      if (start < done) continue;
      // An empty place is shown as the letter before it.
      const from = end > start ? start : Math.max(done, start - 1);
      children.push(text.slice(done, from), h('mark', { class: kind }, text.slice(from, Math.max(end, from + 1))));
      done = Math.max(end, from + 1);
    }
    this.marks.replaceChildren(...children, `${text.slice(done)}\n`);
    this.#follow();
  }

  /** Selects a place and shows it. */
  select({ start, end }) {
    this.textarea.focus();
    this.textarea.setSelectionRange(start, end);
  }

  #insert(text) {
    // Deprecated, and the only way that keeps the undo history of a text field.
    const done = text === ''
      ? document.execCommand('delete')
      : document.execCommand('insertText', false, text);
    if (!done) {
      const { selectionStart, selectionEnd } = this.textarea;
      this.textarea.setRangeText(text, selectionStart, selectionEnd, 'end');
      this.textarea.dispatchEvent(new Event('input'));
    }
  }

  #follow() {
    this.marks.scrollTop = this.textarea.scrollTop;
    this.marks.scrollLeft = this.textarea.scrollLeft;
  }
}
