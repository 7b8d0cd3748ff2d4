//! What several fuzz targets make of bytes.

use herringbone_dataset::{Expected, Options, Part, Source};
use std::fs;
use std::path::Path;

/// What declarations are made of, so that most inputs get past the first mark.
const WORDS: &[&str] = &[
    "N: [8, 8, 1] => <",
    "A",
    "M",
    "C1",
    "C2",
    "D",
    "Dr",
    "T",
    "R",
    "Add",
    "Cat",
    "N",
    "'skip",
    "'skip:",
    "'a: C1(8,3), ",
    "('skip)",
    "('a, 'skip)",
    "'input",
    "(all)",
    "(3)",
    ", stride: 2",
    ", padding: same",
    ", add: 'skip",
    "(8,3, padding: same, add: 'a)",
    "(8,3)",
    "(8,1x5)",
    "(10)",
    "(2)",
    "(1x2)",
    "(0.5)",
    "*",
    ",",
    ">",
    "<",
    ":",
    "=",
    "=>",
    "->",
    "::",
    ";",
    "#",
    "!",
    "|",
    "-",
    "'a",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "8",
    "16",
    "255",
    "256",
    "2048",
    "65535",
    "99999999999999999999999999",
    "1.5",
    "1e999",
    "5u8",
    "0x10",
    "3x",
    "x3",
    "\"\"",
    "\"a.safetensors\"",
    "b\"a\"",
    "'c'",
    "target",
    "sram",
    "flash",
    "weights",
    "bits",
    "reserve",
    "plan",
    "code",
    "biases",
    "activations",
    "atmega328p",
    "cortex",
    "row_major",
    "herringbone",
    "smallest",
    "streamed",
    "unrolled",
    "table",
    "runtime",
    "env!",
    "(\"NAME\")",
    "concat!",
    "pub",
    "(crate)",
    "(in crate::a)",
    "struct",
    "_",
    "r#fn",
    "N",
    "[255, 255, 255]",
    "[0, 8]",
    "#[doc = \"a\"]",
    "/// a\n",
    "// a\n",
    "D*(10) >,",
    "target: atmega328p,",
    "bits: { weights: 4 },",
];

/// A word a byte, and every delimiter closed.
pub fn declaration(bytes: &[u8]) -> String {
    let (mut text, mut open) = (String::new(), Vec::new());
    for byte in bytes {
        let word = WORDS[usize::from(*byte) % WORDS.len()];
        match word {
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" => {
                if open.last() == Some(&word) {
                    open.pop();
                } else {
                    continue;
                }
            }
            _ => {}
        }
        text += word;
        text.push(' ');
    }
    text.extend(open.into_iter().rev());
    text
}

/// A right file with some bytes replaced, and cut or continued: three bytes a change.
pub fn changed(right: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut file = right.to_vec();
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        match file.get_mut(place) {
            Some(byte) => *byte = change[2],
            None => file.resize(
                file.len().min(place) / 2 + usize::from(change[2]),
                change[2],
            ),
        }
    }
    file
}

/// The bytes after the first, as they are or as changes of a right file, as the first
/// says; what is left of it.
pub fn file_of(data: &[u8], right: &[u8]) -> Option<(u8, Vec<u8>)> {
    let (first, rest) = data.split_first()?;
    let file = match first % 2 {
        0 => rest.to_vec(),
        _ => changed(right, rest),
    };
    Some((first / 2, file))
}

/// Reads whatever data there is at a path of a folder with these files: it is data, or
/// problems whose number and length are bounded.
pub fn read_data(files: &[(&str, &[u8])], path: &str) {
    let folder = tempfile::tempdir_in(memory()).expect("there is room for files");
    for (name, bytes) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("folders");
        fs::write(file, bytes).expect("there is room for files");
    }
    let read = |source: Source| {
        for part in Part::ALL {
            source.read(part)?;
        }
        source.checksum().map(drop)
    };
    let options = Options::default();
    let found = Source::open(&folder.path().join(path), Expected::default(), &options);
    if let Err(problems) = found.and_then(read) {
        let text = problems.to_string();
        assert!(!text.is_empty());
        assert!(text.len() < 20_000, "{text}");
    }
}

