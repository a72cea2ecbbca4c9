//! Whole train steps, and random graphs, against the interpreter.

mod support;

use cotangent_graph::{Graph, Role};
use cotangent_interp::Value;
use support::{data, executor, interpret};

/// Largest distance over the elements, relative to the largest magnitude.
fn distance(want: &[f64], got: &[f32]) -> f64 {
    let scale = want.iter().fold(1e-30, |m: f64, x| m.max(x.abs()));
    let largest = want.iter().zip(got).fold(0.0, |m: f64, (a, b)| m.max((a - f64::from(*b)).abs()));
    largest / scale
}

fn inputs(graph: &Graph) -> Vec<Vec<f32>> {
    let mut all = support::inputs(graph, 5);
    for (x, i) in all.iter_mut().zip(&graph.inputs) {
        match i.role {
            Role::Target => {
                let classes = i.ty.shape[1];
                x.fill(0.0);
                x.chunks_mut(classes).enumerate().for_each(|(k, row)| row[k % classes] = 1.0);
            }
            Role::Param => x.iter_mut().for_each(|v| *v *= 0.1),
            // Second moments and powers of β are not negative.
            Role::State => x.iter_mut().for_each(|v| *v = v.abs() * 0.1 + 0.2),
            Role::Hyper => x.fill(0.01),
            _ => {}
        }
    }
    all
}

