//! Does a longer trial begin like a shorter one, and go on with it to the bit?

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use herringbone_compiler::syntax;
use herringbone_dataset::InputShape;
use herringbone_dataset::augment::InputKind;
use herringbone_tests::halves;
use herringbone_trainer::Device;
use herringbone_trainer::recipe::{Recipe, Schedule};
use herringbone_trainer::session::{Data, DataOptions};
use herringbone_trainer::trial::{self, Standing};
use safetensors::SafeTensors;

/// All numbers of a checkpoint but the optimizer's, which stand under names that are drawn.
fn numbers(standing: &Standing) -> BTreeMap<String, Vec<u8>> {
    let file = SafeTensors::deserialize(&standing.checkpoint).unwrap();
    let tensors = file.tensors().into_iter();
    tensors
        .filter(|(name, _)| name != "optimizer")
        .map(|(name, tensor)| (name, tensor.data().to_vec()))
        .collect()
}

#[test]
fn a_trial_goes_on_with_a_shorter_one_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    halves::write(folder.path(), 200, 40);
    let text = "Halves: [8, 8, 1] => < C1(3,3), Dr(0.2), C2(4,3), M, D*(2) >";
    let network = syntax::parse(text.parse().unwrap())
        .declaration
        .unwrap()
        .network;
    let options = DataOptions {
        path: folder.path().to_owned(),
        ..DataOptions::default()
    };
    let data = Data::open(options, &network, 1).unwrap();
    let shape = InputShape {
        height: 8,
        width: 8,
        channels: 1,
    };
    // More steps than an epoch has.
    let recipe = |rounds| Recipe {
        epochs: rounds,
        batch: 32,
        schedule: Schedule::Rounds { steps: 11 },
        ..Recipe::default_for(shape, InputKind::Image, &[80, 80])
    };
    let device = Device::flex().autodiff();
    let stop = AtomicBool::new(false);
    let run = |rounds, former: Option<&[u8]>| {
        trial::run(&network, &data, &recipe(rounds), former, &device, &stop)
            .unwrap()
            .unwrap()
    };
    let short = run(1, None);
    let long = run(3, None);
    let went_on = run(3, Some(&short.checkpoint));
    assert_eq!(went_on.accuracy, long.accuracy);
    assert_eq!(numbers(&went_on), numbers(&long));
    assert_ne!(numbers(&short), numbers(&long));
    // What the optimizer keeps shows in what comes after it.
    let longer = [&long, &went_on].map(|it| run(4, Some(&it.checkpoint)));
    assert_eq!(numbers(&longer[0]), numbers(&longer[1]));
    assert_eq!(numbers(&longer[0]), numbers(&run(4, None)));
    // What is no checkpoint, and one of a longer trial, are as good as none.
    assert_eq!(numbers(&run(1, Some(b"no checkpoint"))), numbers(&short));
    assert_eq!(numbers(&run(1, Some(&long.checkpoint))), numbers(&short));

    let stopped = AtomicBool::new(true);
    let standing = trial::run(&network, &data, &recipe(1), None, &device, &stopped).unwrap();
    assert!(standing.is_none());
}
