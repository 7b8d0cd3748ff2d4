//! Types of models, against TensorFlow Lite for Microcontrollers, bit for bit.
#![cfg(shared_models)]

use herringbone_tests::shared::shared;
use herringbone_tflite::Values;

#[path = "tflite/arrays.rs"]
mod arrays;

/// A value of an input or of a result.
trait Number: Copy {
    fn all(values: &Values) -> &[Self];
}

macro_rules! numbers {
    ($($number:ty: $values:ident),*) => {
        $(impl Number for $number {
            fn all(values: &Values) -> &[Self] {
                match values {
                    Values::$values(values) => values,
                    other => panic!("{:?}", other.element()),
                }
            }
        })*
    };
}

numbers!(i8: Int8, u8: Uint8, f32: Float32);

/// Runs every input of a file of vectors, and compares.
fn check<In: Number, Out: Number + PartialEq + std::fmt::Debug>(
    (vectors, output): (&str, &str),
    run: &mut dyn FnMut(&[In]) -> Vec<Out>,
) {
    let Some(path) = shared(vectors) else { return };
    let arrays = arrays::read(&path);
    let (inputs, outputs) = (&arrays["input0"], &arrays[output]);
    for index in 0..inputs.len() {
        let found = run(In::all(&inputs.get(index)));
        assert_eq!(
            found,
            Out::all(&outputs.get(index)),
            "{vectors}, input {index}"
        );
    }
}

/// A test a model, whose code is that of two plans.
macro_rules! models {
    ($folder:tt, $vectors:tt, $output:literal: $($name:ident = $file:tt;)*) => {
        $(#[test]
        fn $name() {
            mod fastest {
                herringbone::network! {
                    pub(super) Model: concat!("../../shared/tflite/", $folder, "/", $file, ".tflite"),
                }
            }
            mod smallest {
                herringbone::network! {
                    pub(super) Model: concat!("../../shared/tflite/", $folder, "/", $file, ".tflite"),
                    plan: smallest,
                }
            }
            let vectors = (concat!("tflite/", $vectors, "/", $file, ".npz"), $output);
            let mut fastest = Box::new(fastest::Model::new());
            check(vectors, &mut |input| fastest.run(input.try_into().unwrap()).to_vec());
            let mut smallest = Box::new(smallest::Model::new());
            check(vectors, &mut |input| smallest.run(input.try_into().unwrap()).to_vec());
        })*
    };
}

models! {
    "models", "reference", "tflm_out0":
    microflow_sine = "microflow_sine";
    cnn = "mlonmcu_CNN_full_quantized";
    qnn = "mlonmcu_qnn_model";
    anomaly = "mlperf_ad_autoencoder";
    image_classification = "mlperf_ic_resnet8";
    keywords = "mlperf_kws_dscnn";
    streaming_wakeword = "mlperf_streaming_wakeword";
    visual_wake_words = "mlperf_vww_mobilenet";
    hello_world = "tflm_hello_world";
    micro_speech = "tflm_micro_speech";
    person_detect = "tflm_person_detect";
    cifar10 = "tinymaix_cifar10_q";
    mnist_arduino = "tinymaix_mnist_arduino_q";
    mnist_resnet = "tinymaix_mnist_resnet_q";
    mnist_valid = "tinymaix_mnist_valid_q";
}

/// Variables go on from one inference to the next, and begin again.
#[test]
fn okay_nabu_listens() {
    herringbone::network! {
        OkayNabu: "../../shared/tflite/models/esphome_okay_nabu_v2.tflite",
    }
    const _: () = assert!(OkayNabu::ARENA_BYTES <= 5_000);
    let mut model = Box::new(OkayNabu::new());
    for _ in 0..2 {
        let vectors = ("tflite/reference/esphome_okay_nabu_v2.npz", "tflm_out0");
        check(vectors, &mut |input: &[i8]| -> Vec<u8> {
            model.run(input.try_into().unwrap()).to_vec()
        });
        model.reset();
    }
}

