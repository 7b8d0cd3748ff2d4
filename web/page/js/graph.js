// The network as a graph: layers from left to right, by how far they are from the input.

import { s, colourOf } from './dom.js';

const [BOX, HIGH, GAP, LEAD] = [190, 46, 18, 34];

export function showGraph(root, view) {
  root.replaceChildren();
  if (!view) return;
  const nodes = nodesOf(view);
  const columns = Map.groupBy
    ? Map.groupBy(nodes, (it) => it.depth)
    : nodes.reduce((all, it) => all.set(it.depth, [...(all.get(it.depth) ?? []), it]), new Map());
  const tallest = Math.max(...[...columns.values()].map((it) => it.length));
  const [width, height] = [columns.size * (BOX + LEAD) - LEAD + 4, tallest * (HIGH + GAP) - GAP + 4];
  for (const column of columns.values()) {
    column.forEach((node, index) => {
      node.x = 2 + node.depth * (BOX + LEAD);
      node.y = 2 + index * (HIGH + GAP) + ((tallest - column.length) * (HIGH + GAP)) / 2;
    });
  }
  const edges = nodes.flatMap((to) => to.reads.map((from) => {
    const [x1, y1, x2, y2] = [from.x + BOX, from.y + HIGH / 2, to.x, to.y + HIGH / 2];
    // An edge that passes other layers goes around below them.
    const lower = to.depth - from.depth > 1 && tallest === 1 ? HIGH : 0;
    const middle = (x1 + x2) / 2;
    return s('path', { class: 'edge', d: `M${x1} ${y1}C${middle} ${y1 + lower} ${middle} ${y2 + lower} ${x2} ${y2}` });
  }));
  const deep = nodes.some((it) => it.reads.some((from) => it.depth - from.depth > 1)) ? HIGH / 2 : 0;
  const svg = s('svg', { class: 'chart', viewBox: `0 0 ${width} ${height + deep}`, role: 'img', 'aria-label': `the graph of ${view.network}: ${nodes.map((it) => it.name).join(', ')}` },
    edges, nodes.map((it) => [
      s('rect', { class: 'node', x: it.x, y: it.y, width: BOX, height: HIGH, rx: 7 }),
      s('rect', { x: it.x, y: it.y + 6, width: 4, height: HIGH - 12, fill: it.colour, rx: 2 }),
      s('text', { class: 'node', x: it.x + 12, y: it.y + 19 }, it.name.length > 22 ? `${it.name.slice(0, 21)}…` : it.name, s('title', {}, it.name)),
      s('text', { class: 'axis', x: it.x + 12, y: it.y + 36 }, `${it.shape.height}×${it.shape.width}×${it.shape.channels}`),
    ]));
  svg.style.width = `${width}px`;
  svg.style.maxWidth = 'none';
  root.append(svg);
}

function nodesOf(view) {
  const nodes = [];
  const add = (name, shape, label, reads, colour) => {
    const depth = reads.length ? 1 + Math.max(...reads.map((it) => it.depth)) : 0;
    nodes.push({ name, shape, label, reads, colour, depth });
  };
  if (view.layers[0]?.node !== null) add('input', view.input, 'input', [], '#888888');
  view.layers.forEach((layer, index) => {
    // Of layers that are written alike, the last one before it is meant.
    const reads = layer.reads.map((name) => nodes.findLast((it) => it.name === name || `'${it.label}` === name) ?? nodes.at(-1)).filter(Boolean);
    add(layer.layer, layer.output, layer.label, reads, colourOf(index));
  });
  return nodes;
}
