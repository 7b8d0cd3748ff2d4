use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::*;
use crate::network::chains::{average, convolution, dense, dropout};
use crate::network::{Activation, Bits, Kernel, Kind, Network, NodeId, Separable, Shape, Window};

/// `[6, 5, 1] => < A, C2(3,1), C1(4,1), Dr, D*(2) >`
fn network(bits: Bits) -> Network {
    let kinds = [
        average(2),
        Kind::Separable(Separable {
            outputs: 3,
            window: Window::valid(Kernel::square(1)),
            activation: Activation::Relu,
            adds: false,
        }),
        convolution(4, 1),
        dropout(),
        dense(2),
    ];
    Network::new(Shape::new(6, 5, 1), bits, &kinds).unwrap()
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// Every tensor that `network` expects, all values 1.
fn tensors(network: &Network) -> Tensors {
    expected_tensors(network)
        .into_iter()
        .map(|tensor| {
            let dtype = tensor.role.dtype();
            let one: &[u8] = if dtype == Dtype::I16 { &[1, 0] } else { &[1] };
            let values = tensor.shape.iter().product();
            (tensor.name, (dtype, tensor.shape, one.repeat(values)))
        })
        .collect()
}

fn file(tensors: &Tensors) -> Vec<u8> {
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn messages(network: &Network, bytes: &[u8]) -> Vec<String> {
    read(network, bytes)
        .unwrap_err()
        .iter()
        .map(WeightsError::to_string)
        .collect()
}

fn messages_after(change: impl FnOnce(&mut Tensors)) -> Vec<String> {
    let network = network(Bits::default());
    let mut tensors = tensors(&network);
    change(&mut tensors);
    messages(&network, &file(&tensors))
}

#[test]
fn a_right_file_gives_each_value_where_it_belongs() {
    let network = network(Bits::default());
    let mut tensors = tensors(&network);
    tensors.get_mut("4.weight").unwrap().2[1] = (-8_i8) as u8;
    tensors.get_mut("4.bias").unwrap().2 = [(-300_i16).to_le_bytes(), 7_i16.to_le_bytes()].concat();
    tensors.get_mut("4.shift").unwrap().2 = vec![2, 31];
    let weights = read(&network, &file(&tensors)).unwrap();
    assert_eq!(weights.node(NodeId::new(0)), []);
    let [depthwise, pointwise] = weights.node(NodeId::new(1)) else {
        panic!("layer 1 is separable");
    };
    assert_eq!((depthwise.weight.len(), pointwise.weight.len()), (1, 3));
    let [dense] = weights.node(NodeId::new(4)) else {
        panic!("layer 4 is dense");
    };
    assert_eq!(dense.weight.len(), 2 * 3 * 2 * 4);
    assert_eq!(dense.weight[..3], [1, -8, 1]);
    assert_eq!(dense.bias, [-300, 7]);
    let shift = Shift {
        left: 2,
        right: 31,
        skip: 0,
    };
    assert_eq!(dense.shift, shift);
}

#[test]
fn every_problem_of_a_file_is_reported() {
    let found = messages_after(|tensors| {
        tensors.remove("1.depthwise.bias");
        tensors.insert("2.scale".into(), (Dtype::U8, vec![1], vec![0]));
        tensors.get_mut("2.weight").unwrap().2[5] = 9;
        tensors.get_mut("2.weight").unwrap().2[6] = -9_i8 as u8;
        tensors.get_mut("2.shift").unwrap().2 = vec![0, 40];
        tensors.insert(
            "4.weight".into(),
            (Dtype::F32, vec![24, 2], vec![0; 4 * 48]),
        );
    });
    assert_eq!(
        found,
        [
            "`1.depthwise.bias` is missing: expected I16 [1], which is [out]",
            "`2.weight`: 9 at [1, 0, 0, 2] does not fit 4 bits, -8 to 7, nor does 1 more value: \
             quantise to 4 bits, or set `bits: { weights: 8 }`",
            "`2.shift`: a shift to the right of 40 bits leaves nothing of a sum: expected 0 to 31",
            "`4.weight`: expected I8 [2, 24], which is [out, in], found F32 [24, 2]: quantise it to integers first",
            "`2.scale` is surplus: layer 2, `C1(4,1)`, takes `2.weight`, `2.bias`, `2.shift`",
        ]
    );
}

#[test]
fn biases_of_8_bits_are_checked_though_they_are_stored_in_16() {
    let network = network(Bits {
        weights: 8,
        biases: 8,
        activations: 4,
    });
    let mut tensors = tensors(&network);
    tensors.get_mut("2.bias").unwrap().2[0..2].copy_from_slice(&128_i16.to_le_bytes());
    assert_eq!(
        messages(&network, &file(&tensors)),
        [
            "`2.bias`: 128 at [0] does not fit 8 bits, -128 to 127: quantise to 8 bits, or set `bits: { biases: 16 }`"
        ]
    );
}

#[test]
fn a_name_that_is_only_wrong_is_one_error() {
    let rename = |from: &'static str, to: &'static str| {
        messages_after(|tensors| {
            let tensor = tensors.remove(from).unwrap();
            tensors.insert(to.into(), tensor);
        })
    };
    assert_eq!(
        rename("2.weight", "conv1.weight"),
        [
            "this network has no tensor `conv1.weight`: it has the type and shape of `2.weight`, which is missing: rename it"
        ]
    );
    assert_eq!(rename("4.weight", "5.weight").len(), 1);
    assert_eq!(rename("2.weight", "2.weights").len(), 1);
}

#[test]
fn layers_counted_without_pooling_are_one_error() {
    let renumbered = messages_after(|tensors| {
        let numbers = [("1.", "0."), ("2.", "1."), ("4.", "2.")];
        *tensors = std::mem::take(tensors)
            .into_iter()
            .map(|(name, tensor)| {
                let (from, to) = numbers
                    .iter()
                    .find(|(from, _)| name.starts_with(from))
                    .unwrap();
                (name.replacen(from, to, 1), tensor)
            })
            .collect();
    });
    assert_eq!(
        renumbered,
        [
            "`0.…`: expected `1.…`: the layers with weights are at 1, 2, 4 of the list, \
          counted from 0 over every letter, `A`, `M` and `Dr` too"
        ]
    );
}

#[test]
fn a_cut_file_is_reported_from_another_format() {
    let network = network(Bits::default());
    let whole = file(&tensors(&network));
    let header = u64::from_le_bytes(*whole.first_chunk().unwrap());
    let data = whole.len() - 8 - header as usize;
    let message = |bytes: &[u8]| messages(&network, bytes).concat();
    assert_eq!(message(&[]), "the weights file is empty");
    assert!(message(&whole[..5]).ends_with("the length of its header, found 5"));
    let cut = message(&whole[..100]);
    assert!(
        cut.ends_with(&format!("a header of {header} bytes, found 92 after them")),
        "{cut}"
    );
    let cut = message(&whole[..whole.len() - 3]);
    assert!(
        cut.ends_with(&format!(
            "its tensors take {data} bytes, found {}",
            data - 3
        )),
        "{cut}"
    );
    let longer = message(&[&whole[..], &[0; 2]].concat());
    assert!(longer.contains("is damaged"), "{longer}");
    let text = message(b"\x05\0\0\0\0\0\0\0hello");
    assert!(
        text.contains("is not safetensors: its header of 5 bytes is wrong"),
        "{text}"
    );
}

#[test]
fn what_is_no_file_or_too_large_for_the_network_is_refused_unread() {
    let network = network(Bits::default());
    let refusal = |path: &Path| load(path, &network).unwrap_err().to_string();
    let folder = std::env::temp_dir().join(format!("herringbone-weights-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    assert!(refusal(&folder).ends_with("it is a directory"));
    let missing = refusal(&folder.join("none.safetensors"));
    assert!(missing.contains("`cargo herringbone train`"), "{missing}");
    // It has a gigabyte and takes none of the disk.
    let large = folder.join("large.safetensors");
    let sparse = std::fs::File::create(&large).unwrap();
    sparse.set_len(1 << 30).unwrap();
    assert!(refusal(&large).contains("has 1073741824 bytes"));
    for device in ["/dev/zero", "/dev/urandom"].map(Path::new) {
        if device.exists() {
            assert!(refusal(device).ends_with("it is not a regular file"));
        }
    }
    let pipe = folder.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(refusal(&pipe).ends_with("it is not a regular file"));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn errors_of_a_kind_end_with_how_many_more_there_are() {
    let surplus = messages_after(|tensors| {
        for number in 0..500 {
            let name = format!("layer{number}.{}", "\n".repeat(1000));
            tensors.insert(name, (Dtype::U8, vec![1], vec![0]));
        }
    });
    assert_eq!(surplus.len(), 11);
    assert_eq!(surplus[10], "and 490 more errors in the weights file");
    assert!(
        surplus
            .iter()
            .all(|message| message.len() < 500 && !message.contains('\n'))
    );
}

#[test]
fn a_pointer_of_git_lfs_is_not_taken_for_a_broken_file() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 100\n";
    let message = messages(&network(Bits::default()), pointer).concat();
    assert!(message.contains("`git lfs pull`"), "{message}");
}
