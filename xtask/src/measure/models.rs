//! TensorFlow Lite models on a BBC micro:bit v1, beside what others publish of the same files.

use std::path::Path;

use anyhow::Result;
use indicatif::HumanCount;
use serde::Serialize;

use super::Format;
use crate::microbit;

/// Inputs that each model computes, all of them compared with the evaluator's results.
const INFERENCES: usize = 2;

/// A model by the name of its file, and what others need for it.
struct Model {
    file: &'static str,
    peers: &'static [Peer],
}

/// What another runtime needs for a model, as published.
#[derive(Debug, Clone, Copy, Serialize)]
struct Peer {
    runtime: &'static str,
    part: &'static str,
    /// Bytes of SRAM, if they are published.
    sram_bytes: Option<u64>,
    /// Bytes of flash, if they are published.
    flash_bytes: Option<u64>,
    source: &'static str,
}

const MLPERF: &str = "mlcommons/tiny 1afd2c9, the arena that the reference sets";
const TFLM: &str = "tensorflow/tflite-micro 90b983c, the arena that the example sets";
const MICROFLOW: &str = "matteocarnelos/microflow-rs 6703135, analysis/: whole firmware";

const fn arena(part: &'static str, sram_bytes: u64, source: &'static str) -> Peer {
    Peer {
        runtime: "TFLM",
        part,
        sram_bytes: Some(sram_bytes),
        flash_bytes: None,
        source,
    }
}

/// Published as kilobytes of 1,000 bytes; here in bytes.
const fn firmware(runtime: &'static str, part: &'static str, sram: u64, flash: u64) -> Peer {
    Peer {
        runtime,
        part,
        sram_bytes: Some(sram),
        flash_bytes: Some(flash),
        source: MICROFLOW,
    }
}

const MODELS: [Model; 6] = [
    Model {
        file: "microflow_sine",
        peers: &[
            arena("any", 3_000, TFLM),
            firmware("TFLM", "nRF52840", 45_700, 116_400),
            firmware("MicroFlow", "nRF52840", 5_300, 34_300),
            firmware("MicroFlow", "ATmega328", 1_706, 13_600),
        ],
    },
    Model {
        file: "tflm_micro_speech",
        peers: &[
            arena("any", 28_584, TFLM),
            firmware("TFLM", "nRF52840", 63_700, 157_500),
            firmware("MicroFlow", "nRF52840", 19_600, 61_800),
        ],
    },
    Model {
        file: "tinymaix_mnist_arduino_q",
        peers: &[],
    },
    Model {
        file: "mlperf_kws_dscnn",
        peers: &[arena("any", 200 << 10, MLPERF)],
    },
    Model {
        file: "mlperf_ic_resnet8",
        peers: &[arena("any", 100 << 10, MLPERF)],
    },
    Model {
        file: "mlperf_vww_mobilenet",
        peers: &[arena("any", 200 << 10, MLPERF)],
    },
];

/// What a model takes, and what it takes others.
#[derive(Debug, Serialize)]
struct Row {
    model: &'static str,
    multiply_accumulates: u64,
    flash_bytes: u64,
    static_sram_bytes: u64,
    stack_bytes: u64,
    peers: &'static [Peer],
}

/// Measures the models of a folder, one after the other.
///
/// # Errors
/// When firmware is not built, or a result is not that of the evaluator on this machine.
pub fn run(folder: &Path, format: Format) -> Result<()> {
    let rows = MODELS.iter().map(|model| {
        let file = folder.join(format!("{}.tflite", model.file));
        let measured = microbit::measure(&file, INFERENCES)?;
        Ok(Row {
            model: model.file,
            multiply_accumulates: measured.multiply_accumulates,
            flash_bytes: measured.built.flash_bytes,
            static_sram_bytes: measured.built.static_bytes,
            stack_bytes: measured.stack_bytes,
            peers: model.peers,
        })
    });
    let rows = rows.collect::<Result<Vec<Row>>>()?;
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&rows)?),
        Format::Text | Format::Markdown => print(&rows),
    }
    Ok(())
}

fn print(rows: &[Row]) {
    println!("| model | runtime | part | flash | SRAM | source |");
    println!("| --- | --- | --- | ---: | ---: | --- |");
    let bytes = |bytes: Option<u64>| bytes.map_or(String::new(), |it| HumanCount(it).to_string());
    for row in rows {
        println!(
            "| `{}` | herringbone | nRF51822 | {} | {} | measured, with the deepest stack |",
            row.model,
            bytes(Some(row.flash_bytes)),
            bytes(Some(row.static_sram_bytes + row.stack_bytes)),
        );
        for peer in row.peers {
            println!(
                "| | {} | {} | {} | {} | {} |",
                peer.runtime,
                peer.part,
                bytes(peer.flash_bytes),
                bytes(peer.sram_bytes),
                peer.source,
            );
        }
    }
}
