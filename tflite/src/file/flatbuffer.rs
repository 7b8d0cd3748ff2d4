//! FlatBuffers, as far as a model needs them: tables, vectors and strings, each offset checked
//! before it is followed (<https://flatbuffers.dev/internals/>).

/// Something lies outside of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

pub(super) type Found<T> = Result<T, Damaged>;

/// A number as a FlatBuffer has it: little-endian.
pub(super) trait Scalar: Copy {
    const BYTES: usize;

    /// The number of exactly [`BYTES`](Self::BYTES) bytes.
    fn of(bytes: &[u8]) -> Self;
}

macro_rules! scalar {
    ($($number:ty),*) => {
        $(impl Scalar for $number {
            const BYTES: usize = size_of::<$number>();

            fn of(bytes: &[u8]) -> Self {
                <$number>::from_le_bytes(bytes.try_into().expect("as many bytes as it has"))
            }
        })*
    };
}

scalar!(u8, i8, u16, i32, u32, i64, u64, f32);

/// The number at that byte.
fn scalar<T: Scalar>(file: &[u8], at: usize) -> Found<T> {
    let bytes = at.checked_add(T::BYTES).and_then(|end| file.get(at..end));
    bytes.map(T::of).ok_or(Damaged)
}

/// What the offset at that byte points to.
fn follow(file: &[u8], at: usize) -> Found<usize> {
    let offset: u32 = scalar(file, at)?;
    let target = at.checked_add(offset as usize).ok_or(Damaged)?;
    if offset == 0 || target >= file.len() {
        return Err(Damaged);
    }
    Ok(target)
}

/// A table: fields by number, each of which may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    at: usize,
    /// The first byte of the fields' places within the table.
    places: usize,
    /// How many fields have a place.
    fields: usize,
}

impl<'a> Table<'a> {
    /// The table that a file begins with.
    pub(super) fn root(file: &'a [u8]) -> Found<Self> {
        Self::at(file, follow(file, 0)?)
    }

    fn at(file: &'a [u8], at: usize) -> Found<Self> {
        let back: i32 = scalar(file, at)?;
        let vtable = i64::try_from(at).map_err(|_| Damaged)? - i64::from(back);
        let vtable = usize::try_from(vtable).map_err(|_| Damaged)?;
        let bytes = usize::from(scalar::<u16>(file, vtable)?);
        let fields = bytes.checked_sub(4).ok_or(Damaged)? / 2;
        let end = vtable.checked_add(bytes).ok_or(Damaged)?;
        if end > file.len() {
            return Err(Damaged);
        }
        Ok(Self {
            file,
            at,
            places: vtable + 4,
            fields,
        })
    }

    /// Where that field is; `None` where it is left out.
    fn place(self, field: usize) -> Found<Option<usize>> {
        if field >= self.fields {
            return Ok(None);
        }
        match scalar::<u16>(self.file, self.places + 2 * field)? {
            0 => Ok(None),
            place => Ok(Some(self.at + usize::from(place))),
        }
    }

    /// A number; `default` where it is left out.
    pub(super) fn number<T: Scalar>(self, field: usize, default: T) -> Found<T> {
        match self.place(field)? {
            Some(at) => scalar(self.file, at),
            None => Ok(default),
        }
    }

    /// A truth value; false where it is left out.
    pub(super) fn is(self, field: usize) -> Found<bool> {
        Ok(self.number(field, 0_u8)? != 0)
    }

    /// Another table.
    pub(super) fn table(self, field: usize) -> Found<Option<Self>> {
        let place = self.place(field)?;
        place
            .map(|at| Self::at(self.file, follow(self.file, at)?))
            .transpose()
    }

    /// Numbers; none where they are left out.
    pub(super) fn numbers<T: Scalar>(self, field: usize) -> Found<Numbers<'a, T>> {
        let bytes = self.entries(field, T::BYTES)?.bytes;
        Ok(Numbers {
            bytes,
            number: std::marker::PhantomData,
        })
    }

    /// Tables; none where they are left out.
    pub(super) fn tables(self, field: usize) -> Found<Tables<'a>> {
        let Entries { first, bytes } = self.entries(field, 4)?;
        Ok(Tables {
            file: self.file,
            first,
            count: bytes.len() / 4,
        })
    }

    /// A text, which may be no UTF-8; empty where it is left out.
    pub(super) fn text(self, field: usize) -> Found<&'a [u8]> {
        Ok(self.entries(field, 1)?.bytes)
    }

    fn entries(self, field: usize, entry_bytes: usize) -> Found<Entries<'a>> {
        let Some(place) = self.place(field)? else {
            return Ok(Entries {
                first: 0,
                bytes: &[],
            });
        };
        let vector = follow(self.file, place)?;
        let count: u32 = scalar(self.file, vector)?;
        let first = vector + 4;
        let end = (count as usize)
            .checked_mul(entry_bytes)
            .and_then(|bytes| first.checked_add(bytes));
        let bytes = end.and_then(|end| self.file.get(first..end));
        let bytes = bytes.ok_or(Damaged)?;
        Ok(Entries { first, bytes })
    }
}

/// The entries of a vector.
struct Entries<'a> {
    first: usize,
    bytes: &'a [u8],
}

/// A vector of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a, T> {
    bytes: &'a [u8],
    number: std::marker::PhantomData<T>,
}

impl<'a, T: Scalar + 'a> Numbers<'a, T> {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / T::BYTES
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        self.bytes.chunks_exact(T::BYTES).map(T::of)
    }
}

impl<'a> Numbers<'a, u8> {
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// A vector of tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    file: &'a [u8],
    first: usize,
    count: usize,
}

impl<'a> Tables<'a> {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The byte of that entry, an offset to its table.
    pub(super) fn entry(&self, index: usize) -> usize {
        self.first + 4 * index
    }

    pub(super) fn get(&self, index: usize) -> Found<Table<'a>> {
        if index >= self.count {
            return Err(Damaged);
        }
        Table::at(self.file, follow(self.file, self.entry(index))?)
    }

    /// What that entry points to.
    pub(super) fn target(&self, index: usize) -> Found<usize> {
        follow(self.file, self.entry(index))
    }
}
