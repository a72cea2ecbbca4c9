//! The text of every op, one file each in `ops/`; `UPDATE_EXPECT=1` rewrites
//! them.

mod cases;

use cases::program;
use cotangent_graph::Precision;
use expect_test::expect_file;

const SHOWN: &[&str] = &[
    "constant_half",
    "constant_tenth",
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "exponential",
    "log",
    "sqrt",
    "rsqrt",
    "tanh",
    "logistic",
    "erf",
    "erf_grad",
    "softplus",
    "elu_tenth",
    "relu",
    "clamp",
    "abs",
    "maximum",
    "compare_eq",
    "compare_gt",
    "compare_ge",
    "select",
    "dot_general_matmul",
    "dot_general_batched",
    "convolution_2",
    "convolution_4",
    "conv_input_grad_2",
    "conv_input_grad_3",
    "conv_kernel_grad_2",
    "conv_kernel_grad_3",
    "broadcast_in_dim_scalar",
    "broadcast_in_dim_middle",
    "reduce_sum_2",
    "transpose",
    "slice_strided",
    "pad_interior",
    "concatenate_four",
    "reshape",
    "window_sum_1",
    "window_sum_grad_1",
    "max_pool_1",
    "max_pool_grad_3",
    "variance_0",
    "normalize_0",
    "softmax",
    "softmax_cross_entropy",
];

#[test]
fn text_of_every_op() {
    let cases = cases::all();
    for name in SHOWN {
        let (_, graph) = cases.iter().find(|(n, _)| n == name).unwrap();
        let text = program(graph.clone(), Precision::F32).to_text().unwrap();
        expect_file![format!("ops/{name}.mlir")].assert_eq(&text);
    }
}

#[test]
fn doubles_print_as_f64() {
    let cases = cases::all();
    let (_, graph) = cases.iter().find(|(n, _)| n == "max_pool_1").unwrap();
    let text = program(graph.clone(), Precision::F64).to_text().unwrap();
    expect_file!["ops/max_pool_1.f64.mlir"].assert_eq(&text);
}
