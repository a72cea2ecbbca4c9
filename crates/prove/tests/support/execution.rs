//! What graphs compute, by the interpreter in f64.

use cotangent_check::sample_inputs;
use cotangent_graph::Graph;
use cotangent_interp::{Value, run};

/// The largest difference between the outputs of `a` and `b`, whose arguments
/// and results are alike, on the inputs of `seed`.
pub fn difference(a: &Graph, b: &Graph, seed: u64) -> f64 {
    let inputs = sample_inputs(a, seed).unwrap();
    let outputs = |g: &Graph| run::<f64>(g, &inputs).unwrap();
    outputs(a).iter().zip(&outputs(b)).map(|(a, b)| distance(a, b)).fold(0.0, f64::max)
}

/// The largest distance between elements. Where neither or only one is a
/// number, that says nothing.
fn distance(a: &Value<f64>, b: &Value<f64>) -> f64 {
    let (a, b) = (a.real().unwrap(), b.real().unwrap());
    assert_eq!(a.shape(), b.shape());
    a.data()
        .iter()
        .zip(b.data())
        .map(|(x, y)| (x - y).abs())
        .filter(|d| d.is_finite())
        .fold(0.0, f64::max)
}