/// A test a model with several inputs, which are those arrays.
macro_rules! several_inputs {
    ($($name:ident = $file:tt: $($input:ident)*;)*) => {
        $(#[test]
        fn $name() {
            herringbone::network! {
                Model: concat!("../../shared/tflite/optests/", $file, ".tflite"),
            }
            let vectors = concat!("tflite/optests/", $file, ".npz");
            let Some(path) = shared(vectors) else { return };
            let arrays = arrays::read(&path);
            let mut model = Box::new(Model::new());
            for index in 0..arrays["output0"].len() {
                $(let $input = arrays[stringify!($input)].get(index);)*
                let found = model.run($($input.int8().unwrap().try_into().unwrap()),*);
                let expected = arrays["output0"].get(index);
                assert_eq!(Some(&found[..]), expected.int8(), "{vectors}, input {index}");
            }
        })*
    };
}

several_inputs! {
    add_0 = "add_0": input0 input1;
    add_1 = "add_1": input0 input1;
    add_2 = "add_2": input0 input1;
    add_3 = "add_3": input0 input1;
    concat_0 = "concat_0": input0 input1 input2 input3;
    concat_1 = "concat_1": input0 input1 input2;
    concat_2 = "concat_2": input0 input1;
    concat_3 = "concat_3": input0 input1;
    mul_0 = "mul_0": input0 input1;
    mul_1 = "mul_1": input0 input1;
    mul_2 = "mul_2": input0 input1;
    mul_3 = "mul_3": input0 input1;
    sub_0 = "sub_0": input0 input1;
    sub_1 = "sub_1": input0 input1;
    sub_2 = "sub_2": input0 input1;
    sub_3 = "sub_3": input0 input1;
}

models! {
    "optests", "optests", "output0":
    mean_0 = "mean_0";
    pad_0 = "pad_0";
    pad_1 = "pad_1";
    pad_3 = "pad_3";
    strided_slice_0 = "strided_slice_0";
    strided_slice_1 = "strided_slice_1";
    strided_slice_2 = "strided_slice_2";
    strided_slice_3 = "strided_slice_3";
    avgpool_0 = "avgpool_0";
    avgpool_1 = "avgpool_1";
    avgpool_3 = "avgpool_3";
    conv_0 = "conv_0";
    conv_1 = "conv_1";
    conv_2 = "conv_2";
    conv_3 = "conv_3";
    depthwise_1 = "depthwise_1";
    depthwise_2 = "depthwise_2";
    depthwise_3 = "depthwise_3";
    fc_0 = "fc_0";
    fc_1 = "fc_1";
    fc_2 = "fc_2";
    fc_3 = "fc_3";
    leaky_0 = "leaky_0";
    leaky_1 = "leaky_1";
    leaky_2 = "leaky_2";
    leaky_3 = "leaky_3";
    logistic_0 = "logistic_0";
    logistic_1 = "logistic_1";
    logistic_2 = "logistic_2";
    logistic_3 = "logistic_3";
    maxpool_0 = "maxpool_0";
    maxpool_1 = "maxpool_1";
    maxpool_2 = "maxpool_2";
    maxpool_3 = "maxpool_3";
    mean_1 = "mean_1";
    mean_2 = "mean_2";
    mean_3 = "mean_3";
    pad_2 = "pad_2";
    dequantize_0 = "dequantize_0";
    dequantize_1 = "dequantize_1";
    dequantize_2 = "dequantize_2";
    dequantize_3 = "dequantize_3";
    quantize_0 = "quantize_0";
    quantize_1 = "quantize_1";
    quantize_2 = "quantize_2";
    quantize_3 = "quantize_3";
    relu6_0 = "relu6_0";
    relu6_1 = "relu6_1";
    relu6_2 = "relu6_2";
    relu6_3 = "relu6_3";
    relu_0 = "relu_0";
    relu_1 = "relu_1";
    relu_2 = "relu_2";
    relu_3 = "relu_3";
    requantize_0 = "requantize_0";
    requantize_1 = "requantize_1";
    requantize_2 = "requantize_2";
    requantize_3 = "requantize_3";
    softmax_0 = "softmax_0";
    softmax_1 = "softmax_1";
    softmax_2 = "softmax_2";
    softmax_3 = "softmax_3";
    tanh_0 = "tanh_0";
    tanh_1 = "tanh_1";
    tanh_2 = "tanh_2";
    tanh_3 = "tanh_3";
}
