//! A private function is what its body says. Under an honest name, any change
//! to the body is refused.

mod cases;

use cases::program;
use cotangent_graph::Precision;
use cotangent_stablehlo::{ParseError, Program};
use expect_test::{Expect, expect};
use std::ops::Range;

/// One or more cases of every op that prints as a private function.
const PRIVATE: &[&str] = &[
    "relu",
    "clamp",
    "clamp_thirds",
    "elu_tenth",
    "softplus",
    "erf_grad",
    "variance_0",
    "normalize_0",
    "normalize_rows",
    "softmax_heads",
    "softmax_cross_entropy_3",
    "conv_input_grad_2",
    "conv_input_grad_3",
    "conv_kernel_grad_2",
    "conv_kernel_grad_3",
    "window_sum_grad_1",
    "window_sum_grad_padded",
    "max_pool_grad_1",
    "max_pool_grad_3",
];

fn text(name: &str) -> String {
    let cases = cases::all();
    let (_, graph) = cases.iter().find(|(n, _)| n == name).unwrap();
    program(graph.clone(), Precision::F32).to_text().unwrap()
}

/// The part of the text that is the private function's body.
fn body(text: &str) -> Range<usize> {
    let head = text.find("func.func private").unwrap();
    head + text[head..].find(" {\n").unwrap()..text.len()
}

/// Applies `change` and expects a refusal.
fn refused(name: &str, text: &str, range: Range<usize>, with: &str) {
    let mut changed = text.to_string();
    changed.replace_range(range, with);
    assert_ne!(changed, text);
    if let Ok(p) = Program::from_text(&changed) {
        panic!("{name}: accepted as {:?}\n{changed}", p.graph.instructions);
    }
}

/// Ops with constants among their attributes: another constant is another op.
const PARAMETRIC: &[&str] = &["clamp", "elu", "normalize"];

/// Applies `change` to a number and expects a refusal, or where the number is
/// an attribute, another op of the kind.
fn refused_or_another(name: &str, text: &str, range: Range<usize>, with: &str) -> bool {
    let mut changed = text.to_string();
    changed.replace_range(range.clone(), with);
    let constant = text[..range.start]
        .rfind('\n')
        .is_some_and(|line| text[line..range.start].contains("stablehlo.constant dense<"));
    match Program::from_text(&changed) {
        Ok(p) if constant => {
            let (found, original) = (p.graph, Program::from_text(text).unwrap().graph);
            let (found, original) = (&found.instructions[0].op, &original.instructions[0].op);
            assert_ne!(found, original, "{changed}");
            assert_eq!(found.name(), original.name(), "{changed}");
            assert!(PARAMETRIC.contains(&found.name()), "{name}: accepted as {found:?}\n{changed}");
            true
        }
        _ => {
            refused(name, text, range, with);
            false
        }
    }
}

#[test]
fn every_number_matters() {
    let mut parameters = 0;
    for name in PRIVATE {
        let text = text(name);
        let mut changes = 0;
        let mut at = body(&text).start;
        while let Some(offset) = text[at..].find(|c: char| c.is_ascii_digit()) {
            let start = at + offset;
            let rest = &text[start..];
            let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            at = start + length;
            // The label of a block is a name.
            if text[..start].ends_with("^bb") {
                continue;
            }
            let n: u64 = text[start..at].parse().unwrap();
            if refused_or_another(name, &text, start..at, &(n + 1).to_string()) {
                parameters += 1;
            }
            changes += 1;
        }
        assert!(changes > 10, "{name}: {changes} changes");
    }
    assert!(parameters >= 5, "{parameters}");
}

#[test]
fn every_op_matters() {
    let others = [
        ("add ", "multiply "),
        ("add ", "maximum "),
        ("subtract ", "add "),
        ("multiply ", "divide "),
        ("divide ", "multiply "),
        ("maximum ", "add "),
        ("negate ", "exponential "),
        ("exponential ", "negate "),
        ("log ", "sqrt "),
        ("rsqrt ", "sqrt "),
        ("abs ", "negate "),
        ("log_plus_one ", "log "),
        ("exponential_minus_one ", "exponential "),
        ("minimum ", "maximum "),
        ("atan2 ", "add "),
        ("GT", "GE"),
        ("GT", "EQ"),
        ("EQ", "GE"),
        ("reverse ", "negate "),
        ("[1, 0]", "[0, 1]"),
        ("x[0, 1, i, o]", "x[0, 1, o, i]"),
        ("x[0, 1, o, i]", "x[0, 1, i, o]"),
        ("[f, 0, 1, b]", "[f, 1, 0, b]"),
        ("0xFF800000", "0.0"),
    ];
    let mut used = vec![false; others.len()];
    for name in PRIVATE {
        let text = text(name);
        let body = body(&text);
        for (k, (from, to)) in others.iter().enumerate() {
            for (offset, _) in text[body.clone()].match_indices(from) {
                let start = body.start + offset;
                refused(name, &text, start..start + from.len(), to);
                used[k] = true;
            }
        }
    }
    assert_eq!(used, vec![true; others.len()]);
}

