//! The header of an array, and what its values are.

use std::io::{Cursor, Read};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use crate::InputShape;

/// Bytes of a header that are read: it gives a type and a shape.
const MOST_HEADER_BYTES: usize = 1 << 14;
/// Brackets within brackets that are read: the reader of headers takes ten times as long for each
/// three more of them.
const MOST_NESTED: usize = 4;
/// The magic bytes, the version.
const PREFIX_BYTES: usize = 8;

/// What the values of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    Float,
    /// UTF-32.
    Text,
    /// Latin letters, a byte each.
    Ascii,
}

/// An array's header, understood.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) shape: Vec<u64>,
    pub(super) kind: Kind,
    /// Of a value.
    pub(super) bytes: usize,
    pub(super) is_big_endian: bool,
}

impl Header {
    /// Reads the header of an array, and not a byte more.
    pub(super) fn read(reader: &mut dyn Read) -> Result<Self, String> {
        let text = bounded(reader)?;
        let header = NpyHeader::from_reader(Cursor::new(text))
            .map_err(|error| format!("is not an array: {error}"))?;
        let dtype = header.dtype();
        let refused = || {
            format!(
                "has values of the type {}: store integers, floats of 32 or 64 bits, or, as \
                 labels, strings",
                dtype.descr()
            )
        };
        let DType::Plain(plain) = &dtype else {
            return Err(refused());
        };
        let size = plain.size_field();
        let (kind, widths): (_, &[u64]) = match plain.type_char() {
            TypeChar::Uint | TypeChar::Bool => (Kind::Unsigned, &[1, 2, 4, 8]),
            TypeChar::Int => (Kind::Signed, &[1, 2, 4, 8]),
            TypeChar::Float => (Kind::Float, &[4, 8]),
            TypeChar::UnicodeStr => (Kind::Text, &[]),
            TypeChar::ByteStr => (Kind::Ascii, &[]),
            _ => return Err(refused()),
        };
        let is_text = matches!(kind, Kind::Text | Kind::Ascii);
        if !is_text && !widths.contains(&size) || is_text && !(1..=1024).contains(&size) {
            return Err(refused());
        }
        if header.order() == Order::Fortran && header.shape().len() > 1 {
            return Err("is in Fortran order: store numpy.ascontiguousarray of it".to_owned());
        }
        Ok(Self {
            shape: header.shape().to_vec(),
            kind,
            bytes: size as usize * if kind == Kind::Text { 4 } else { 1 },
            is_big_endian: plain.endianness() == Endianness::Big,
        })
    }

    /// Values of all dimensions; `None` where they are more than can be counted.
    pub(super) fn values(&self) -> Option<usize> {
        let product = self
            .shape
            .iter()
            .try_fold(1_u64, |all, &it| all.checked_mul(it))?;
        usize::try_from(product).ok()
    }

    /// A value that is no text.
    pub(super) fn number(&self, value: &[u8]) -> f64 {
        let mut bytes = [0; 8];
        let width = value.len();
        bytes[..width].copy_from_slice(value);
        if self.is_big_endian {
            bytes[..width].reverse();
        }
        match (self.kind, width) {
            (Kind::Float, 4) => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into(),
            (Kind::Float, _) => f64::from_le_bytes(bytes),
            (Kind::Signed, _) => {
                let unused = 64 - 8 * width as u32;
                ((i64::from_le_bytes(bytes) << unused) >> unused) as f64
            }
            (Kind::Unsigned | Kind::Text | Kind::Ascii, _) => u64::from_le_bytes(bytes) as f64,
        }
    }

    /// A value that is text, without the zeros that fill it.
    pub(super) fn text(&self, value: &[u8]) -> String {
        let letters: Vec<u32> = match self.kind {
            Kind::Text => {
                let (words, _) = value.as_chunks::<4>();
                let word = |&word: &[u8; 4]| match self.is_big_endian {
                    true => u32::from_be_bytes(word),
                    false => u32::from_le_bytes(word),
                };
                words.iter().map(word).collect()
            }
            _ => value.iter().map(|&byte| byte.into()).collect(),
        };
        let letter = |code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        let text: String = letters.into_iter().map(letter).collect();
        text.trim_end_matches('\0').to_owned()
    }

