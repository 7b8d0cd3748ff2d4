//! Small TensorFlow Lite files, written field by field.
//!
//! A table is its fields by number, as `schema.fbs` of TensorFlow Lite numbers them. What a field
//! points to comes after the table, for offsets go forwards.

/// A field of a table.
#[derive(Clone, Debug)]
pub enum Field {
    Byte(u8),
    Int(i32),
    Float(f32),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// The fields of a table by number.
pub type Fields = Vec<(usize, Field)>;

/// `TensorType` of int8, int32 and names of variables.
pub const INT8: u8 = 9;
pub const INT32: u8 = 2;
pub const RESOURCE: u8 = 13;

/// Numbers of operators.
pub const ADD: i32 = 0;
pub const CONCATENATION: i32 = 2;
pub const AVERAGE_POOL_2D: i32 = 1;
pub const CONV_2D: i32 = 3;
pub const DEPTHWISE_CONV_2D: i32 = 4;
pub const FULLY_CONNECTED: i32 = 9;
pub const MAX_POOL_2D: i32 = 17;
pub const MUL: i32 = 18;
pub const RELU: i32 = 19;
pub const SOFTMAX: i32 = 25;
pub const PAD: i32 = 34;
pub const TRANSPOSE: i32 = 39;
pub const MEAN: i32 = 40;
pub const STRIDED_SLICE: i32 = 45;
pub const RESIZE_NEAREST_NEIGHBOR: i32 = 97;
pub const VAR_HANDLE: i32 = 142;
pub const READ_VARIABLE: i32 = 143;
pub const ASSIGN_VARIABLE: i32 = 144;

/// A model of one graph.
#[derive(Clone, Debug, Default)]
pub struct ModelFile {
    tensors: Vec<Fields>,
    buffers: Vec<Fields>,
    operators: Vec<Fields>,
    codes: Vec<i32>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
}

impl ModelFile {
    /// An activation of scale 1/16, whose zero point is 0; its number.
    pub fn activation(&mut self, shape: &[i32]) -> i32 {
        self.tensor(shape, INT8, 1.0 / 16.0, 0)
    }

    /// An activation of that scale and zero point; its number.
    pub fn scaled(&mut self, shape: &[i32], (scale, zero_point): (f32, i8)) -> i32 {
        let tensor = self.tensor(shape, INT8, scale, 0);
        self.quantise(tensor, vec![scale], zero_point);
        tensor
    }

    /// Weights with a scale for each output channel, which are along that axis; their number.
    pub fn weights_by_channel(
        &mut self,
        shape: &[i32],
        values: &[i8],
        (scales, axis): (Vec<f32>, i32),
    ) -> i32 {
        let tensor = self.weights(shape, values);
        let zeros = vec![0; scales.len()];
        let fields = vec![
            (2, Field::Floats(scales)),
            (3, Field::Longs(zeros)),
            (6, Field::Int(axis)),
        ];
        self.tensors[tensor as usize][4] = (4, Field::Table(fields));
        tensor
    }

    fn quantise(&mut self, tensor: i32, scales: Vec<f32>, zero_point: i8) {
        let fields = vec![
            (2, Field::Floats(scales)),
            (3, Field::Longs(vec![zero_point.into()])),
        ];
        self.tensors[tensor as usize][4] = (4, Field::Table(fields));
    }

    /// A constant of int8; its number.
    pub fn weights(&mut self, shape: &[i32], values: &[i8]) -> i32 {
        let buffer = self.buffer(values.iter().map(|&value| value as u8).collect());
        self.tensor(shape, INT8, 1.0 / 64.0, buffer)
    }

    /// A constant of int32; its number.
    pub fn ints(&mut self, shape: &[i32], values: &[i32]) -> i32 {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let buffer = self.buffer(bytes.collect());
        self.tensor(shape, INT32, 1.0 / 1024.0, buffer)
    }

    /// A variable of that name.
    pub fn variable(&mut self, name: &str) -> i32 {
        let handle = self.tensor(&[], RESOURCE, 1.0, 0);
        let options = vec![(1, Field::Bytes(name.as_bytes().to_vec()))];
        self.operator(VAR_HANDLE, &[], &[handle], options);
        handle
    }

