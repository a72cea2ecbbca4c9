//! The optimisers (`SEMANTICS.md`, "Optimisers").

use crate::harness::{PARAMS, World, follows};

/// Applies `one` to every number of every parameter: θ, g, and the state named
/// `prefixes` for it.
fn each<const N: usize>(
    world: &mut World,
    gradients: &World,
    prefixes: [&str; N],
    one: impl Fn(&mut f64, f64, [&mut f64; N]),
) {
    for p in PARAMS {
        for k in 0..3 {
            let mut theta = world[p][k];
            let mut state = prefixes.map(|s| world[&format!("{s}.{p}")][k]);
            one(&mut theta, gradients[p][k], state.each_mut());
            world.get_mut(p).unwrap()[k] = theta;
            for (prefix, x) in prefixes.iter().zip(state) {
                world.get_mut(&format!("{prefix}.{p}")).unwrap()[k] = x;
            }
        }
    }
}

/// Multiplies the powers on; 1 - β₁ᵗ and 1 - β₂ᵗ.
fn corrections(world: &mut World, betas: [f64; 2]) -> [f64; 2] {
    let names = ["beta1_power", "beta2_power"];
    [0, 1].map(|k| {
        let power = &mut world.get_mut(names[k]).unwrap()[0];
        *power *= betas[k];
        1.0 - *power
    })
}

#[test]
fn sgd() {
    follows("sgd(weight_decay=0.25)", &|world, g, lr, _| {
        each(world, g, [], |p, g, []| *p -= lr * (g + 0.25 * *p));
    });
    follows("sgd", &|world, g, lr, _| each(world, g, [], |p, g, []| *p -= lr * g));
}

#[test]
fn momentum() {
    follows("momentum(momentum=0.8,weight_decay=0.25)", &|world, g, lr, _| {
        each(world, g, ["momentum"], |p, g, [v]| {
            *v = 0.8 * *v + g + 0.25 * *p;
            *p -= lr * *v;
        });
    });
}

#[test]
fn nesterov() {
    follows("nesterov(momentum=0.8,weight_decay=0.25)", &|world, g, lr, _| {
        each(world, g, ["momentum"], |p, g, [v]| {
            let g = g + 0.25 * *p;
            *v = 0.8 * *v + g;
            *p -= lr * (g + 0.8 * *v);
        });
    });
}

#[test]
fn adam() {
    follows("adam(weight_decay=0.25)", &|world, g, lr, _| {
        let [c1, c2] = corrections(world, [0.9, 0.999]);
        each(world, g, ["m", "v"], |p, g, [m, v]| {
            let g = g + 0.25 * *p;
            *m = 0.9 * *m + (1.0 - 0.9) * g;
            *v = 0.999 * *v + (1.0 - 0.999) * g * g;
            *p -= lr * (*m / c1) / ((*v / c2).sqrt() + 1e-8);
        });
    });
}

#[test]
fn adamw() {
    follows("adamw(weight_decay=0.25)", &|world, g, lr, _| {
        let [c1, c2] = corrections(world, [0.9, 0.999]);
        each(world, g, ["m", "v"], |p, g, [m, v]| {
            *p -= lr * 0.25 * *p;
            *m = 0.9 * *m + (1.0 - 0.9) * g;
            *v = 0.999 * *v + (1.0 - 0.999) * g * g;
            *p -= lr * (*m / c1) / ((*v / c2).sqrt() + 1e-8);
        });
    });
}

#[test]
fn rmsprop() {
    follows("rmsprop(alpha=0.7,eps=0.001,weight_decay=0.25)", &|world, g, lr, _| {
        each(world, g, ["v"], |p, g, [v]| {
            let g = g + 0.25 * *p;
            *v = 0.7 * *v + (1.0 - 0.7) * g * g;
            *p -= lr * g / (v.sqrt() + 0.001);
        });
    });
}

#[test]
fn rmsprop_with_momentum() {
    follows("rmsprop(momentum=0.6,weight_decay=0.25)", &|world, g, lr, _| {
        each(world, g, ["v", "momentum"], |p, g, [v, u]| {
            let g = g + 0.25 * *p;
            *v = 0.99 * *v + (1.0 - 0.99) * g * g;
            *u = 0.6 * *u + g / (v.sqrt() + 1e-8);
            *p -= lr * *u;
        });
    });
}

/// LAMB with decay `decays` of weight and bias.
fn lamb(world: &mut World, g: &World, lr: f64, decays: [f64; 2]) {
    let [c1, c2] = corrections(world, [0.9, 0.999]);
    let before = world.clone();
    // First r itself in place of θ.
    each(world, g, ["m", "v"], |p, g, [m, v]| {
        *m = 0.9 * *m + (1.0 - 0.9) * g;
        *v = 0.999 * *v + (1.0 - 0.999) * g * g;
        *p = (*m / c1) / ((*v / c2).sqrt() + 1e-6);
    });
    for (p, decay) in PARAMS.into_iter().zip(decays) {
        let theta = &before[p];
        let r: Vec<f64> = world[p].iter().zip(theta).map(|(q, t)| q + decay * t).collect();
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let both = norm(theta) > 0.0 && norm(&r) > 0.0;
        let phi = if both { norm(theta) / norm(&r) } else { 1.0 };
        let moved = theta.iter().zip(&r).map(|(t, r)| t - lr * phi * r);
        world.insert(p.into(), moved.collect());
    }
}

#[test]
fn lamb_scales_to_the_parameter() {
    follows("lamb(weight_decay=0.25)", &|world, g, lr, _| lamb(world, g, lr, [0.25, 0.25]));
    follows("lamb(weight_decay=0.25) no_decay(bias-and-norm)", &|world, g, lr, _| {
        lamb(world, g, lr, [0.25, 0.0]);
    });
}
