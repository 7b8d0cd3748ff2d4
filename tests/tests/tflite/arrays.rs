//! NumPy's arrays in a zip file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use herringbone_tflite::Values;
use npyz::{DType, NpyFile, TypeChar};
use zip::ZipArchive;

/// An array, of which the first dimension counts inferences.
pub(crate) struct Inferences {
    count: usize,
    values: Values,
}

impl Inferences {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The values of one inference.
    pub(crate) fn get(&self, index: usize) -> Values {
        let length = self.values.len() / self.count;
        let range = index * length..(index + 1) * length;
        match &self.values {
            Values::Int8(values) => Values::Int8(values[range].to_vec()),
            Values::Uint8(values) => Values::Uint8(values[range].to_vec()),
            Values::Int32(values) => Values::Int32(values[range].to_vec()),
            Values::Float32(values) => Values::Float32(values[range].to_vec()),
        }
    }
}

/// Every array of a file by its name.
pub(crate) fn read(path: &Path) -> BTreeMap<String, Inferences> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        arrays.insert(name, array(&bytes));
    }
    arrays
}

fn array(bytes: &[u8]) -> Inferences {
    let file = NpyFile::new(bytes).unwrap();
    let count = file.shape()[0] as usize;
    let DType::Plain(kind) = file.dtype() else {
        panic!("a plain array");
    };
    let values = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Int, 1) => Values::Int8(file.into_vec().unwrap()),
        (TypeChar::Uint, 1) => Values::Uint8(file.into_vec().unwrap()),
        (TypeChar::Float, 4) => Values::Float32(file.into_vec().unwrap()),
        other => panic!("{other:?}"),
    };
    Inferences { count, values }
}
