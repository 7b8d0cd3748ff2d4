//! Features need their numbers, a row of the input for each frame, and a multiplier.

herringbone::network! {
    Unknown: [4, 20, 1] => < D*(2) >,
    features: mel { rate: 8000 },
}

herringbone::network! {
    Missing: [4, 20, 1] => < D*(2) >,
    features: log_mel { rate: 8000, bands: 20 },
}

herringbone::network! {
    OutOfRange: [4, 20, 1] => < D*(2) >,
    features: log_mel { rate: 8000, frame: 200, bands: 1 },
}

herringbone::network! {
    NoRow: [4, 19, 1] => < D*(2) >,
    features: log_mel { rate: 8000, frame: 256, bands: 20 },
}

herringbone::network! {
    TooNarrow: [4, 40, 1] => < D*(2) >,
    features: log_mel { rate: 8000, frame: 64, bands: 40 },
}

herringbone::network! {
    Gap: [4, 20, 1] => < D*(2) >,
    features: log_mel { rate: 8000, frame: 256, hop: 300, bands: 20 },
}

herringbone::network! {
    NoMultiplier: [4, 4, 1] => < D*(2) >,
    features: log_mel { rate: 8000, frame: 64, bands: 4 },
    target: attiny85,
}

herringbone::network! {
    NoCoefficients: [4, 13, 1] => < D*(2) >,
    features: mfcc { rate: 8000, frame: 256, bands: 20 },
}

herringbone::network! {
    TooManyCoefficients: [4, 21, 1] => < D*(2) >,
    features: mfcc { rate: 8000, frame: 256, bands: 20, coefficients: 21 },
}

fn main() {}
