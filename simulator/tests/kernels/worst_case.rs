//! How far the bound on cycles is above what inputs take.

use anyhow::{Result, ensure};
use herringbone_compiler::backend::avr;
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::{Activation, Bits, Kernel, Network, Shape};
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::target::Target;
use herringbone_tests::layers;
use herringbone_tests::networks::{Case, graphs_within, recipes_within};
use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::device::{Device, Site};
use crate::{MOST_STEPS, program, to_judge};

/// Of 20 networks 19 have a bound of at most that many times the longest inference that is
/// found. Some have weights with which no input takes the longer ways: sums, say, that are
/// never negative.
const MOST_TIMES: f64 = 1.25;

/// An inference's cycles, and those of its longest `push`.
type Cycles = [u64; 2];

/// Inputs that take long are bright, noisy, or like one that took long.
fn longest(device: &mut Device<'_>, case: &Case, code: &crate::Code) -> Result<Cycles> {
    let bytes = case.network.input().values() as usize;
    let mut noise = 1_u64;
    let mut random = move || {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (noise >> 56) as u8
    };
    let mut inputs = case.inputs.clone();
    inputs.extend([vec![0xFF; bytes], vec![0x10; bytes], vec![0x80; bytes]]);
    inputs.extend((0..8).map(|_| (0..bytes).map(|_| random() | 0x10).collect::<Vec<u8>>()));
    let mut most = [0, 0];
    let mut best = Vec::new();
    for round in 0..inputs.len() + 20 {
        let input = match inputs.get(round) {
            Some(input) => input.clone(),
            None => {
                let near = best.iter();
                near.map(|&value| {
                    if random() < 40 {
                        random() | 0x10
                    } else {
                        value
                    }
                })
                .collect()
            }
        };
        let inference = device.infer(&input, code, None)?;
        most[1] = most[1].max(inference.push_cycles);
        if inference.cycles > most[0] {
            most[0] = inference.cycles;
            best = input;
        }
    }
    Ok(most)
}

/// A ring of three pixels, of which four arrive: if it went on from where it is, the second
/// input would go around at another place, and take a cycle more.
#[test]
fn an_input_takes_no_longer_where_rings_were_used_before() -> Result<()> {
    let part = Target::named("atmega2560").expect("the part is known");
    let kernel = Kernel {
        height: 1,
        width: 3,
    };
    let layer = layers::convolution(4, kernel, Activation::Linear);
    let bits = Bits {
        weights: 8,
        biases: 8,
        activations: 8,
    };
    let network = Network::new(Shape::new(1, 4, 1), bits, &[layer]).expect("the kernel fits");
    let case = Case::random(network, 1);
    let flow = case.network.dataflow();
    let mut strategies = Strategy::all(&flow).into_iter();
    let streamed = strategies.find(|it| it.name(&flow) == "streamed");
    let streamed = streamed.expect("a convolution streams");
    let (program, parameters) = program(part, &case, streamed, WeightsSource::File)?;
    let code = avr::emit(&program, avr::Core::of(part), |_| avr::CodeForm::Table);
    let bound = code.worst_case(MOST_STEPS).expect("it is small");
    let code = crate::Code {
        worst_case: bound,
        ..to_judge(code)
    };
    let site = Site {
        base_bytes: 0x200,
        offset_bytes: 0,
        noise: 1,
    };
    let mut device = Device::new(part, &program, &parameters, &code, site)?;
    for _ in 0..3 {
        let inference = device.infer(&[0xFF; 4], &code, None)?;
        ensure!(inference.cycles == bound.cycles, "{}", inference.cycles);
    }
    Ok(())
}

#[test]
fn no_inference_and_no_push_exceeds_its_bound_and_some_come_near() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (chains, graphs) = (recipes_within(12), graphs_within(10));
    let mut judged = 0;
    let mut times = Vec::new();
    while judged < 60 {
        let case = match judged % 2 {
            0 => chains
                .new_tree(&mut runner)
                .expect("a recipe")
                .current()
                .case(),
            _ => graphs
                .new_tree(&mut runner)
                .expect("a recipe")
                .current()
                .case(),
        };
        let strategies = Strategy::all(&case.network.dataflow());
        let strategy = strategies[judged % strategies.len()];
        let Ok((program, parameters)) = program(part, &case, strategy, WeightsSource::File) else {
            continue;
        };
        let form = [avr::CodeForm::Unrolled, avr::CodeForm::Table][judged / 2 % 2];
        let code = avr::emit(&program, avr::Core::of(part), |_| form);
        let bound = code.worst_case(MOST_STEPS).expect("it is small");
        let code = to_judge(code);
        let site = Site {
            base_bytes: 0x100,
            offset_bytes: 0,
            noise: 3,
        };
        if !Device::fits(part, &program, 0, &code, site) {
            continue;
        }
        judged += 1;
        let mut device = Device::new(part, &program, &parameters, &code, site)?;
        // `Device` compares every inference with the bound.
        let longest = longest(&mut device, &case, &code)?;
        let of = [bound.cycles, bound.push_cycles];
        let of = std::array::from_fn::<f64, 2, _>(|index| of[index] as f64 / longest[index] as f64);
        println!(
            "{of:.3?} {} {}",
            strategy.name(&case.network.dataflow()),
            case.list()
        );
        times.push(of);
    }
    for (index, name) in ["an inference", "a push"].iter().enumerate() {
        let mut of: Vec<f64> = times.iter().map(|times| times[index]).collect();
        of.sort_by(f64::total_cmp);
        let (median, of_19) = (of[of.len() / 2], of[of.len() * 19 / 20 - 1]);
        println!("{name}: the bound is {median:.3} times the longest, of 19 in 20 {of_19:.3}");
        ensure!(
            median < 1.05 && of_19 < MOST_TIMES,
            "{name}: the bound is {median:.2} and {of_19:.2} times the longest that was found"
        );
    }
    Ok(())
}