#[test]
fn operands_and_lines_matter() {
    for name in PRIVATE {
        let text = text(name);
        let range = body(&text);
        let mut start = range.start;
        for line in text[range].split_inclusive('\n') {
            // `op %x, %y` to `op %y, %x`, unless the two are one.
            let operands: Vec<&str> =
                line.split(['(', ')', ' ', ',']).filter(|w| w.starts_with('%')).collect();
            if let [_, .., x, y] = operands[..]
                && x != y
                && line.contains(&format!("{x}, {y}"))
            {
                let swapped = line.replace(&format!("{x}, {y}"), &format!("{y}, {x}"));
                refused(name, &text, start..start + line.len(), &swapped);
            }
            if line.trim_start().starts_with('%') && line.ends_with("f32>\n") {
                refused(name, &text, start..start + line.len(), "");
                // A line too many, unused.
                let extra = format!("    %extra = {}", line.split_once("= ").unwrap().1);
                refused(name, &text, start + line.len()..start + line.len(), &extra);
            }
            start += line.len();
        }
    }
}

fn check(name: &str, from: &str, to: &str, error: Expect) {
    let text = text(name);
    let range = body(&text);
    let changed = format!("{}{}", &text[..range.start], text[range.clone()].replacen(from, to, 1));
    assert_ne!(changed, text, "{from} is not there");
    error.assert_eq(&Program::from_text(&changed).unwrap_err().to_string());
}

#[test]
fn errors_name_the_function_the_instruction_and_both_texts() {
    check(
        "relu",
        "0.0",
        "1.0",
        expect![
            "line 7, column 5: @relu is not the body of relu: instruction 0 is `%0 = stablehlo.constant dense<1.0> : tensor<2x3xf32>`, expected `%0 = stablehlo.constant dense<0.0> : tensor<2x3xf32>`"
        ],
    );
    check(
        "softmax_heads",
        "divide",
        "multiply",
        expect![
            "line 15, column 5: @softmax is not the body of softmax: instruction 8 is `%8 = stablehlo.multiply %4, %7 : tensor<2x3x4xf32>`, expected `%8 = stablehlo.divide %4, %7 : tensor<2x3x4xf32>`"
        ],
    );
    check(
        "softmax_cross_entropy_3",
        "stablehlo.divide",
        "stablehlo.multiply",
        expect![
            "line 21, column 5: @softmax_cross_entropy is not the body of softmax_cross_entropy: instruction 14 is `%14 = stablehlo.multiply %12, %13 : tensor<f32>`, expected `%14 = stablehlo.divide %12, %13 : tensor<f32>`"
        ],
    );
    check(
        "conv_input_grad_2",
        "[0, 1, o, i]",
        "[0, 1, i, o]",
        expect![
            "line 8, column 5: @conv_input_grad is not the body of conv_input_grad: instruction 1 is `%1 = stablehlo.convolution(%arg0, %0) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 2], [2, 2]], lhs_dilate = [2, 2], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32>`, expected `%1 = stablehlo.convolution(%arg0, %0) dim_numbers = [b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 2], [2, 2]], lhs_dilate = [2, 2], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32>`"
        ],
    );
    check(
        "conv_kernel_grad_3",
        "batch_group_count = 2",
        "batch_group_count = 1",
        expect![
            "line 7, column 5: @conv_kernel_grad is not the body of conv_kernel_grad: instruction 0 is `%0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [2, 1], pad = [[2, 1], [4, 3]], lhs_dilate = [1, 1], rhs_dilate = [2, 3]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x7x4xf32>, tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32>`, expected `%0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [2, 1], pad = [[2, 1], [4, 3]], lhs_dilate = [1, 1], rhs_dilate = [2, 3]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x7x4xf32>, tensor<2x4x5x6xf32>) -> tensor<3x2x4x6xf32>`"
        ],
    );
    check(
        "window_sum_grad_1",
        "interior = [0, 1",
        "interior = [0, 0",
        expect![
            "line 6, column 3: found @window_sum_grad, which resembles window_sum_grad, but window_sum_grad: shapes [2, 6, 2, 2] and [2, 3, 2, 2] differ, expected a body that prints relu, clamp, elu, softplus, erf_grad, variance, normalize, softmax, softmax_cross_entropy, conv_input_grad, conv_kernel_grad, window_sum_grad or max_pool_grad"
        ],
    );
    check(
        "max_pool_grad_3",
        "GT",
        "GE",
        expect![
            "line 13, column 5: @max_pool_grad is not the body of max_pool_grad: instruction 6 is `%6 = stablehlo.compare GE, %4, %2, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>`, expected `%6 = stablehlo.compare GT, %4, %2, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>`"
        ],
    );
    check(
        "normalize_0",
        "rsqrt",
        "sqrt",
        expect![
            "line 17, column 5: @normalize is not the body of variance: instruction 10 is `%10 = stablehlo.constant dense<0x3727C5AC> : tensor<5xf32>`, expected `return %9 : tensor<5xf32>`"
        ],
    );
    check(
        "variance_0",
        "[0, 1, 2]",
        "[0, 1, 2, 3]",
        expect![
            "line 8, column 5: @variance is not the body of variance: instruction 1 is `%1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.add across dimensions = [0, 1, 2, 3] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>`, expected `%1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.add across dimensions = [0, 1, 2, 3] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<f32>`"
        ],
    );
    check(
        "elu_tenth",
        "GT",
        "GE",
        expect![
            "line 8, column 5: @elu is not the body of elu: instruction 1 is `%1 = stablehlo.compare GE, %arg0, %0, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>`, expected `%1 = stablehlo.compare GT, %arg0, %0, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>`"
        ],
    );
    check(
        "clamp",
        "dense<6.0>",
        "dense<-1.0>",
        expect![
            "line 6, column 3: found @clamp, which resembles clamp, but clamp: the bounds 0 and -1 are not in order, expected a body that prints relu, clamp, elu, softplus, erf_grad, variance, normalize, softmax, softmax_cross_entropy, conv_input_grad, conv_kernel_grad, window_sum_grad or max_pool_grad"
        ],
    );
    check(
        "relu",
        "maximum",
        "add",
        expect![
            "line 6, column 3: found @relu, which is the body of no op, expected a body that prints relu, clamp, elu, softplus, erf_grad, variance, normalize, softmax, softmax_cross_entropy, conv_input_grad, conv_kernel_grad, window_sum_grad or max_pool_grad"
        ],
    );
}

