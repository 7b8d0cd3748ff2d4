//! Short trainings: that they learn, that quantisation changes little, and that the
//! same seed gives the same weights.

use burn::tensor::Device;
use herringbone_compiler::network::{Activation, Bits, Dropout, Kernel, Kind, Network, Shape};
use herringbone_compiler::syntax;
use herringbone_compiler::weights::{self, OwnParameters};
use herringbone_dataset::augment::{self, Augmentation, InputKind, Scratch};
use herringbone_dataset::{Examples, InputShape};
use herringbone_tests::layers;
use herringbone_trainer::calibrate::calibrate;
use herringbone_trainer::evaluate::evaluate;
use herringbone_trainer::export::export;
use herringbone_trainer::model::Model;
use herringbone_trainer::teacher::Teacher;
use herringbone_trainer::training::{
    Best, Outcome, Phase, Recipe, ScaleSearch, Schedule, State, Training,
};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

const SHAPE: InputShape = InputShape {
    height: 28,
    width: 28,
    channels: 1,
};

/// The digits that were drawn for this project, with their classes.
fn drawn() -> Vec<(Vec<u8>, u16)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../digits");
    let files = (0..10).flat_map(|digit| ["a", "b"].map(|hand| (digit, hand)));
    let digits = files.map(|(digit, hand)| {
        let text = fs::read_to_string(folder.join(format!("{digit}-{hand}.pgm"))).unwrap();
        let pixels = text.strip_prefix("P2\n28 28\n255\n").unwrap();
        let pixels = pixels
            .split_whitespace()
            .map(|pixel| pixel.parse().unwrap());
        (pixels.collect(), digit)
    });
    digits.collect()
}

/// Each drawn digit that many times, each time changed by `augmentation` in another way.
fn digits(copies: usize, augmentation: Augmentation) -> Examples {
    let mut examples = Examples::none(SHAPE);
    let mut changed = vec![0; SHAPE.values()];
    for (pixels, digit) in drawn() {
        for _ in 0..copies {
            let mut random = augment::rng(1, 0, examples.len());
            let scratch = &mut Scratch::default();
            augmentation.apply(&pixels, SHAPE, &mut random, &mut changed, scratch);
            examples.inputs.extend_from_slice(&changed);
            examples.labels.push(digit);
            examples.names.push(String::new());
        }
    }
    examples
}

/// `[28, 28, 1] => < A, C1(6,3), M, C2(8,3), Dr(0.2), D*(10) >`: a convolution, both
/// halves of another, both poolings, dropout and a dense layer.
fn network(bits: Bits) -> Network {
    let (kernel, activation) = (Kernel::square(3), Activation::Relu);
    let window = Kernel::square(2);
    let kinds = [
        layers::average(window),
        layers::convolution(6, kernel, activation),
        layers::maximum(window),
        layers::separable(8, kernel, activation),
        Kind::Dropout(Dropout { probability: 0.2 }),
        layers::dense(10, Activation::Linear),
    ];
    Network::new(Shape::new(28, 28, 1), bits, &kinds).unwrap()
}

fn recipe(epochs: u32, seed: u64) -> Recipe {
    Recipe {
        epochs,
        seed,
        batch: 32,
        learning_rate: 8e-3,
        augmentation: Augmentation::default_for(SHAPE, InputKind::Image),
        balances_classes: false,
        normalises: true,
        scales: ScaleSearch::Learned,
        integer_rate: None,
        patience: None,
        sparsity: 0.0,
        schedule: Schedule::Phases,
    }
}

/// Trains, and does something with where it ends.
fn train<T>(
    network: &Network,
    recipe: &Recipe,
    training: &Examples,
    validation: &Examples,
    end: impl FnOnce(&State) -> T,
) -> T {
    let device = Device::flex().autodiff();
    let mut training = Training::new(network, recipe, training, validation, device);
    run(&mut training);
    end(training.state())
}

fn run(training: &mut Training) {
    while !training.is_done() {
        let outcome = training.epoch(&AtomicBool::new(false), || {});
        assert_eq!(outcome, Outcome::Done);
    }
}

#[test]
fn a_short_training_learns_the_drawn_digits() {
    let network = network(Bits::default());
    let changes = Augmentation::default_for(SHAPE, InputKind::Image);
    let (training, validation) = (digits(150, Augmentation::none()), digits(25, changes));
    let best = train(&network, &recipe(20, 1), &training, &validation, |state| {
        state.best.clone().unwrap()
    });
    // Of integers: what is exported.
    assert!(best.accuracy > 0.95, "{}", best.accuracy);
}

