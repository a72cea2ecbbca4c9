//! The updates against the formulas written out for one number.

use cotangent_graph::Graph;
use cotangent_interp::{Tensor, Value, run};
use cotangent_net::{NetSpec, Network};
use cotangent_step::{Optimizer, train};

/// A net whose gradient is known: one weight vector against one example,
/// three classes, no bias. `dL/dw_c = (softmax(x·w)_c - t_c) · x`.
fn tiny() -> Network {
    let dense =
        cotangent_net::layers::Dense { bias: false, ..cotangent_net::layers::Dense::new(3) };
    NetSpec::new("tiny", [1]).layer(cotangent_net::LayerKind::Dense(dense)).network().unwrap()
}

const X: f64 = 1.7;
const TARGET: [f64; 3] = [0.0, 1.0, 0.0];

fn gradient(w: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = w.iter().map(|w| (w * X).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().zip(TARGET).map(|(e, t)| (e / sum - t) * X).collect()
}

/// Runs `steps` steps from `w`, returns the weights.
fn run_steps(optimizer: &str, lr: f64, mut w: Vec<f64>, steps: usize) -> Vec<f64> {
    let optimizer: Optimizer = optimizer.parse().unwrap();
    let net = tiny();
    let graph: Graph = train(&net, 1, &optimizer).unwrap();
    let mut state: Vec<Value<f64>> = optimizer
        .state(&net)
        .iter()
        .map(|t| real(&t.shape, vec![f64::from(t.initial); t.shape.iter().product()]))
        .collect();
    for _ in 0..steps {
        let mut inputs = vec![real(&[1, 3], w.clone())];
        inputs.extend(state.clone());
        inputs.extend([
            real(&[1, 1], vec![X]),
            real(&[1, 3], TARGET.to_vec()),
            real(&[], vec![lr]),
        ]);
        let outputs = run(&graph, &inputs).unwrap();
        let Value::Real(new) = &outputs[0] else { panic!("weights are real") };
        w = new.data().to_vec();
        state = outputs[1..1 + state.len()].to_vec();
    }
    w
}

fn real(shape: &[usize], data: Vec<f64>) -> Value<f64> {
    Value::Real(Tensor::new(shape.to_vec(), data).unwrap())
}

fn assert_close(found: &[f64], expected: &[f64]) {
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-13, "{found:?} {expected:?}");
    }
}

const START: [f64; 3] = [0.3, -0.2, 0.5];

#[test]
fn sgd_with_decay() {
    let mut w = START.to_vec();
    for _ in 0..3 {
        let g = gradient(&w);
        w = w.iter().zip(g).map(|(w, g)| w - 0.1 * (g + 0.25 * w)).collect();
    }
    assert_close(&run_steps("sgd(weight_decay=0.25)", 0.1, START.to_vec(), 3), &w);
}

#[test]
fn momentum() {
    let (mut w, mut v) = (START.to_vec(), vec![0.0; 3]);
    for _ in 0..3 {
        let g = gradient(&w);
        for k in 0..3 {
            v[k] = 0.9 * v[k] + g[k] + 0.25 * w[k];
            w[k] -= 0.1 * v[k];
        }
    }
    assert_close(&run_steps("momentum(weight_decay=0.25)", 0.1, START.to_vec(), 3), &w);
}

#[test]
fn adamw() {
    let (mut w, mut m, mut v) = (START.to_vec(), [0.0; 3], [0.0; 3]);
    for t in 1..=3 {
        let g = gradient(&w);
        for k in 0..3 {
            w[k] -= 0.1 * 0.25 * w[k];
            m[k] = 0.9 * m[k] + (1.0 - 0.9) * g[k];
            v[k] = 0.999 * v[k] + (1.0 - 0.999) * g[k] * g[k];
            let m_hat = m[k] / (1.0 - 0.9f64.powi(t));
            let v_hat = v[k] / (1.0 - 0.999f64.powi(t));
            w[k] -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8);
        }
    }
    assert_close(&run_steps("adamw(weight_decay=0.25)", 0.1, START.to_vec(), 3), &w);
}

#[test]
fn a_wrong_formula_is_noticed() {
    let with = run_steps("adamw(weight_decay=0.25)", 0.1, START.to_vec(), 3);
    let coupled = run_steps("adamw(weight_decay=0)", 0.1, START.to_vec(), 3);
    assert!(with.iter().zip(&coupled).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn optimizers_read_back() {
    for text in ["sgd", "momentum(momentum=0.95)", "adamw(beta1=1/3,eps=1e-6)"] {
        let optimizer: Optimizer = text.parse().unwrap();
        assert_eq!(optimizer.to_string().parse::<Optimizer>(), Ok(optimizer));
    }
    for (bad, why) in [
        ("adam", "unknown optimizer `adam`"),
        ("sgd(momentum=0.9)", "no constant `momentum`"),
        ("momentum(momentum=1)", "must be at least 0 and below 1"),
        ("adamw(eps=0)", "must be above 0"),
        ("adamw(weight_decay=-1)", "must be at least 0"),
        ("adamw(beta1=0.9", "closing"),
    ] {
        let error = bad.parse::<Optimizer>().unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn batch_sizes_are_bounded() {
    assert!(train(&tiny(), 0, &"sgd".parse().unwrap()).is_err());
    assert!(train(&tiny(), usize::MAX, &"sgd".parse().unwrap()).is_err());
}
