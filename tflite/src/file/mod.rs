//! The file: what TensorFlow Lite's schema says of it, borrowed and checked, and not yet understood.
//!
//! Numbers of fields are those of `tensorflow/compiler/mlir/lite/schema/schema.fbs`, version 3.

mod codes;
mod flatbuffer;

pub(crate) use codes::Code;
use flatbuffer::{Damaged, Found, Table, Tables};

use crate::element::Element;
use crate::error::{Place, Problem, Problems, shown};
use crate::tensor::Quantisation;

/// Dimensions of a tensor at most; TensorFlow Lite's operators take six.
const MOST_DIMENSIONS: usize = 6;

/// Values of a tensor at most.
const MOST_VALUES: usize = 1 << 28;

/// Entries of lists that a file is read into at most, for each of its bytes. Each takes four bytes
/// there; where more are found, tables lie on one another.
const MOST_ENTRIES_PER_BYTE: usize = 2;

/// A model.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) subgraphs: Vec<Subgraph<'a>>,
}

/// One of a model's graphs.
#[derive(Debug)]
pub(crate) struct Subgraph<'a> {
    pub(crate) tensors: Vec<FileTensor<'a>>,
    pub(crate) operators: Vec<FileOperator<'a>>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    /// The byte of each operator's offset in the file, and what that points to.
    pub(crate) operator_offsets: Vec<(usize, usize)>,
}

#[derive(Debug)]
pub(crate) struct FileTensor<'a> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) element: Element,
    pub(crate) quantisation: Option<Quantisation>,
    pub(crate) data: Option<&'a [u8]>,
    pub(crate) is_sparse: bool,
}

#[derive(Debug)]
pub(crate) struct FileOperator<'a> {
    pub(crate) code: Code,
    /// `None` of an input that is left out.
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) options: Options<'a>,
}

/// What an operator's table of options says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a>(Option<Table<'a>>);

impl Options<'_> {
    /// A byte: an enumeration.
    pub(crate) fn byte(self, field: usize) -> Result<u8, String> {
        self.read(0, |table| table.number(field, 0))
    }

    pub(crate) fn is(self, field: usize) -> Result<bool, String> {
        self.read(false, |table| table.is(field))
    }

    pub(crate) fn int(self, field: usize, default: i32) -> Result<i32, String> {
        self.read(default, |table| table.number(field, default))
    }

    pub(crate) fn float(self, field: usize) -> Result<f32, String> {
        self.read(0.0, |table| table.number(field, 0.0))
    }

    /// The texts of two fields.
    pub(crate) fn texts(self, fields: [usize; 2]) -> Result<[Vec<u8>; 2], String> {
        self.read(<[Vec<u8>; 2]>::default(), |table| {
            Ok([
                table.text(fields[0])?.to_vec(),
                table.text(fields[1])?.to_vec(),
            ])
        })
    }

    fn read<T>(self, default: T, read: impl Fn(Table<'_>) -> Found<T>) -> Result<T, String> {
        let read = self.0.map_or(Ok(default), read);
        read.map_err(|Damaged| "its options lie outside of the file".to_owned())
    }
}

impl<'a> File<'a> {
    /// Reads a file's tables.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Problems> {
        if bytes.starts_with(b"version https://git-lfs") {
            return Err(wrong(
                "this is a Git LFS pointer and not the model: run `git lfs pull`",
            ));
        }
        if bytes.get(4..8) != Some(b"TFL3") {
            return Err(wrong(
                "this is no TensorFlow Lite model: bytes 4 to 7 are not `TFL3`",
            ));
        }
        let mut reader = Reader {
            bytes,
            entries_left: bytes.len().saturating_mul(MOST_ENTRIES_PER_BYTE),
        };
        reader.model()
    }
}

fn wrong(message: &str) -> Problems {
    Problem {
        place: Place::File,
        message: message.to_owned(),
    }
    .into()
}