/// Recurrent cells, a tree and prototypes learn them, and a share of their weights is 0 in what is
/// exported.
#[test]
fn a_short_training_learns_them_with_few_weights_of_cells_trees_and_prototypes() {
    const SPARSITY: f64 = 0.3;
    let changes = Augmentation::default_for(SHAPE, InputKind::Image);
    let (training, validation) = (digits(80, Augmentation::none()), digits(25, changes));
    for list in [
        "A, G(12, sparsity: 0.3), D*(10)",
        "A, G(12, gate: sigmoid, sparsity: 0.3), D*(10)",
        "A, G(12, gate: tanh, sparsity: 0.3), D*(10)",
        "A, Bonsai(1, 8, 10, sparsity: 0.3)",
        "A, Proto(8, 20, 10, sparsity: 0.3)",
    ] {
        let list = format!("Drawn: [28, 28, 1] => < {list} >");
        let declaration = syntax::parse(list.parse().unwrap()).declaration.unwrap();
        let network = declaration.network.with_bits(Bits {
            weights: 8,
            biases: 16,
            activations: 8,
        });
        let best = train(&network, &recipe(20, 1), &training, &validation, |state| {
            state.best.clone().unwrap()
        });
        println!("{list}: {}", best.accuracy);
        assert!(best.accuracy > 0.85, "{list}: {}", best.accuracy);
        let model = Model::of_numbers(&network, best.numbers, &Device::flex());
        let file = export(&network, &model, &best.scales).unwrap();
        let weights = weights::read(&network, &file).unwrap();
        let node = network.computing_nodes().nth(1).unwrap();
        let sparse = match weights.own(node.id) {
            OwnParameters::Recurrent(cells) => cells[0].input.weight.clone(),
            OwnParameters::None => weights.node(node.id)[0].weight.clone(),
            OwnParameters::Tree(_) | OwnParameters::Prototypes(_) => Vec::new(),
        };
        let zeros = sparse.iter().filter(|&&weight| weight == 0).count();
        assert!(
            zeros as f64 > (SPARSITY - 0.01) * sparse.len() as f64,
            "{list}"
        );
        assert!(zeros < sparse.len(), "{list}");
    }
}

#[test]
fn a_training_that_prunes_makes_a_share_of_all_weights_0_and_none_of_its_layers_empty() {
    let network = network(Bits::default());
    let recipe = Recipe {
        sparsity: 0.6,
        ..recipe(20, 1)
    };
    let (training, validation) = (
        digits(150, Augmentation::none()),
        digits(25, Augmentation::none()),
    );
    let best = train(&network, &recipe, &training, &validation, |state| {
        state.best.clone().unwrap()
    });
    assert!(best.accuracy > 0.9, "{}", best.accuracy);
    let model = Model::of_numbers(&network, best.numbers, &Device::flex());
    let file = export(&network, &model, &best.scales).unwrap();
    let weights = weights::read(&network, &file).unwrap();
    let layers: Vec<[u64; 2]> = network
        .computing_nodes()
        .map(|node| [node.weight_count(), weights.nonzero(node.id)])
        .filter(|[all, _]| *all > 0)
        .collect();
    let [all, others] = [0, 1].map(|index| layers.iter().map(|it| it[index]).sum::<u64>());
    assert!(others as f64 <= 0.4 * all as f64 + 1.0, "{others} of {all}");
    for [all, others] in layers {
        assert!(others > 0, "{others} of {all}");
    }
}

/// What a chain has not: a residual block, a depthwise layer, a branch and noise.
#[test]
fn a_short_training_learns_them_with_a_graph() {
    let list = "Drawn: [28, 28, 1] => < A, C1(6,3, stride: 2, padding: same), R(3), N(0.02), \
                'x: M(3, stride: 2), C1(8,1), T(3, padding: same), 'y: C1*(6,1, add: 'x), 'x, \
                C1*(4,3, padding: same), Cat('y), D*(10) >";
    let declaration = syntax::parse(list.parse().unwrap()).declaration.unwrap();
    let network = declaration.network;
    let changes = Augmentation::default_for(SHAPE, InputKind::Image);
    let (training, validation) = (digits(100, Augmentation::none()), digits(25, changes));
    let best = train(&network, &recipe(16, 1), &training, &validation, |state| {
        state.best.clone().unwrap()
    });
    assert!(best.accuracy > 0.95, "{}", best.accuracy);
}

