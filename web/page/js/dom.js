// Elements from their names, properties and children.

const SVG = 'http://www.w3.org/2000/svg';

function make(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class' && value === '') continue;
    else if (name === 'colour') element.style.background = value;
    else if (name === 'width%') element.style.width = `${value}%`;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

/** An element of HTML. */
export const h = (tag, properties, ...children) => make(document.createElement(tag), properties, children);
/** An element of SVG. */
export const s = (tag, properties, ...children) => make(document.createElementNS(SVG, tag), properties, children);

export const at = (id) => document.getElementById(id);

/** A number with commas. */
export const thousands = (number) => Math.round(number).toLocaleString('en-GB');

/** A table; a column is `{head, number, cell(row)}`. */
export function table(columns, rows, properties = () => ({})) {
  return h('table', {},
    h('thead', {}, h('tr', {}, columns.map((it) => h('th', { class: it.number && 'number', scope: 'col' }, it.head)))),
    h('tbody', {}, rows.map((row) => h('tr', properties(row),
      columns.map((it) => h('td', { class: it.number && 'number' }, it.cell(row) ?? ''))))));
}

// A colour a layer, told apart with any kind of sight (Okabe and Ito 2008, and two more).
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#b8a800', '#8c6bb1', '#7f7f7f'];
export const colourOf = (index) => COLOURS[index % COLOURS.length];
