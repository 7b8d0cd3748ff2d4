//! Local fuzz.
use std::panic::{AssertUnwindSafe, catch_unwind};
use herringbone_compiler::network::*;
use herringbone_compiler::target::Target;
use herringbone_tests::networks::Case;
use crate::shapes::{every_form, judge_if_it_fits};

struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 { self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15); let mut z = self.0; z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9); z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB); z ^ (z >> 31) }
    fn below(&mut self, n: u32) -> u32 { (self.next() % u64::from(n)) as u32 }
}
fn window(r: &mut Rng, pad: bool) -> Window {
    let kernel = Kernel { height: 1 + r.below(4), width: 1 + r.below(4) };
    let stride = Stride { rows: 1 + r.below(3) * r.below(2), columns: 1 + r.below(3) * r.below(2) };
    let padding = match r.below(4) { 0 | 1 if pad => Padding::Same, 2 if pad => Padding::Each((r.below(3)).min(kernel.height - 1).min(kernel.width - 1)), _ => Padding::NONE };
    Window { kernel, stride, padding }
}
fn network(seed: u64) -> Option<Network> {
    let mut r = Rng(seed);
    let bits = Bits { weights: [2, 4, 8][r.below(3) as usize], biases: [8, 16][r.below(2) as usize], activations: [4, 4, 8][r.below(3) as usize] };
    let input = if r.below(8) == 0 { Shape::new(1, 200 + r.below(120), 1 + r.below(2)) } else { Shape::new(1 + r.below(9), 1 + r.below(9), 1 + r.below(3)) };
    let mut items: Vec<Item> = Vec::new();
    let n = 2 + r.below(5);
    let mut labels: Vec<String> = vec!["input".into()];
    for _ in 0..n {
        let activation = if r.below(3) == 0 { Activation::Linear } else { Activation::Relu };
        let tries = items.clone();
        for _ in 0..12 {
            items = tries.clone();
            let mut reads = Vec::new();
            let last = |r: &mut Rng| labels[r.below(labels.len() as u32) as usize].clone();
            let adds = r.below(4) == 0;
            let outputs = [1, 2, 2, 3, 3, 4, 5][r.below(7) as usize];
            if r.below(5) == 0 { let l = last(&mut r); items.push(Item { label: None, entry: Entry::From(l) }); }
            let w = window(&mut r, true);
            let kind = match r.below(12) {
                0 | 1 | 2 => Kind::Convolution(Convolution { outputs, window: w, activation, adds }),
                3 => Kind::Depthwise(Depthwise { window: w, activation, adds }),
                4 => Kind::Separable(Separable { outputs, window: w, activation, adds }),
                5 | 6 => { reads.push(last(&mut r)); Kind::Add(Add { activation }) }
                7 => { reads.push(last(&mut r)); if r.below(2) == 0 { reads.push(last(&mut r)); } Kind::Concat(Concat) }
                8 => Kind::Dense(Dense { outputs, activation, adds }),
                9 => { let w = window(&mut r, false); Kind::Pool(Pool { function: if r.below(2) == 0 { PoolFunction::Average } else { PoolFunction::Maximum }, window: PoolWindow::Sized { kernel: w.kernel, stride: if r.below(2) == 0 { Stride::of(w.kernel) } else { w.stride } } }) }
                10 => Kind::Pool(Pool { function: if r.below(2) == 0 { PoolFunction::Average } else { PoolFunction::Maximum }, window: PoolWindow::All }),
                _ => { items.push(Item { label: None, entry: Entry::Residual { kernel: Kernel::square(3) } }); continue; }
            };
            if adds && reads.is_empty() && matches!(kind, Kind::Convolution(_) | Kind::Depthwise(_) | Kind::Separable(_) | Kind::Dense(_)) { reads.push(last(&mut r)); }
            items.push(Item { label: Some(format!("l{}", items.len())), entry: Entry::Layer { kind, labels: reads } });
            // every label must be readable
            let all = catch_unwind(AssertUnwindSafe(|| Network::of_list(input, bits, items.clone())));
            if let Ok(Ok(_)) = all { let name = items.last().unwrap().label.clone().unwrap(); labels.push(name); break; }
            let errors_only_unread = match all { Ok(Err(errors)) => errors.iter().all(|e| matches!(e, GraphError::UnusedLabel { .. })), _ => false };
            if errors_only_unread { let name = items.last().unwrap().label.clone().unwrap(); labels.push(name); break; }
            items = tries.clone();
        }
    }
    // labels that nobody reads go
    let read: Vec<String> = items.iter().flat_map(|item| match &item.entry { Entry::From(l) => vec![l.clone()], Entry::Layer { labels, .. } => labels.clone(), Entry::Residual { .. } => vec![] }).collect();
    for item in &mut items { if let Some(l) = &item.label && !read.contains(l) { item.label = None; } }
    Network::of_list(input, bits, items).ok()
}
#[test]
fn wild() {
    let from: u64 = std::env::var("WILD_FROM").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let count: u64 = std::env::var("WILD").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    std::panic::set_hook(Box::new(|_| {}));
    let (mut done, mut made, mut failed) = (0, 0, 0);
    for seed in from..from + count {
        let Some(network) = network(seed) else { continue };
        made += 1;
        let Ok(case) = catch_unwind(AssertUnwindSafe(|| Case::random(network, seed))) else { continue };
        let part = [("atmega328p", 0x100), ("attiny85", 0x40), ("atmega2560", 0x1_FE00)][(seed % 3) as usize];
        let target = Target::named(part.0).unwrap();
        for (index, form) in every_form(&case).enumerate() {
            if (index as u64 + seed) % 2 == 0 { continue; }
            let judged = catch_unwind(AssertUnwindSafe(|| judge_if_it_fits(target, part.1, &case, form)));
            let message = match judged {
                Ok(Ok(fits)) => { done += u32::from(fits); continue; }
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default(),
            };
            if message.contains("use smaller weights") { continue; }
            failed += 1;
            eprintln!("SEED {seed} form {form:?} {} {}: {} :: {}\n", part.0, case.bits(), case.list(), message);
            break;
        }
    }
    eprintln!("made {made} judged {done} failed {failed}");
}
