/// A part of labelled data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// To learn from.
    Training,
    /// To choose the best epoch by.
    Validation,
    /// To report an accuracy once.
    Test,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Training, Self::Validation, Self::Test];

    /// What it is called in a message: `training`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The names of its folder or file, in lower case, the usual one first.
    #[cfg(any(feature = "folders", feature = "npz"))]
    pub(crate) const fn folder_names(self) -> &'static [&'static str] {
        match self {
            Self::Training => &["train", "training"],
            Self::Validation => &["val", "valid", "validation"],
            Self::Test => &["test", "testing"],
        }
    }

    /// The part whose folder or file has that name, in any case.
    #[cfg(any(feature = "folders", feature = "npz"))]
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is_named = |part: &Self| {
            let names = part.folder_names().iter();
            names.into_iter().any(|it| it.eq_ignore_ascii_case(name))
        };
        Self::ALL.into_iter().find(is_named)
    }
}
