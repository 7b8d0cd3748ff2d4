//! Features need their numbers, a row of the input for each frame, and, of sound, a multiplier.

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

herringbone::network! {
    NoFrame: [4, 3, 4] => < D*(2) >,
    features: statistics { channels: 3 },
}

herringbone::network! {
    Wrong: [4, 3, 4] => < D*(2) >,
    features: statistics { channels: 17, frame: 100, hops: 3, values: [mean, median, mean], floor: 31 },
}

herringbone::network! {
    NoList: [4, 3, 4] => < D*(2) >,
    features: statistics { channels: 3, frame: 64, values: energy },
}

herringbone::network! {
    Jump: [4, 3, 4] => < D*(2) >,
    features: statistics { channels: 3, frame: 64, hop: 65 },
}

herringbone::network! {
    NoRowOfStatistics: [4, 3, 3] => < D*(2) >,
    features: statistics { channels: 3, frame: 64 },
}

herringbone::network! {
    OneScale: [4, 12, 1] => < D*(2) >,
    features: statistics { channels: 3, frame: 64 },
}

fn main() {}