#[test]
fn a_teacher_s_answers_teach_where_labels_say_nothing() {
    let network = network(Bits::default());
    let changes = Augmentation::default_for(SHAPE, InputKind::Image);
    let (mut training, validation) = (digits(60, Augmentation::none()), digits(10, changes));
    let recipe = recipe(10, 1);
    let weights = train(&network, &recipe, &training, &validation, |state| {
        let Best {
            numbers, scales, ..
        } = state.best.clone().unwrap();
        let model = Model::of_numbers(&network, numbers, &Device::flex());
        export(&network, &model, &scales).unwrap()
    });
    let device = Device::flex().autodiff();
    // A student of the same classes, and one of pairs of them.
    for student_classes in [10, 5] {
        let list = format!("N: [28, 28, 1] => < A, C1(6,3), M, D*({student_classes}) >");
        let student = syntax::parse(list.parse().unwrap()).declaration.unwrap();
        let student = student.network;
        let class_of: Vec<u16> = (0..10).map(|class| class * student_classes / 10).collect();
        let grouping = (student_classes < 10).then_some(&class_of[..]);
        let teacher = Teacher::new(&network, &weights, &student, grouping, &device).unwrap();
        // Any copy of a digit may have any label.
        for (label, index) in training.labels.iter_mut().zip(0..) {
            *label = index % student_classes;
        }
        let mut validation = validation.clone();
        for label in &mut validation.labels {
            *label = class_of[usize::from(*label)];
        }
        let accuracy = |teacher: Option<&Teacher>| {
            let device = device.clone();
            let mut student = Training::new(&student, &recipe, &training, &validation, device);
            if let Some(teacher) = teacher {
                student = student.taught_by(teacher);
            }
            run(&mut student);
            student.state().best.as_ref().unwrap().accuracy
        };
        let [taught, untaught] = [Some(&teacher), None].map(accuracy);
        assert!(taught > 0.8 && untaught < 0.5, "{taught} {untaught}");
    }
}

#[test]
fn a_training_of_few_epochs_learns_scales_and_one_that_is_patient_ends_early() {
    let network = network(Bits::default());
    let (training, validation) = (
        digits(32, Augmentation::none()),
        digits(4, Augmentation::none()),
    );
    let device = Device::flex().autodiff();
    let hasty = Recipe {
        patience: Some(1),
        schedule: Schedule::Phases,
        ..recipe(60, 1)
    };
    let mut run = Training::new(&network, &hasty, &training, &validation, device);
    let (mut phases, mut has_learned) = (Vec::new(), false);
    while !run.is_done() {
        let phase = hasty.phase(run.state().epoch);
        let before = run.state().model.exponents();
        run.epoch(&AtomicBool::new(false), || {});
        let after = run.state().model.exponents();
        let learns = match phase {
            Phase::Float | Phase::Quantised => false,
            Phase::Entering | Phase::Calibrating => true,
        };
        assert_eq!(after.is_some(), learns, "{phase:?}");
        has_learned |= before.is_some() && after.is_some() && before != after;
        phases.push(phase);
    }
    assert!(has_learned);
    phases.dedup();
    let all = [
        Phase::Float,
        Phase::Entering,
        Phase::Calibrating,
        Phase::Quantised,
    ];
    assert_eq!(phases, all);
    let state = run.state();
    assert!(
        state.epoch < 60,
        "what is learnt is learnt: {}",
        state.epoch
    );
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let network = network(Bits::default());
    let (training, validation) = (
        digits(16, Augmentation::none()),
        digits(2, Augmentation::none()),
    );
    let file = |seed| {
        let recipe = recipe(5, seed);
        assert_eq!(recipe.phase(0), Phase::Float);
        assert_eq!(recipe.phase(4), Phase::Quantised);
        train(&network, &recipe, &training, &validation, |state| {
            let scales = state.scales.clone().unwrap();
            let file = export(&network, &mean(&network, state), &scales).unwrap();
            (state.model.numbers(), state.mean.clone(), scales, file)
        })
    };
    let first = file(3);
    assert_eq!(first, file(3));
    assert_ne!(first.0, file(4).0);
}

fn mean(network: &Network, state: &State) -> Model {
    let mean = state.mean.iter().cloned();
    Model::of_numbers(network, mean, &Device::flex())
}

#[test]
fn eight_bits_calibrated_change_a_network_little() {
    let network = network(Bits {
        weights: 8,
        biases: 16,
        activations: 8,
    });
    let (training, validation) = (
        digits(16, Augmentation::none()),
        digits(4, Augmentation::none()),
    );
    let device = Device::flex();
    // Of its first three epochs none is quantised.
    let recipe = recipe(12, 1);
    let mut run = Training::new(
        &network,
        &recipe,
        &training,
        &validation,
        device.clone().autodiff(),
    );
    for _ in 0..3 {
        run.epoch(&AtomicBool::new(false), || {});
    }
    assert_eq!(run.state().scales, None);
    let model = mean(&network, run.state());
    let scales = calibrate(
        &network,
        &model,
        ScaleSearch::LeastSquares,
        None,
        &training,
        &device,
    );
    let [float, integers] = [None, Some(&scales)]
        .map(|scales| evaluate(&network, &model, scales, &validation, &device).logits);
    let size = |numbers: &[f64]| numbers.iter().map(|it| it * it).sum::<f64>().sqrt();
    let changes: Vec<f64> = float.iter().zip(&integers).map(|(a, b)| a - b).collect();
    let share = size(&changes) / size(&float);
    assert!(share < 0.05, "{share}");
}
