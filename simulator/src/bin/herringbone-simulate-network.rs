//! Runs a network's machine code in simavr. Standard input has one line of JSON, a
//! [`NetworkCode`], then inputs as bytes; each is answered with a line of JSON, an
//! [`Inference`](herringbone_simulator::network::Inference).

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use herringbone_simulator::network::{NetworkCode, SimulatedNetwork};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let code: NetworkCode = serde_json::from_str(&line).context("the first line is no code")?;
    let mut network = SimulatedNetwork::new(&code)?;
    let mut output = io::stdout().lock();
    let mut bytes = vec![0; code.input_bytes];
    loop {
        match input.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let inference = network.infer(&bytes)?;
        serde_json::to_writer(&mut output, &inference)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}