#[test]
fn names_carry_no_meaning() {
    for name in PRIVATE {
        let text = text(name);
        let function = text.split_once("call @").unwrap().1.split_once('(').unwrap().0;
        for other in ["f", "softmax_of_something_else"] {
            let renamed = text.replace(&format!("@{function}("), &format!("@{other}("));
            assert_eq!(Program::from_text(&renamed), Program::from_text(&text), "{name}");
        }
    }
    // The body of one op under the name of another is the op of the body.
    let text = text("softmax_heads").replace("@softmax", "@relu");
    let program = Program::from_text(&text).unwrap();
    assert_eq!(program.graph.instructions[0].op, cotangent_graph::Op::Softmax);
}

#[test]
fn high_padding_is_the_least_that_fits_if_not_stated() {
    let text = text("conv_input_grad_2");
    let back = Program::from_text(&text).unwrap();
    let attribute = " attributes {cotangent.padding_high = array<i64: 0, 1>}";
    assert!(text.contains(attribute));
    let bare = Program::from_text(&text.replace(attribute, "")).unwrap();
    let cotangent_graph::Op::ConvInputGrad { dims, .. } = &bare.graph.instructions[0].op else {
        panic!("{:?}", bare.graph)
    };
    assert_eq!(dims.padding, [(1, 0), (0, 0)]);
    // One more cell leaves the output's size as it is, and is another op of
    // the same meaning; one with another output size is refused.
    assert_ne!(bare.graph, back.graph);
    for wrong in ["array<i64: 2, 1>", "array<i64: 0>", "array<i64: -1, 1>", "\"0, 1\""] {
        let changed = text.replace("array<i64: 0, 1>", wrong);
        assert!(Program::from_text(&changed).is_err(), "{wrong}");
    }
}

#[test]
fn a_call_has_the_types_of_its_function() {
    let text = text("relu").replace("tensor<2x3xf32>", "tensor<3x2xf32>");
    let (main, relu) = text.split_at(text.find("  func.func private").unwrap());
    let mixed = format!("{main}{}", relu.replace("tensor<3x2xf32>", "tensor<2x3xf32>"));
    let error = Program::from_text(&mixed).unwrap_err();
    assert!(matches!(error, ParseError::Unexpected { .. }));
    expect!["line 3, column 5: found a call of @relu with (tensor<3x2xf32>), expected (tensor<2x3xf32>), its arguments"].assert_eq(&error.to_string());
}
