// Images as a network takes them: from a PGM file, from a picture, from a drawing.

/** A plain PGM (P2), as `{width, height, bytes}`. */
export function readPgm(text) {
  const [magic, ...numbers] = text.replace(/#.*/g, '').trim().split(/\s+/);
  if (magic !== 'P2') throw new Error('not a plain PGM file');
  const [width, height, most, ...values] = numbers.map(Number);
  return { width, height, bytes: Uint8Array.from(values, (it) => Math.round((it * 255) / most)) };
}

/** Grey levels of `count` channels, from a canvas of the network's size. */
export function bytesOf(canvas, channels) {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(canvas.width * canvas.height * channels);
  for (let pixel = 0; pixel < canvas.width * canvas.height; pixel += 1) {
    const colour = data.subarray(4 * pixel, 4 * pixel + 3);
    const grey = Math.round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]);
    for (let channel = 0; channel < channels; channel += 1) {
      bytes[pixel * channels + channel] = channels === 3 ? colour[channel] : grey;
    }
  }
  return bytes;
}

/** An image of any size as the bytes of a network's input; bright paper becomes dark. */
export function fitted(source, { height, width, channels }) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const scale = Math.min(width / source.width, height / source.height);
  const [w, h] = [source.width * scale, source.height * scale];
  context.drawImage(source, (width - w) / 2, (height - h) / 2, w, h);
  const bytes = bytesOf(canvas, channels);
  if (channels !== 1) return bytes;
  const edge = bytes.filter((_, at) => at < width || at >= bytes.length - width);
  const paper = edge.reduce((sum, byte) => sum + byte, 0) / edge.length;
  return paper > 127 ? bytes.map((byte) => 255 - byte) : bytes;
}

/**
 * A drawing as MNIST has its digits: ink in a box of 20×20 pixels, centred by its mass in
 * 28×28 (LeCun et al., http://yann.lecun.com/exdb/mnist/); of other sizes alike.
 */
export function normalised(canvas, { height, width, channels }) {
  const ink = bytesOf(canvas, 1);
  const box = boundsOf(ink, canvas.width, canvas.height);
  if (!box) return new Uint8Array(height * width * channels);
  const side = Math.max(box.right - box.left, box.bottom - box.top);
  const scale = (Math.min(width, height) * 20) / 28 / side;
  const small = document.createElement('canvas');
  [small.width, small.height] = [width, height];
  const context = small.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  const draw = (x, y) => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    context.drawImage(
      canvas, box.left, box.top, box.right - box.left, box.bottom - box.top,
      x, y, (box.right - box.left) * scale, (box.bottom - box.top) * scale,
    );
    return bytesOf(small, 1);
  };
  const corner = [(width - (box.right - box.left) * scale) / 2, (height - (box.bottom - box.top) * scale) / 2];
  const mass = massOf(draw(...corner), width);
  draw(corner[0] + Math.round(width / 2 - mass.x), corner[1] + Math.round(height / 2 - mass.y));
  return bytesOf(small, channels);
}

function boundsOf(ink, width, height) {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  ink.forEach((byte, at) => {
    if (byte < 32) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
  });
  return box.right > box.left ? box : null;
}

function massOf(bytes, width) {
  let [all, x, y] = [0, 0, 0];
  bytes.forEach((byte, at) => {
    all += byte;
    x += byte * ((at % width) + 0.5);
    y += byte * (Math.floor(at / width) + 0.5);
  });
  return all ? { x: x / all, y: y / all } : { x: width / 2, y: bytes.length / width / 2 };
}

/** Draws an input's bytes on a canvas, a pixel each. */
export function show(canvas, bytes, { height, width, channels }) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      image.data[4 * pixel + colour] = bytes[pixel * channels + (channels >= 3 ? colour : 0)];
    }
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}
