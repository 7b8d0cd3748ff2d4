/// What an input is, which decides how it may change without changing its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// What a camera sees: rows and columns are alike.
    Image,
    /// What a sensor gives moment by moment: columns of one row, or rows.
    Series,
    /// What is heard: rows are moments, columns are bands of frequency.
    Spectrogram,
}

impl InputKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Image, Self::Series, Self::Spectrogram];

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Series => "series",
            Self::Spectrogram => "spectrogram",
        }
    }
}
