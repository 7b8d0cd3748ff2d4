// A link that holds a whole design.

async function through(bytes, stream) {
  const response = new Response(new Blob([bytes]).stream().pipeThrough(stream));
  return new Uint8Array(await response.arrayBuffer());
}

/** A design as the end of an address. */
export async function written(design) {
  const bytes = new TextEncoder().encode(JSON.stringify(design));
  const packed = await through(bytes, new CompressionStream('deflate-raw'));
  const letters = btoa(String.fromCharCode(...packed));
  return `#d=${letters.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

/** The design at the end of an address; `null` where there is none. */
export async function read(hash) {
  const letters = /^#d=([\w-]+)$/.exec(hash)?.[1];
  if (!letters) return null;
  try {
    const packed = Uint8Array.from(atob(letters.replaceAll('-', '+').replaceAll('_', '/')), (it) => it.charCodeAt(0));
    const bytes = await through(packed, new DecompressionStream('deflate-raw'));
    const { text, network = 0, plan = null, example = null } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof text === 'string' ? { text, network, plan, example } : null;
  } catch {
    return null;
  }
}
