use herringbone_dataset::InputShape;
use herringbone_dataset::augment::InputKind;

use super::*;

const IMAGE: InputShape = InputShape {
    height: 28,
    width: 28,
    channels: 1,
};

fn of_epochs(epochs: u32) -> Recipe {
    Recipe {
        epochs,
        ..Recipe::default_for(IMAGE, InputKind::Image, &[6_000; 10])
    }
}

/// The rate at the start of each epoch, as a share of what it is with an entering rate of 1.
fn shares(epochs: u32) -> Vec<(Phase, f64)> {
    let gentle = of_epochs(epochs);
    let abrupt = Recipe {
        entering_rate: 1.0,
        ..gentle.clone()
    };
    let share = |epoch| gentle.learning_rate(epoch, 0.5) / abrupt.learning_rate(epoch, 0.5);
    let all = (0..epochs).map(|epoch| (gentle.phase(epoch), share(epoch)));
    all.collect()
}

#[test]
fn integers_are_entered_at_a_share_of_the_rate_which_grows_until_scales_stay() {
    for epochs in [10, 40, 200] {
        let least = of_epochs(epochs).entering_rate;
        let mut former = least;
        for (phase, share) in shares(epochs) {
            match phase {
                Phase::Float | Phase::Quantised => assert_eq!(share, 1.0, "{phase:?}"),
                Phase::Entering => {
                    assert!((share - least).abs() < 1e-9, "{share}");
                }
                Phase::Calibrating => {
                    assert!(former < share && share < 1.0, "{former} {share}");
                    former = share;
                }
            }
        }
    }
}

#[test]
fn a_training_too_short_to_enter_keeps_all_of_its_rate() {
    for epochs in 1..10 {
        assert!(shares(epochs).iter().all(|&(_, share)| share == 1.0));
    }
}
