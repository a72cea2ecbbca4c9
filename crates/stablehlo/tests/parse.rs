//! What the parser accepts and what it says of the rest.

mod cases;

use cases::program;
use cotangent_graph::{Builder, Comparison, Graph, Op, Precision, Role, TensorType};
use cotangent_stablehlo::{ParseError, Program};
use expect_test::{Expect, expect};

fn small() -> Graph {
    let mut b = Builder::new();
    let x = b.input("x", Role::Data, TensorType::real([2, 3])).unwrap();
    let w = b.input("w", Role::Param, TensorType::real([3, 4])).unwrap();
    let y = b.matmul(x, w).unwrap();
    let r = b.push(Op::Relu, &[y]).unwrap();
    let half = b.constant_like(cotangent_graph::Rational::new(1, 2).unwrap(), r).unwrap();
    let p = b.compare(Comparison::Ge, r, half).unwrap();
    let s = b.select(p, r, half).unwrap();
    let sum = b.reduce_sum(s, &[0, 1]).unwrap();
    b.output("sum", Role::Loss, sum);
    b.finish().unwrap()
}

const ANOTHER_LAYOUT: &str = r#"
// A comment before,
module @anything attributes {cotangent.what = "op",
    cotangent.model = "test", cotangent.batch = 2} {
  func.func private @g(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) { // between,
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<2x4xf32>
    %y = stablehlo.maximum %x, %zero : tensor<2x4xf32> return %y : tensor<2x4xf32>
  }
  func.func @main(
      %image : tensor< 2x3xf32 > {cotangent.role = "data", cotangent.name = "x"},
      %weight: tensor<3x4xf32> {cotangent.name = "w", cotangent.role = "param"}
  ) -> (tensor<f32> {cotangent.name = "sum", cotangent.role = "loss"}) {
    %cst = stablehlo.constant dense<0x00000000> : tensor<f32>
    %0=stablehlo.dot_general %image,%weight,contracting_dims=[1]x[0]:(tensor<2x3xf32>,tensor<3x4xf32>)->tensor<2x4xf32>
    %a.b$c_1 = func.call @g(%0)
        : (tensor<2x4xf32>)
        -> tensor<2x4xf32>
    %cst_0 = stablehlo.constant dense<5.000000e-01> : tensor<2x4xf32>
    %1 = stablehlo.compare GE, %a.b$c_1, %cst_0, FLOAT : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xi1>
    %2 = stablehlo.select %1, %a.b$c_1, %cst_0 : tensor<2x4xi1>, tensor<2x4xf32>
    %3 = stablehlo.reduce(%2 init: %cst) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<f32>
    func.return %3 : tensor<f32>
  }
}
// and after."#;

#[test]
fn layout_names_and_order_do_not_matter() {
    let parsed = Program::from_text(ANOTHER_LAYOUT).unwrap();
    assert_eq!(parsed, program(small(), Precision::F32));
}

/// `small`, with the first `from` replaced.
fn check(from: &str, to: &str, error: Expect) {
    let text = program(small(), Precision::F32).to_text().unwrap();
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "{from} is not there");
    error.assert_eq(&Program::from_text(&changed).unwrap_err().to_string());
}