/// The executor's distance to the f64 truth is at most 4 times the f32
/// interpreter's, plus 1e-6 of scale (both round; neither is the reference).
#[test]
fn train_steps() {
    for (name, batch) in [("mnist-linear", 9), ("mnist-mlp", 8), ("mnist-cnn", 3)] {
        let network = cotangent_zoo::find(name).unwrap().spec().network().unwrap();
        for optimizer in ["sgd", "momentum", "adamw"] {
            let graph =
                cotangent_step::train(&network, batch, &optimizer.parse().unwrap()).unwrap();
            let inputs = inputs(&graph);
            let truth = interpret(&graph, &inputs, f64::from);
            let single = interpret(&graph, &inputs, |x| x);
            for threads in [1, 2] {
                let mut e = executor(&graph, threads, &inputs);
                e.run().unwrap();
                for (o, want) in truth.iter().enumerate() {
                    let bound = 4.0 * distance(want, &single[o]) + 1e-6;
                    let found = distance(want, e.output(o));
                    let output = &graph.outputs[o].name;
                    assert!(
                        found <= bound,
                        "{name}, {optimizer}, {threads} threads: `{output}` is {found:e} from \
                         the f64 value, more than {bound:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_same_bits_every_time() {
    for (name, batch) in [("mnist-mlp", 64), ("mnist-cnn", 16)] {
        let network = cotangent_zoo::find(name).unwrap().spec().network().unwrap();
        let graph = cotangent_step::train(&network, batch, &"adamw".parse().unwrap()).unwrap();
        let inputs = inputs(&graph);
        for threads in [1, 2, 3] {
            let mut pair = [executor(&graph, threads, &inputs), executor(&graph, threads, &inputs)];
            for _ in 0..4 {
                pair.iter_mut().for_each(|e| e.run().unwrap());
                for o in 0..graph.outputs.len() {
                    let bits = |k: usize| pair[k].output(o).iter().map(|x| x.to_bits());
                    assert!(bits(0).eq(bits(1)), "{name}: `{}` differs", graph.outputs[o].name);
                }
            }
        }
    }
}

/// Every parameter and every optimiser state is updated where it lies.
#[test]
fn train_steps_update_in_place() {
    for name in ["mnist-linear", "mnist-mlp", "mnist-cnn"] {
        let network = cotangent_zoo::find(name).unwrap().spec().network().unwrap();
        for optimizer in ["sgd", "momentum", "adamw"] {
            let optimizer = optimizer.parse().unwrap();
            let graph = cotangent_step::train(&network, 4, &optimizer).unwrap();
            let mut e = executor(&graph, 2, &inputs(&graph));
            let resident = graph.inputs.iter().enumerate().filter(|(_, i)| i.role.is_resident());
            let at: Vec<(usize, *const f32)> =
                resident.map(|(k, _)| (k, e.input(k).as_ptr())).collect();
            e.run().unwrap();
            for (k, before) in at {
                assert_eq!(before, e.input(k).as_ptr(), "{name}: `{}`", graph.inputs[k].name);
            }
        }
    }
}

/// What fusion is for: a dense layer is one pass forward, and one for each of
/// its gradients, updates included; the biases have their updates, everything
/// else is the loss.
#[test]
fn passes_of_a_train_step() {
    let passes = |name: &str, optimizer: &str| {
        let network = cotangent_zoo::find(name).unwrap().spec().network().unwrap();
        let graph = cotangent_step::train(&network, 128, &optimizer.parse().unwrap()).unwrap();
        executor(&graph, 2, &inputs(&graph)).steps()
    };
    // 3 layers: forward 3, loss and its gradient 3, input gradients 2, kernels
    // with updates 3, biases 3; AdamW's powers of β and of 1 - β.
    assert_eq!(passes("mnist-mlp", "sgd"), 14);
    assert_eq!(passes("mnist-mlp", "adamw"), 17);
    // 4 layers with the pool: forward 5, loss 3, input gradients 3 and the
    // pool's, kernels 4, biases 4.
    assert_eq!(passes("mnist-cnn", "sgd"), 20);
}

/// A train step reads the data anew: a second run on other data is what a
/// fresh executor makes of it.
#[test]
fn nothing_is_left_over_from_the_last_run() {
    let network = cotangent_zoo::find("mnist-cnn").unwrap().spec().network().unwrap();
    let graph = cotangent_step::train(&network, 4, &"momentum".parse().unwrap()).unwrap();
    let inputs = inputs(&graph);
    let mut used = executor(&graph, 2, &inputs);
    used.run().unwrap();
    let x = graph.input("x").unwrap();
    let mut changed: Vec<Vec<f32>> =
        (0..graph.inputs.len()).map(|k| used.input(k).to_vec()).collect();
    changed[x] = data(changed[x].len(), 99);
    used.input_mut(x).copy_from_slice(&changed[x]);
    used.run().unwrap();
    let mut fresh = executor(&graph, 2, &changed);
    fresh.run().unwrap();
    for o in 0..graph.outputs.len() {
        assert_eq!(used.output(o), fresh.output(o), "`{}`", graph.outputs[o].name);
    }
}

/// Random graphs, and their losses with gradients, which have more to fuse.
#[test]
fn random_graphs() {
    for seed in 0..150 {
        let size = 10 + seed as usize % 40;
        let (forward, values) = cotangent_check::random_graph(seed, size).unwrap();
        let graph = cotangent_check::differentiated(&forward, cotangent_vjp::rule).unwrap();
        let mut all = cotangent_check::sample_inputs(&graph, seed).unwrap();
        all[..values.len()].clone_from_slice(&values);
        for (graph, values) in [(forward, values), (graph, all)] {
            let inputs: Vec<Vec<f32>> = values.iter().map(single).collect();
            near_the_truth(&graph, &inputs, &format!("seed {seed}"));
        }
    }
}

#[test]
fn cases_of_every_op() {
    for case in cotangent_check::cases().unwrap() {
        let graph = cotangent_check::differentiated(&case.forward, cotangent_vjp::rule).unwrap();
        let values = case.inputs(&graph).unwrap();
        let inputs: Vec<Vec<f32>> = values.iter().map(single).collect();
        near_the_truth(&graph, &inputs, &case.name);
    }
}

/// As in [`train_steps`], but cancellation makes single elements of random
/// graphs worse, for the interpreter as for the executor: 1e-5 of scale, where
/// the scale is the largest output's.
fn near_the_truth(graph: &Graph, inputs: &[Vec<f32>], context: &str) {
    let truth = interpret(graph, inputs, f64::from);
    let reference = interpret(graph, inputs, |x| x);
    let scale = truth.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
    for threads in [1, 2] {
        let mut e = executor(graph, threads, inputs);
        e.run().unwrap();
        for (o, want) in truth.iter().enumerate() {
            let far = |got: &[f32]| {
                want.iter().zip(got).fold(0.0, |m: f64, (a, b)| m.max((a - f64::from(*b)).abs()))
            };
            let (bound, found) = (4.0 * far(&reference[o]) + 1e-5 * scale, far(e.output(o)));
            let name = &graph.outputs[o].name;
            assert!(found <= bound, "{context}, `{name}`: {found:e} > {bound:e}\n{}", e.describe());
        }
    }
}

fn single(v: &Value<f64>) -> Vec<f32> {
    v.real().unwrap().data().iter().map(|&x| x as f32).collect()
}