    /// What a variable holds.
    pub fn read_variable(&mut self, handle: i32, shape: &[i32]) -> i32 {
        let value = self.activation(shape);
        self.operator(READ_VARIABLE, &[handle], &[value], Vec::new());
        value
    }

    fn buffer(&mut self, bytes: Vec<u8>) -> i32 {
        self.buffers.push(vec![(0, Field::Bytes(bytes))]);
        self.buffers.len() as i32
    }

    fn tensor(&mut self, shape: &[i32], kind: u8, scale: f32, buffer: i32) -> i32 {
        let name = format!("tensor{}", self.tensors.len());
        self.tensors.push(vec![
            (0, Field::Ints(shape.to_vec())),
            (1, Field::Byte(kind)),
            (2, Field::Int(buffer)),
            (3, Field::Bytes(name.into_bytes())),
            (
                4,
                Field::Table(vec![
                    (2, Field::Floats(vec![scale])),
                    (3, Field::Longs(vec![0])),
                ]),
            ),
        ]);
        self.tensors.len() as i32 - 1
    }

    /// An operator with its options.
    pub fn operator(&mut self, code: i32, reads: &[i32], writes: &[i32], options: Fields) {
        let known = self.codes.iter().position(|&other| other == code);
        let index = known.unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        });
        self.operators.push(vec![
            (0, Field::Int(index as i32)),
            (1, Field::Ints(reads.to_vec())),
            (2, Field::Ints(writes.to_vec())),
            (4, Field::Table(options)),
        ]);
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let codes = self
            .codes
            .iter()
            .map(|&code| vec![(0, Field::Byte(code.min(127) as u8)), (3, Field::Int(code))]);
        let graph = vec![
            (0, Field::Tables(self.tensors.clone())),
            (1, Field::Ints(self.inputs.clone())),
            (2, Field::Ints(self.outputs.clone())),
            (3, Field::Tables(self.operators.clone())),
        ];
        let empty: Fields = Vec::new();
        let buffers = [empty].into_iter().chain(self.buffers.clone());
        let model = vec![
            (0, Field::Int(3)),
            (1, Field::Tables(codes.collect())),
            (2, Field::Tables(vec![graph])),
            (4, Field::Tables(buffers.collect())),
        ];
        let mut file = vec![0; 4];
        file.extend(b"TFL3");
        point(&mut file, 0);
        write_table(&mut file, &model, 0);
        file
    }
}

/// A branch that is large for a while beside one that is small: in this order the large one waits
/// for the other.
pub fn branches() -> ModelFile {
    let mut file = ModelFile::default();
    let input = file.activation(&[1, 4, 4, 1]);
    let small = file.activation(&[1, 4, 4, 1]);
    let large = file.activation(&[1, 4, 4, 8]);
    let narrow = file.activation(&[1, 4, 4, 1]);
    let wide = file.activation(&[1, 4, 4, 8]);
    let narrowed = file.activation(&[1, 4, 4, 1]);
    let sum = file.activation(&[1, 4, 4, 1]);
    let scores = file.activation(&[1, 3]);
    let convolution = |file: &mut ModelFile, read, write, inputs: i32, outputs: i32| {
        let taps = (9 * inputs * outputs) as usize;
        let weights: Vec<i8> = (0..taps).map(|tap| (tap * 37 % 101) as i8 - 50).collect();
        let kernel = file.weights(&[outputs, 3, 3, inputs], &weights);
        let biases = file.ints(&[outputs], &vec![100; outputs as usize]);
        let options = vec![(1, Field::Int(1)), (2, Field::Int(1)), (3, Field::Byte(1))];
        file.operator(CONV_2D, &[read, kernel, biases], &[write], options);
    };
    convolution(&mut file, input, large, 1, 8);
    convolution(&mut file, input, wide, 1, 8);
    convolution(&mut file, large, small, 8, 1);
    convolution(&mut file, wide, narrowed, 8, 1);
    file.operator(RELU, &[narrowed], &[narrow], Vec::new());
    file.operator(ADD, &[small, narrow], &[sum], Vec::new());
    let weights: Vec<i8> = (0..48).map(|index| (index * 29 % 61) as i8 - 30).collect();
    let weights = file.weights(&[3, 16], &weights);
    let biases = file.ints(&[3], &[5, -5, 0]);
    file.operator(
        FULLY_CONNECTED,
        &[sum, weights, biases],
        &[scores],
        Vec::new(),
    );
    (file.inputs, file.outputs) = (vec![input], vec![scores]);
    file
}

