use herringbone_compiler::{Planned, report, syntax};
#[test]
fn print() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/gesture/");
    let show = |text: &str, file: Option<&str>| {
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let started = std::time::Instant::now();
        let planned = match file { Some(f) => Planned::with_weights(&declaration, Some(Ok(std::fs::read(f).unwrap()))), None => Planned::with_invented_weights(&declaration) };
        println!("took {:?}", started.elapsed());
        for p in &planned.problems { println!("PROBLEM {}", p.message); }
        println!("{}\n=== whole:\n{}", report::text_of("N", &declaration, &planned), report::text("N", &declaration, &planned.design));
        let sums = planned.sums(&declaration);
        for s in herringbone_compiler::budget::every_sharing(&declaration, &sums) {
            println!("cut {} cycles {} sram {} flash {} worst {:?}", s.prefix.nodes, s.cycles(), s.sram_bytes(), s.flash_bytes, s.worst_case(3_000_000));
        }
    };
    show("N: [1, 64, 3] => < C1(8,1x5), M(1x2), C1(12,1x5), M(1x2), C1(16,1x3), M(1x4), D*(5) >, window: { length: 64, stride: 16 }, bits: { activations: 8 }, target: atmega328p, weights: \"w\", reserve: 256", Some(&format!("{dir}gesture.safetensors")));
    show("N: [1, 128, 3] => < C1(12,1x5), M(1x2), C1(16,1x5), M(1x2), C1(24,1x5), M(1x2), C1(24,1x3), M(1x2), D*(8) >, window: { length: 128, stride: 16 }, bits: { activations: 8 }, target: atmega1284p, weights: \"w\"", None);
    show("N: [1, 64, 3] => < C1(8,1x5), M(1x2), C1(12,1x5), M(1x2), C1(16,1x3), M(1x4), D*(5) >, window: { length: 64, stride: 16 }, bits: { activations: 8 }, weights: \"w\"", Some(&format!("{dir}gesture.safetensors")));
}
