// A Cargo project around a design.

import { zip } from './zip.js';

const snake = (name) => name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

/** The macro call that declares a network of that name, out of a text. */
function call(text, name) {
  const written = /(?:\b\w+::)*network!\s*[{(\[]/.exec(text);
  if (!written) return `herringbone::network! {\n${text.trim()}\n}`;
  // The whole text where it declares one network; other items of it stay as they are.
  return text.trim();
}

function main(view, text, runs) {
  // A whole program stays as it is.
  if (/\bfn\s+main\b/.test(text)) return text;
  const { network } = view;
  const declaration = call(text, network);
  if (!runs) {
    return `//! The plan of ${network}, a network to size.

${declaration}

fn main() {
    println!("{}", ${network}::PLAN);
}
`;
  }
  return `//! Runs ${network} on the bytes of a file: as many as its input has.

${declaration}

fn main() {
    let path = std::env::args().nth(1).expect("the file with the input is missing");
    let bytes = std::fs::read(&path).expect("the file cannot be read");
    let input: &[u8; ${network}::INPUT_LEN] = bytes
        .as_slice()
        .try_into()
        .unwrap_or_else(|_| panic!("{path} has {} bytes, not {}", bytes.len(), ${network}::INPUT_LEN));
    println!("class {}", ${network}::new().classify(input));
    println!("{}", ${network}::PLAN);
}
`;
}

/** `weights`: `{name, bytes}` or `null`; `runs` where they are the design's. */
export function project(view, text, weights, runs) {
  const name = snake(view.network);
  const files = [
    [`${name}/Cargo.toml`, `[package]
name = "${name}"
version = "0.1.0"
edition = "2024"

[dependencies]
# Before the first release on crates.io: { path = "…/herringbone/runtime" }, of a checkout.
herringbone = "0.1.0"
`],
    [`${name}/src/main.rs`, main(view, text, runs)],
    [`${name}/README.md`, `# ${view.network}

\`cargo run\`${runs ? ' FILE, a file with the bytes of an input,' : ''} runs it on this machine; the
same code runs on ${view.target ?? 'a microcontroller'}: see herringbone's README for firmware.
`],
  ];
  const written = /weights:\s*"([^"]+)"/.exec(text)?.[1];
  if (runs && weights && written) files.push([`${name}/${written}`, weights.bytes]);
  return { name: `${name}.zip`, blob: zip(files) };
}