/// A map with values around it, under kernels that slide by two pixels, as mobile networks of
/// Keras have it.
pub fn padded() -> ModelFile {
    let mut file = ModelFile::default();
    let input = file.activation(&[1, 6, 5, 2]);
    let around = file.activation(&[1, 9, 6, 2]);
    let narrow = file.activation(&[1, 4, 2, 3]);
    let paddings = file.ints(&[4, 2], &[0, 0, 1, 2, 0, 1, 0, 0]);
    file.operator(PAD, &[input, paddings], &[around], Vec::new());
    let weights: Vec<i8> = (0..54).map(|index| (index * 41 % 97) as i8 - 48).collect();
    let kernel = file.weights(&[3, 3, 3, 2], &weights);
    let biases = file.ints(&[3], &[9, -7, 0]);
    let options = vec![
        (0, Field::Byte(1)),
        (1, Field::Int(2)),
        (2, Field::Int(2)),
        (3, Field::Byte(1)),
    ];
    file.operator(CONV_2D, &[around, kernel, biases], &[narrow], options);
    (file.inputs, file.outputs) = (vec![input], vec![narrow]);
    file
}

/// Two inputs and two outputs, a variable that keeps the newest rows of a sequence, one that keeps
/// a sum and is read before and after it changes, and values that are moved along every axis.
pub fn remembering() -> ModelFile {
    let mut file = ModelFile::default();
    let (sample, gain) = (
        file.activation(&[1, 2, 3, 2]),
        file.activation(&[1, 1, 1, 2]),
    );
    let none = Vec::new;
    let louder = file.activation(&[1, 2, 3, 2]);
    file.operator(MUL, &[sample, gain], &[louder], none());
    // The newest three rows, and then these two.
    let rows = file.variable("rows");
    let old = file.read_variable(rows, &[1, 3, 3, 2]);
    let (all, rest) = (
        file.activation(&[1, 5, 3, 2]),
        file.activation(&[1, 3, 3, 2]),
    );
    let by_rows = vec![(0, Field::Int(1))];
    file.operator(CONCATENATION, &[old, louder], &[all], by_rows);
    let slice = |file: &mut ModelFile, read: i32, write: i32, ends: [[i32; 4]; 3]| {
        let ends = ends.map(|end| file.ints(&[4], &end));
        file.operator(
            STRIDED_SLICE,
            &[read, ends[0], ends[1], ends[2]],
            &[write],
            none(),
        );
    };
    slice(
        &mut file,
        all,
        rest,
        [[0, 2, 0, 0], [1, 5, 3, 2], [1, 1, 1, 1]],
    );
    file.operator(ASSIGN_VARIABLE, &[rows, rest], &[], none());
    // A sum of all so far, of which an output has what it was before.
    let sum = file.variable("sum");
    let before = file.read_variable(sum, &[1, 2, 3, 2]);
    let after = file.activation(&[1, 2, 3, 2]);
    file.operator(ADD, &[before, louder], &[after], none());
    file.operator(ASSIGN_VARIABLE, &[sum, after], &[], none());
    let (halved, quarter) = (
        file.activation(&[1, 2, 2, 2]),
        file.activation(&[1, 1, 2, 2]),
    );
    slice(
        &mut file,
        before,
        halved,
        [[0, 0, 0, 0], [1, 2, 3, 2], [1, 1, 2, 1]],
    );
    slice(
        &mut file,
        halved,
        quarter,
        [[0, 1, 0, 0], [1, 2, 2, 2], [1, 1, 1, 1]],
    );
    // Columns become rows, of a larger map; of each of its pixels, a mean.
    let (turned, large) = (
        file.activation(&[1, 3, 5, 2]),
        file.activation(&[1, 4, 7, 2]),
    );
    let axes = file.ints(&[4], &[0, 2, 1, 3]);
    file.operator(TRANSPOSE, &[all, axes], &[turned], none());
    let size = file.ints(&[2], &[4, 7]);
    file.operator(RESIZE_NEAREST_NEIGHBOR, &[turned, size], &[large], none());
    let (means, scores) = (file.activation(&[1, 4, 7]), file.activation(&[1, 3]));
    let channels = file.ints(&[1], &[3]);
    file.operator(MEAN, &[large, channels], &[means], none());
    let weights: Vec<i8> = (0..84).map(|index| (index * 29 % 61) as i8 - 30).collect();
    let weights = file.weights(&[3, 28], &weights);
    let biases = file.ints(&[3], &[5, -5, 0]);
    file.operator(
        FULLY_CONNECTED,
        &[means, weights, biases],
        &[scores],
        none(),
    );
    (file.inputs, file.outputs) = (vec![sample, gain], vec![scores, quarter]);
    file
}