/// A folder that is no disk, where there is one.
fn memory() -> &'static Path {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        shared
    } else {
        Path::new("/tmp")
    }
}

/// A file of NumPy's format, version 1.0, of bytes.
pub fn npy(shape: &str, values: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    // Ten bytes before it, a multiple of 64 in all.
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), values].concat()
}

/// A declaration of a network without `weights`, most of them right: a choice a byte.
pub fn network_declaration(bytes: &[u8]) -> String {
    let mut bytes = bytes.iter().copied();
    let mut pick = |count: usize| usize::from(bytes.next().unwrap_or(0)) % count;
    const SIDES: [u32; 8] = [1, 2, 3, 5, 8, 12, 17, 300];
    const COUNTS: [u32; 10] = [1, 2, 3, 4, 7, 8, 14, 16, 33, 255];
    const KERNELS: [&str; 8] = ["1", "2", "3", "5", "1x3", "3x1", "2x3", "11"];
    const WINDOWS: [&str; 6] = ["", "(3)", "(1x2)", "(all)", "(3, stride: 2)", "(8)"];
    const NAMED: [&str; 7] = [
        "",
        "",
        ", stride: 2",
        ", padding: same",
        ", padding: 1",
        ", stride: 2, padding: same",
        ", code: table",
    ];
    let mut text = format!(
        "N: [{}, {}, {}] => <",
        SIDES[pick(SIDES.len())],
        SIDES[pick(SIDES.len())],
        COUNTS[pick(COUNTS.len())]
    );
    let mut labels = 0;
    for _ in 0..pick(8) {
        let kernel = KERNELS[pick(KERNELS.len())];
        let named = NAMED[pick(NAMED.len())];
        let star = ["", "", "*"][pick(3)];
        let label = match pick(3) {
            0 => {
                labels += 1;
                format!("'l{labels}: ")
            }
            _ => String::new(),
        };
        let add = match (labels, pick(3)) {
            (1.., 0) => format!(", add: 'l{labels}"),
            _ => String::new(),
        };
        let count = COUNTS[pick(COUNTS.len())];
        let layer = match pick(12) {
            0 => format!("A{}", WINDOWS[pick(WINDOWS.len())]),
            1 | 2 => format!("M{}", WINDOWS[pick(WINDOWS.len())]),
            3..=5 => format!("C1{star}({count},{kernel}{named}{add})"),
            6 => format!("C2{star}({count},{kernel}{named}{add})"),
            7 => format!("T{star}({kernel}{named})"),
            8 => format!("D{star}({count})"),
            9 => "R(3)".to_owned(),
            10 if labels > 0 => format!("Cat('l{})", 1 + pick(labels)),
            11 if labels > 0 => format!("Add{star}('l{})", 1 + pick(labels)),
            _ => "Dr".to_owned(),
        };
        text += &format!(" {label}{layer},");
    }
    text += &format!(" D*({}) >", COUNTS[pick(COUNTS.len())]);
    text += [
        "",
        ", target: atmega328p",
        ", target: attiny85",
        ", target: atmega2560",
        ", target: lpc810",
        ", target: rp2040",
        ", sram: 1000, flash: 9000",
    ][pick(7)];
    text += [
        "",
        "",
        ", plan: smallest",
        ", plan: row_major",
        ", plan: herringbone",
        ", plan: segments",
        ", plan: streamed",
        ", plan: streamed(1)",
    ][pick(8)];
    text += ["", "", ", code: table", ", code: unrolled"][pick(4)];
    text += &format!(
        ", bits: {{ weights: {}, biases: {}, activations: {} }}",
        [2, 4, 8][pick(3)],
        [8, 16][pick(2)],
        [4, 8][pick(2)]
    );
    text
}
