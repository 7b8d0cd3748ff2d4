//! A mistake in a declaration is the only error, whatever the network is used for.

herringbone::network! {
    /// Broken in one layer.
    Broken: [28, 28, 1] => < A, C1(5,12), M, D*(10) >,
    weights: "digits.safetensors",
}

herringbone::network! {
    Large: [28, 28, 1] => < A, C1(255,3), D*(10) >,
    target: attiny13a,
    reserve: 32,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/large.safetensors"),
}

herringbone::network! {
    NoWeights: [8, 8, 3] => < A, C1(4,3), M >,
    weights: "/no/such/file.safetensors",
}

herringbone::network! {
    NoShape: [8, 8] => < A, C1(4,3), D*(10) >,
    weights: "digits.safetensors",
}

herringbone::network! {
    NoClasses: [8, 8, 1] => < A, C1(4,3), D(many) >,
    weights: "digits.safetensors",
}

static mut GLOBAL: Broken = Broken::new();

const ROOM: [u8; Broken::ARENA_BYTES + Large::SRAM_BYTES] = [0; Broken::ARENA_BYTES + Large::SRAM_BYTES];

struct Firmware {
    broken: Broken,
    logits: [i16; Broken::CLASSES],
}

fn main() {
    let mut firmware = Firmware { broken: Broken::new(), logits: [0; 10] };
    let image = [0_u8; 784];
    firmware.logits = firmware.broken.run(&image);
    let class: usize = firmware.broken.classify(&image);
    firmware.broken.begin();
    while let Some(logits) = firmware.broken.push(3) {
        firmware.logits = logits;
    }
    let mut large = Large::default();
    let logits = large.run(&[0; Large::INPUT_LEN]);
    let mut no_weights = NoWeights::new();
    let outputs = no_weights.run(&[0; 192]);
    let mut no_shape = NoShape::new();
    let logits_without_shape = no_shape.run(&[0; 64]);
    let mut no_classes = NoClasses::new();
    let results = no_classes.run(&[0; 64]);
    let macs: u64 = Broken::MACS + NoShape::MACS;
    println!("{} {} {macs} {class} {}", Broken::PLAN, logits[9], ROOM.len());
    println!("{outputs:?} {logits_without_shape:?} {results:?}");
}