/// Lets the offset at that byte point to what comes next.
fn point(file: &mut Vec<u8>, place: usize) {
    file.resize(file.len().next_multiple_of(4), 0);
    let offset = (file.len() - place) as u32;
    file[place..place + 4].copy_from_slice(&offset.to_le_bytes());
}

/// Writes a table, its places before it; the offset at `pointer` then points to it.
fn write_table(file: &mut Vec<u8>, fields: &Fields, pointer: usize) {
    let count = fields
        .iter()
        .map(|(number, _)| number + 1)
        .max()
        .unwrap_or(0);
    file.resize(file.len().next_multiple_of(4), 0);
    let places = file.len();
    let bytes = 4 + 2 * count;
    file.extend((bytes as u16).to_le_bytes());
    file.extend((4 + 4 * fields.len() as u16).to_le_bytes());
    let mut by_number = vec![0_u16; count];
    for (index, (number, _)) in fields.iter().enumerate() {
        by_number[*number] = 4 + 4 * index as u16;
    }
    file.extend(by_number.iter().flat_map(|place| place.to_le_bytes()));
    point(file, pointer);
    let table = file.len();
    file.extend(((table - places) as i32).to_le_bytes());
    for (_, field) in fields {
        file.extend(match field {
            Field::Byte(byte) => [*byte, 0, 0, 0],
            Field::Int(value) => value.to_le_bytes(),
            Field::Float(value) => value.to_le_bytes(),
            Field::Bytes(_)
            | Field::Ints(_)
            | Field::Longs(_)
            | Field::Floats(_)
            | Field::Table(_)
            | Field::Tables(_) => [0; 4],
        });
    }
    for (index, (_, field)) in fields.iter().enumerate() {
        let pointer = table + 4 + 4 * index;
        match field {
            Field::Byte(_) | Field::Int(_) | Field::Float(_) => {}
            Field::Bytes(bytes) => write_vector(file, pointer, bytes.len(), bytes.iter().copied()),
            Field::Ints(values) => {
                let bytes = values.iter().flat_map(|it| it.to_le_bytes());
                write_vector(file, pointer, values.len(), bytes);
            }
            Field::Longs(values) => {
                let bytes = values.iter().flat_map(|it| it.to_le_bytes());
                write_vector(file, pointer, values.len(), bytes);
            }
            Field::Floats(values) => {
                let bytes = values.iter().flat_map(|it| it.to_le_bytes());
                write_vector(file, pointer, values.len(), bytes);
            }
            Field::Table(table) => write_table(file, table, pointer),
            Field::Tables(tables) => {
                let offsets = vec![0; 4 * tables.len()];
                write_vector(file, pointer, tables.len(), offsets.into_iter());
                let first = file.len() - 4 * tables.len();
                for (index, table) in tables.iter().enumerate() {
                    write_table(file, table, first + 4 * index);
                }
            }
        }
    }
}

fn write_vector(file: &mut Vec<u8>, pointer: usize, count: usize, bytes: impl Iterator<Item = u8>) {
    point(file, pointer);
    file.extend((count as u32).to_le_bytes());
    file.extend(bytes);
}