#[test]
fn syntax_errors_say_where_and_what() {
    check("module", "modul", expect!["line 1, column 1: found `modul`, expected `module`"]);
    check(
        "func.func public",
        "func public",
        expect!["line 2, column 3: found `func`, expected `func.func` or `}`"],
    );
    check(
        "%0 = stablehlo.dot_general",
        "%0 stablehlo.dot_general",
        expect!["line 3, column 8: found `stablehlo.dot_general`, expected `=`"],
    );
    check(
        "stablehlo.dot_general",
        "stablehlo.dot",
        expect![
            "line 3, column 10: found `stablehlo.dot`, expected a StableHLO op of those that `emit` writes, or `call`"
        ],
    );
    check(
        "%arg0, %arg1, contracting",
        "%arg0, contracting",
        expect!["line 3, column 39: found `contracting_dims`, expected a value such as `%0`"],
    );
    check("x [0]", "y [0]", expect!["line 3, column 69: found `y`, expected `x`"]);
    check("GE,", "LT,", expect!["line 6, column 28: found `LT,`, expected `EQ`, `GT` or `GE`"]);
    check(
        "dense<0.5>",
        "dense<1>",
        expect![
            "line 5, column 35: found `1`, expected a finite decimal such as `0.5`, or a bit pattern of f32 such as `0x3F666666`; no negative zero"
        ],
    );
    check(
        "dense<0.5>",
        "dense<0x7F800000>",
        expect![
            "line 5, column 35: found `0x7F800000`, expected a finite decimal such as `0.5`, or a bit pattern of f32 such as `0x3F666666`; no negative zero"
        ],
    );
    check(
        "tensor<3x4xf32>",
        "tensor<3x4xf16>",
        expect![
            "line 2, column 116: found `f16>`, expected a dimension such as `2x`, or `f32`, `f64` or `i1`"
        ],
    );
    check(
        "tensor<3x4xf32>",
        "tensor<3x-4xf32>",
        expect![
            "line 2, column 114: found `-4xf32>`, expected a dimension such as `2x`, or `f32`, `f64` or `i1`"
        ],
    );
    check(
        "= 2 : i64",
        "= 99999999999999999999",
        expect![
            "line 1, column 42: found `99999999999999999999`, expected a whole number of at most 63 bits"
        ],
    );
    check(
        "\"test\"",
        "\"test",
        expect![[r#"line 1, column 94: found `op"}`, expected `,` or `}`"#]],
    );
    check(
        "return %6",
        "",
        expect![
            "line 10, column 6: found `:`, expected an instruction such as `%0 = ..`, or `return`"
        ],
    );
}

#[test]
fn errors_of_meaning_say_where_and_what() {
    check(
        "%arg0, %arg1, c",
        "%arg0, %arg2, c",
        expect!["line 3, column 39: found %arg2, expected a value defined above in this function"],
    );
    check(
        "call @relu(%0)",
        "call @relu(%1)",
        expect!["line 4, column 21: found %1, expected a value defined above in this function"],
    );
    check(
        "call @relu",
        "call @gelu",
        expect![
            "line 4, column 5: found a call of @gelu, expected a private function of the module"
        ],
    );
    check(
        "(tensor<2x3xf32>, tensor<3x4xf32>)",
        "(tensor<2x3xf32>, tensor<4x3xf32>)",
        expect![
            "line 3, column 95: found tensor<4x3xf32>, expected tensor<3x4xf32>, the value's type"
        ],
    );
    check(
        "contracting_dims = [1] x [0]",
        "contracting_dims = [0] x [0]",
        expect![
            "line 3, column 5: dot_general: lhs [2, 3] and rhs [3, 4]: paired dimensions [0] and [0] differ in size"
        ],
    );
    check(
        "%5 = stablehlo.constant dense<0.0>",
        "%5 = stablehlo.constant dense<1.0>",
        expect![
            "line 9, column 5: found another initial value or fill, expected the scalar constant 0.0"
        ],
    );
    check(
        "applies stablehlo.add",
        "applies stablehlo.maximum",
        expect![
            "line 9, column 5: found stablehlo.reduce of maximum in @main, expected an op of the graph; this one is only ever inside the private function of another"
        ],
    );
    check(
        "dense<0.5>",
        "dense<0xFF800000>",
        expect![
            "line 5, column 5: found -inf, expected a finite constant; -inf is only the initial value of a maximum"
        ],
    );
    check(
        "%3 = ",
        "%2 = ",
        expect!["line 6, column 5: found a second definition of %2, expected a new name"],
    );
    check(
        "\"param\"",
        "\"parameter\"",
        expect![
            "line 2, column 3: found cotangent.role of `w`: `parameter` is not a role; the roles are param, state, stat, ema, data, target, mask, hyper, grad, loss, logits, expected a role"
        ],
    );
    check(
        "cotangent.name = \"w\", ",
        "",
        expect![[
            r#"line 2, column 3: found an argument or result of @main without name or role, expected `{cotangent.name = "..", cotangent.role = ".."}` on each"#
        ]],
    );
    check(
        "cotangent.what = \"op\"",
        "cotangent.what = \"training\"",
        expect![[
            r#"line 1, column 1: found cotangent.what = "training", expected one of train, grad, forward, eval, op"#
        ]],
    );
    check(
        "cotangent.model",
        "cotangent.modle",
        expect![
            "line 1, column 1: found attribute `cotangent.modle`, expected one of cotangent.batch, cotangent.model, cotangent.options, cotangent.spec, cotangent.what"
        ],
    );
    // Executors read attributes of other dialects.
    check(
        "cotangent.batch",
        "mhlo.num_replicas = 2 : i32, cotangent.batch",
        expect![
            "line 1, column 1: found attribute `mhlo.num_replicas`, expected one of cotangent.batch, cotangent.model, cotangent.options, cotangent.spec, cotangent.what"
        ],
    );
    check(
        "cotangent.name = \"w\"",
        "mhlo.sharding = \"x\", cotangent.name = \"w\"",
        expect![
            "line 2, column 3: found attribute `mhlo.sharding`, expected one of cotangent.name, cotangent.role"
        ],
    );
    check(
        "\"w\"",
        "\"x\"",
        expect!["line 2, column 3: two inputs are named `x`; names must differ"],
    );
    check(
        "@main",
        "@step",
        expect![
            "line 2, column 3: found public function @step, expected `@main` as the one public function"
        ],
    );
    check(
        "private @relu",
        "private @relu_2",
        expect![
            "line 4, column 5: found a call of @relu, expected a private function of the module"
        ],
    );
    check(
        "cotangent.batch = 2",
        "cotangent.batch = -2",
        expect![
            "line 1, column 1: found no usable `cotangent.batch`, expected `cotangent.batch = N : i64`"
        ],
    );
}

#[test]
fn positions_are_of_the_offending_token() {
    let text = program(small(), Precision::F32).to_text().unwrap();
    let changed = text.replace("GE,", "LT,");
    let error = Program::from_text(&changed).unwrap_err();
    let line = changed.lines().nth(error.at().line - 1).unwrap();
    assert!(line[error.at().column - 1..].starts_with("LT,"), "{error}");
}

#[test]
fn precisions_do_not_mix() {
    let text = program(small(), Precision::F64).to_text().unwrap();
    let private = text.find("  func.func private").unwrap();
    let mixed = format!("{}{}", &text[..private], text[private..].replace("f64", "f32"));
    assert!(matches!(Program::from_text(&mixed), Err(ParseError::Unexpected { .. })));
    let mixed = text.replacen("> : tensor<2x4xf64>", "> : tensor<2x4xf32>", 1);
    assert!(Program::from_text(&mixed).is_err());
}

#[test]
fn only_forward_convolutions_and_ops_of_the_graph_stand_in_main() {
    for (name, from, to) in [
        ("convolution_2", "lhs_dilate = [1, 1]", "lhs_dilate = [2, 1]"),
        ("convolution_2", "pad = [[1, 0]", "pad = [[-1, 0]"),
        ("convolution_2", "[0, 1, i, o]", "[0, 1, o, i]"),
        ("convolution_4", "batch_group_count = 1", "batch_group_count = 2"),
        ("add", "stablehlo.add", "stablehlo.minimum"),
        ("add", "stablehlo.add", "stablehlo.atan2"),
        ("exponential", "exponential", "exponential_minus_one"),
        ("log", "stablehlo.log", "stablehlo.log_plus_one"),
        ("erf", "-> tensor<2x3xf32>\n", "-> tensor<2x3xf64>\n"),
        ("erf", "chlo.erf", "stablehlo.erf"),
        ("erf", "chlo.erf", "chlo.erfc"),
        ("slice_strided", "1:5:2", "1:6:2"),
        ("slice_strided", "1:5:2", "1:5:0"),
        ("pad", "dense<0.0>", "dense<1.0>"),
        ("pad", "dense<0.0>", "dense<0xFF800000>"),
        ("pad", "%arg0, %0", "%arg0, %arg0"),
        ("pad", "low = [0, 1]", "low = [1, 0]"),
        ("pad", "low = [0, 1], high = [2, 0]", "low = [-1, 1], high = [3, 0]"),
        ("pad", "low = [0, 1], high = [2, 0]", "low = [0], high = [2, 0]"),
        ("concatenate", "dim = 0", "dim = 1"),
        ("concatenate", "dim = 0", "dim = 2"),
        ("concatenate", "%arg0, %arg1, dim", "%arg0, dim"),
        ("concatenate_four", ", dim = 1", " dim = 1"),
        ("max_pool_1", "stablehlo.maximum", "stablehlo.add"),
        ("window_sum_1", "[1, 1]", "[1, -1]"),
        ("reduce_sum_1", "init: %0", "init: %arg0"),
    ] {
        let cases = cases::all();
        let (_, graph) = cases.iter().find(|(n, _)| n == name).unwrap();
        let text = program(graph.clone(), Precision::F32).to_text().unwrap();
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{name}: {from}");
        assert!(Program::from_text(&changed).is_err(), "{name}: {from}");
    }
}
