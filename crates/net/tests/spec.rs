//! Specifications as text, and what networks come to.

use cotangent_graph::{Builder, Role, TensorType};
use cotangent_net::layers::{AvgPool, Conv2d, Padding, Pair};
use cotangent_net::{Loss, LossPart, Mode, NetSpec, Number, Values, initialize};
use expect_test::expect;

fn everything() -> NetSpec {
    let conv = Conv2d {
        stride: Pair([2, 1]),
        padding: Padding::Sides([(1, 2), (0, 1)]),
        dilation: Pair::both(2),
        groups: 2,
        bias: false,
        ..Conv2d::new(6, Pair::both(3))
    };
    let pool =
        AvgPool { padding: Padding::SAME, count_include_pad: false, ..AvgPool::new(Pair::both(3)) };
    NetSpec::new("everything", [17, 16, 4])
        .layer(conv)
        .named("odd")
        .relu()
        .layer(pool)
        .conv2d(8, 1)
        .max_pool(2)
        .flatten()
        .dense(5)
}

#[test]
fn text_form_reads_back() {
    let spec = everything();
    let text = spec.to_toml();
    expect![[r#"
        name = "everything"
        input = [17, 16, 4]
        loss = "softmax_cross_entropy"
        layers = [
          { kind = "conv2d", name = "odd", bias = false, dilation = 2, features = 6, groups = 2, kernel = 3, padding = [[1, 2], [0, 1]], stride = [2, 1] },
          { kind = "relu" },
          { kind = "avg_pool", count_include_pad = false, padding = "same", window = 3 },
          { kind = "conv2d", features = 8, kernel = 1 },
          { kind = "max_pool", window = 2 },
          { kind = "flatten" },
          { kind = "dense", features = 5 },
        ]
    "#]]
    .assert_eq(&text);
    assert_eq!(NetSpec::from_toml(&text), Ok(spec));
}

#[test]
fn losses_of_parts_read_back() {
    let parts = [
        LossPart::new(Loss::SoftmaxCrossEntropy, 2),
        LossPart::new(Loss::MeanSquaredError, 3).weight(Number::ratio(3, 10)),
    ];
    let spec = NetSpec::new("two", [4]).dense(5).losses(parts);
    let text = spec.to_toml();
    expect![[r#"
        name = "two"
        input = [4]
        losses = [
          { kind = "softmax_cross_entropy", features = 2 },
          { kind = "mean_squared_error", features = 3, weight = 0.3 },
        ]
        layers = [
          { kind = "dense", features = 5 },
        ]
    "#]]
    .assert_eq(&text);
    assert_eq!(NetSpec::from_toml(&text), Ok(spec.clone()));
    let net = spec.network().unwrap();
    assert_eq!((net.classes(), net.features(), net.answer_shape()), (2, 5, vec![2]));
    let json = net.to_json();
    let expected = serde_json::json!([
        { "kind": "softmax_cross_entropy", "features": 2, "weight": 1.0 },
        { "kind": "mean_squared_error", "features": 3, "weight": 0.3 },
    ]);
    assert_eq!((&json["losses"], json.get("loss")), (&expected, None));
    let one = NetSpec::new("one", [4]).dense(5).network().unwrap().to_json();
    assert_eq!((&one["loss"], one.get("losses")), (&"softmax_cross_entropy".into(), None));
}

#[test]
fn resolving_changes_nothing() {
    let net = everything().network().unwrap();
    let again = NetSpec::from_toml(&net.resolved().to_toml()).unwrap().network().unwrap();
    let forward = |net: &cotangent_net::Network| {
        let mut b = Builder::new();
        let params: Vec<_> = net
            .params()
            .iter()
            .map(|p| b.input(&p.name, Role::Param, TensorType::real(p.shape.clone())).unwrap())
            .collect();
        let x = b.input("x", Role::Data, net.data_type(3)).unwrap();
        let values = Values { params: &params, ..Values::default() };
        let logits = net.forward(&mut b, values, x, Mode::Training).unwrap().logits;
        b.output("logits", Role::Logits, logits);
        b.finish().unwrap()
    };
    assert_eq!(forward(&net), forward(&again));
    assert_eq!(forward(&net).ty(forward(&net).outputs[0].value).shape, [3, 5]);
}

#[test]
fn planned_shapes_are_the_graphs() {
    let net = everything().network().unwrap();
    let shapes: Vec<_> = net.layers().iter().map(|l| l.output.clone()).collect();
    expect![[r#"[[8, 13, 6], [8, 13, 6], [3, 5, 6], [3, 5, 8], [1, 2, 8], [16], [5]]"#]]
        .assert_eq(&format!("{shapes:?}"));
}

#[test]
fn initial_parameters_have_the_stated_variance() {
    let net = NetSpec::new("n", [400]).dense(300).network().unwrap();
    let params = initialize(&net, 1);
    let mean = params[0].iter().map(|&w| f64::from(w)).sum::<f64>() / 120_000.0;
    let variance = params[0].iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / 120_000.0;
    assert!(mean.abs() < 1e-3, "{mean}");
    assert!((variance * 200.0 - 1.0).abs() < 0.02, "{variance}");
    assert!(params[1].iter().all(|&b| b == 0.0));
    assert_eq!(params, initialize(&net, 1));
    assert_ne!(params, initialize(&net, 2));
}

#[test]
fn json_leaves_nothing_to_default() {
    let net =
        NetSpec::new("n", [5, 4, 1]).conv2d(2, 3).max_pool(2).flatten().dense(3).network().unwrap();
    expect![[r#"
        [
          {"bias":true,"dilation":1,"features":2,"groups":1,"init":"he_normal","kernel":3,"kind":"conv2d","name":"conv2d_1","padding":[[1,1],[1,1]],"params":"conv2d_1","stride":1}
          {"kind":"max_pool","name":"max_pool_1","padding":[[0,0],[0,0]],"params":"max_pool_1","stride":2,"window":2}
          {"kind":"flatten","name":"flatten_1","params":"flatten_1"}
          {"bias":true,"features":3,"init":"he_normal","kind":"dense","name":"dense_1","params":"dense_1"}
        ]
    "#]]
    .assert_eq(&format!(
        "[\n{}]\n",
        net.to_json()["layers"].as_array().unwrap().iter().map(|l| format!("  {l}\n")).collect::<String>()
    ));
}