    /// How many inputs an array has that are all of that shape, or, where that is not known, what
    /// shape they have.
    pub(super) fn inputs(
        &self,
        expected: Option<InputShape>,
    ) -> Result<(usize, InputShape), String> {
        if matches!(self.kind, Kind::Text | Kind::Ascii) {
            return Err("holds strings: store numbers".to_owned());
        }
        let found = &self.shape;
        let Some((&count, rest)) = found.split_first() else {
            return Err("is a single number: store an array of all inputs".to_owned());
        };
        let shape = match expected {
            Some(shape) if accepted(shape).iter().any(|it| it == rest) => shape,
            Some(shape) => {
                let InputShape {
                    height,
                    width,
                    channels,
                } = shape;
                return Err(format!(
                    "has the shape {found:?}, the network takes [count, {height}, {width}, \
                     {channels}]"
                ));
            }
            None => guessed(rest).ok_or_else(|| {
                format!("has the shape {found:?}: expected [count, rows, columns, channels]")
            })?,
        };
        if count == 0 {
            return Err("has no images".to_owned());
        }
        Ok((count as usize, shape))
    }
}

/// The shapes of an array whose inputs have that shape, without its count.
fn accepted(shape: InputShape) -> Vec<Vec<u64>> {
    let [height, width, channels] = [shape.height, shape.width, shape.channels].map(u64::from);
    // Grey images may come without their dimension of channels, and series without that of rows.
    let mut accepted = vec![vec![height, width, channels]];
    if channels == 1 {
        accepted.push(vec![height, width]);
    }
    if height == 1 {
        accepted.push(vec![width, channels]);
    }
    if height == 1 && channels == 1 {
        accepted.push(vec![width]);
    }
    accepted
}

/// The likeliest shape of inputs: of two dimensions, few columns are channels of a series.
fn guessed(dimensions: &[u64]) -> Option<InputShape> {
    /// A series has at most this many channels.
    const CHANNELS: u64 = 12;
    let [height, width, channels] = match *dimensions {
        [width] => [1, width, 1],
        [width, channels] if channels <= CHANNELS && width >= 2 * channels => [1, width, channels],
        [height, width] => [height, width, 1],
        [height, width, channels] => [height, width, channels],
        _ => return None,
    };
    let side = |side: u64| u32::try_from(side).ok().filter(|&it| it > 0);
    Some(InputShape {
        height: side(height)?,
        width: side(width)?,
        channels: side(channels)?,
    })
}

/// The bytes of a header, which is short and flat.
fn bounded(reader: &mut dyn Read) -> Result<Vec<u8>, String> {
    let failed = |error| format!("is not an array: {error}");
    let mut bytes = vec![0; PREFIX_BYTES];
    reader.read_exact(&mut bytes).map_err(failed)?;
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err("is not an array: it does not start like one".to_owned());
    }
    let length_bytes = if bytes[6] == 1 { 2 } else { 4 };
    let mut length = [0; 4];
    reader
        .read_exact(&mut length[..length_bytes])
        .map_err(failed)?;
    bytes.extend_from_slice(&length[..length_bytes]);
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_HEADER_BYTES {
        return Err(format!("is not an array: a header of {length} bytes"));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(failed)?;
    let mut nested = 0_usize;
    for byte in &text {
        match byte {
            b'[' | b'(' | b'{' => nested += 1,
            b']' | b')' | b'}' => nested = nested.saturating_sub(1),
            _ => {}
        }
        if nested > MOST_NESTED {
            return Err("is not an array: its header is nested too deeply".to_owned());
        }
    }
    bytes.extend(text);
    Ok(bytes)
}