/// Says where a damage is.
fn within<T>(what: &str, found: Found<T>) -> Result<T, Problems> {
    found.map_err(|Damaged| {
        wrong(&format!(
            "the file is damaged or cut short: {what} lies outside of it"
        ))
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    entries_left: usize,
}

impl<'a> Reader<'a> {
    /// Counts entries before they are read into a list.
    fn take(&mut self, entries: usize) -> Result<(), Problems> {
        self.entries_left = self.entries_left.checked_sub(entries).ok_or_else(|| {
            wrong("the file is damaged: it has more entries than bytes, its tables lie on one another")
        })?;
        Ok(())
    }

    fn model(&mut self) -> Result<File<'a>, Problems> {
        let model = within("the root", Table::root(self.bytes))?;
        let codes = within("the list of operator codes", model.tables(1))?;
        self.take(codes.len())?;
        let codes: Vec<Code> = (0..codes.len())
            .map(|index| within(&format!("operator code {index}"), code(&codes, index)))
            .collect::<Result<_, _>>()?;
        let buffers = within("the list of buffers", model.tables(4))?;
        let subgraphs = within("the list of graphs", model.tables(2))?;
        self.take(subgraphs.len())?;
        let subgraphs: Vec<Subgraph<'a>> = (0..subgraphs.len())
            .map(|index| {
                let what = format!("graph {index}");
                let table = within(&what, subgraphs.get(index))?;
                self.subgraph(&what, table, &codes, &buffers)
            })
            .collect::<Result<_, _>>()?;
        if subgraphs.is_empty() {
            return Err(wrong("the model has no graph"));
        }
        Ok(File { subgraphs })
    }

    fn subgraph(
        &mut self,
        what: &str,
        table: Table<'a>,
        codes: &[Code],
        buffers: &Tables<'a>,
    ) -> Result<Subgraph<'a>, Problems> {
        let tensors = within(&format!("the tensors of {what}"), table.tables(0))?;
        self.take(tensors.len())?;
        let tensors: Vec<FileTensor<'a>> = (0..tensors.len())
            .map(|index| {
                let what = format!("tensor {index} of {what}");
                let table = within(&what, tensors.get(index))?;
                self.tensor(&what, table, buffers)
            })
            .collect::<Result<_, _>>()?;
        let operators = within(&format!("the operators of {what}"), table.tables(3))?;
        self.take(operators.len())?;
        let operator_offsets = (0..operators.len())
            .map(|index| Ok((operators.entry(index), operators.target(index)?)))
            .collect::<Found<_>>();
        let operator_offsets = within(&format!("an operator of {what}"), operator_offsets)?;
        let operators = (0..operators.len())
            .map(|index| {
                let what = format!("operator {index} of {what}");
                let table = within(&what, operators.get(index))?;
                self.operator(&what, table, codes, tensors.len())
            })
            .collect::<Result<_, _>>()?;
        let mut ends = |field: usize, name: &str| {
            let ends = within(
                &format!("the {name} of {what}"),
                table.numbers::<i32>(field),
            )?;
            self.take(ends.len())?;
            ends.iter()
                .map(|index| tensor_index(index, tensors.len(), what))
                .collect::<Result<Vec<usize>, Problems>>()
        };
        let (inputs, outputs) = (ends(1, "inputs")?, ends(2, "outputs")?);
        Ok(Subgraph {
            tensors,
            operators,
            inputs,
            outputs,
            operator_offsets,
        })
    }

    fn tensor(
        &mut self,
        what: &str,
        table: Table<'a>,
        buffers: &Tables<'a>,
    ) -> Result<FileTensor<'a>, Problems> {
        let dimensions = within(&format!("the shape of {what}"), table.numbers::<i32>(0))?;
        let name = shown(within(&format!("the name of {what}"), table.text(3))?);
        let called = format!("{what}, `{name}`,");
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(wrong(&format!(
                "{called} has {} dimensions: at most {MOST_DIMENSIONS} are understood",
                dimensions.len()
            )));
        }
        let shape: Vec<usize> = dimensions
            .iter()
            .map(usize::try_from)
            .collect::<Result<_, _>>()
            .map_err(|_| wrong(&format!("{called} has a negative dimension")))?;
        let values = shape
            .iter()
            .try_fold(1_usize, |values, &side| values.checked_mul(side));
        if values.is_none_or(|values| values > MOST_VALUES) {
            return Err(wrong(&format!(
                "{called} has more than {MOST_VALUES} values"
            )));
        }
        let buffer: u32 = within(&called, table.number(2, 0))?;
        // Buffer 0 is the empty one.
        let data = match buffer {
            0 => None,
            buffer => {
                let data = self.data(buffer as usize, buffers);
                Some(within(&format!("the data of {called}"), data)?)
                    .filter(|data| !data.is_empty())
            }
        };
        Ok(FileTensor {
            element: Element::of(within(&called, table.number(1, 0))?),
            quantisation: self.quantisation(&called, table)?,
            is_sparse: within(&called, table.table(6))?.is_some(),
            data,
            name,
            shape,
        })
    }

    fn data(&self, buffer: usize, buffers: &Tables<'a>) -> Found<&'a [u8]> {
        let buffer = buffers.get(buffer)?;
        // Of large models, data are after the tables.
        let (first, count) = (buffer.number::<u64>(1, 0)?, buffer.number::<u64>(2, 0)?);
        if first <= 1 {
            return Ok(buffer.numbers::<u8>(0)?.bytes());
        }
        let first = usize::try_from(first).map_err(|_| Damaged)?;
        let count = usize::try_from(count).map_err(|_| Damaged)?;
        let end = first.checked_add(count).ok_or(Damaged)?;
        self.bytes.get(first..end).ok_or(Damaged)
    }

    fn quantisation(
        &mut self,
        what: &str,
        table: Table<'a>,
    ) -> Result<Option<Quantisation>, Problems> {
        let what = format!("the quantisation of {what}");
        let Some(table) = within(&what, table.table(4))? else {
            return Ok(None);
        };
        let scales = within(&what, table.numbers::<f32>(2))?;
        let zero_points = within(&what, table.numbers::<i64>(3))?;
        if scales.len() == 0 {
            return Ok(None);
        }
        self.take(scales.len())?;
        let mut zero_points = zero_points.iter();
        let zero_point = i32::try_from(zero_points.next().unwrap_or(0));
        let same = |&other: &i64| zero_point.is_ok_and(|zero_point| other == zero_point.into());
        match zero_point {
            Ok(zero_point) if zero_points.all(|other| same(&other)) => Ok(Some(Quantisation {
                scales: scales.iter().collect(),
                zero_point,
            })),
            Ok(_) | Err(_) => Err(wrong(&format!(
                "{what} has a zero point for each channel, or none that 32 bits hold: expected one"
            ))),
        }
    }

    fn operator(
        &mut self,
        what: &str,
        table: Table<'a>,
        codes: &[Code],
        tensors: usize,
    ) -> Result<FileOperator<'a>, Problems> {
        let code: u32 = within(what, table.number(0, 0))?;
        let code = *within(
            &format!("the code of {what}"),
            codes.get(code as usize).ok_or(Damaged),
        )?;
        let inputs = within(&format!("the inputs of {what}"), table.numbers::<i32>(1))?;
        let outputs = within(&format!("the outputs of {what}"), table.numbers::<i32>(2))?;
        self.take(inputs.len() + outputs.len())?;
        let inputs = inputs
            .iter()
            .map(|index| match index {
                -1 => Ok(None),
                index => tensor_index(index, tensors, what).map(Some),
            })
            .collect::<Result<_, _>>()?;
        let outputs = outputs
            .iter()
            .map(|index| tensor_index(index, tensors, what))
            .collect::<Result<_, _>>()?;
        let options = within(&format!("the options of {what}"), table.table(4))?;
        Ok(FileOperator {
            code,
            inputs,
            outputs,
            options: Options(options),
        })
    }
}

fn code(codes: &Tables<'_>, index: usize) -> Found<Code> {
    let table = codes.get(index)?;
    // Codes above 127 are in the newer field, others may be in both.
    let old: i8 = table.number(0, 0)?;
    let new: i32 = table.number(3, 0)?;
    Ok(Code(new.max(old.into())))
}

fn tensor_index(index: i32, tensors: usize, what: &str) -> Result<usize, Problems> {
    let index = usize::try_from(index).ok().filter(|&index| index < tensors);
    index.ok_or_else(|| {
        wrong(&format!(
            "the file is damaged: {what} names a tensor that there is not"
        ))
    })
}
