//! The firmware's network on this machine: images in on standard input, one line of JSON out for
//! each, the bytes that the firmware answers. The first line describes the network.

use std::io::{self, BufWriter, Read, Write};

use digits::Digits;
use serde_json::json;

fn main() -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    let description = json!({
        "arena_bytes": Digits::ARENA_BYTES,
        "sram_bytes": Digits::SRAM_BYTES,
        "macs": Digits::MACS,
        "plan": Digits::PLAN,
    });
    writeln!(output, "{description}")?;
    output.flush()?;

    let mut input = io::stdin().lock();
    let mut network = Digits::new();
    let mut image = [0; Digits::INPUT_LEN];
    while input.read_exact(&mut image).is_ok() {
        let logits = network.run(&image);
        let class = network.classify(&image);
        let mut answer: Vec<u8> = logits.into_iter().flat_map(i16::to_le_bytes).collect();
        answer.push(class as u8);
        writeln!(output, "{}", json!(answer))?;
        output.flush()?;
    }
    Ok(())
}
