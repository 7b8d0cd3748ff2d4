//! What a file is, by the end of its name.

use std::path::Path;

use image::ImageFormat;

use crate::tables;

/// What the files of a data set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Image,
    Sound,
    Table,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Image, Self::Sound, Self::Table];

    /// `None`: with an unsupported format.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        if extension == "wav" {
            return Some(Self::Sound);
        }
        if tables::EXTENSIONS.contains(&extension.as_str()) {
            return Some(Self::Table);
        }
        let format = ImageFormat::from_extension(&extension)?;
        format.reading_enabled().then_some(Self::Image)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Sound => "sound",
            Self::Table => "table",
        }
    }

    pub(super) const fn one(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Sound => "a sound",
            Self::Table => "a table",
        }
    }

    pub(super) const fn many(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Sound => "sounds",
            Self::Table => "tables",
        }
    }

    /// What to put where one is missing.
    pub(super) const fn wanted(self) -> &'static str {
        match self {
            Self::Image => ".png, .jpg or another image",
            Self::Sound => ".wav",
            Self::Table => ".csv",
        }
    }
}
