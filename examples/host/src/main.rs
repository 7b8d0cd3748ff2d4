//! A firmware's network on this machine: images in on standard input, one line of JSON out for
//! each, the bytes that the firmware answers. The first line describes the network. An argument names
//! the file of the parameters of a network that loads them at run time.

use std::io::{self, BufWriter, Read, Write};

#[cfg(feature = "uno")]
use digits as firmware;
#[cfg(feature = "uno-keyword")]
use keyword as firmware;
#[cfg(feature = "mega")]
use mega as firmware;
#[cfg(feature = "tiny25")]
use tiny25 as firmware;
#[cfg(feature = "tiny85")]
use tiny85 as firmware;

use firmware::Digits;
use serde_json::json;

/// The images that a firmware without a serial line has in its flash, in the order in which it
/// classifies them: one of each digit, from 0 up.
fn own_images() -> Vec<Vec<u8>> {
    #[cfg(feature = "tiny85")]
    return tiny85::images::images().map(Iterator::collect).collect();
    #[cfg(not(feature = "tiny85"))]
    Vec::new()
}

fn main() -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut network = Digits::new();
    #[cfg(feature = "uno-runtime")]
    if let Some(path) = std::env::args_os().nth(1) {
        std::fs::File::open(path)?.read_exact(network.params_mut())?;
    }
    let mut image = [0; Digits::INPUT_LEN];
    let logit_bytes = size_of_val(&network.run(&image)) / Digits::CLASSES;
    let description = json!({
        "arena_bytes": Digits::ARENA_BYTES,
        "sram_bytes": Digits::SRAM_BYTES,
        "stack_bytes": Digits::STACK_BYTES,
        "flash_bytes": Digits::FLASH_BYTES,
        "state_bytes": size_of::<Digits>(),
        "input_bytes": Digits::INPUT_LEN,
        "answer_bytes": Digits::CLASSES * logit_bytes + 1,
        "macs": Digits::MACS,
        "plan": Digits::PLAN,
        "own_images": own_images(),
    });
    writeln!(output, "{description}")?;
    output.flush()?;

    let mut input = io::stdin().lock();
    while input.read_exact(&mut image).is_ok() {
        let logits = network.run(&image);
        let class = network.classify(&image);
        let mut answer: Vec<u8> = logits
            .into_iter()
            .flat_map(|logit| logit.to_le_bytes())
            .collect();
        answer.push(class as u8);
        writeln!(output, "{}", json!(answer))?;
        output.flush()?;
    }
    Ok(())
}
