// A ZIP file of files that are stored as they are (APPNOTE.TXT of PKWARE, sections 4.3.7,
// 4.3.12 and 4.3.16).

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

export function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

// 1 January 2026, as MS-DOS writes it: the same files make the same archive.
const DATE = ((2026 - 1980) << 9) | (1 << 5) | 1;

/** `files`: pairs of a path and its content, text or bytes. */
export function zip(files) {
  const [parts, directory] = [[], []];
  let offset = 0;
  for (const [path, content] of files) {
    const name = new TextEncoder().encode(path);
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    // Version, flags (names are UTF-8), method, time, date, checksum, sizes, lengths.
    const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [DATE, 2], [crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]];
    parts.push(fields([[0x04034b50, 4], ...common]), name, bytes);
    directory.push(fields([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), name);
    offset += 30 + name.length + bytes.length;
  }
  const size = directory.reduce((sum, it) => sum + it.length, 0);
  const end = fields([[0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2]]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

function fields(values) {
  const bytes = new Uint8Array(values.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [value, length] of values) {
    for (let byte = 0; byte < length; byte += 1) bytes[at + byte] = (value / 2 ** (8 * byte)) & 0xff;
    at += length;
  }
  return bytes;
}
