//! What surrounds the optimiser.

use crate::harness::{PARAMS, World, follows};

/// `g · min(1, c/(‖g‖ + 1e-6))` over all parameters.
fn clipped(g: &World, largest: f64) -> World {
    let norm = g.values().flatten().map(|g| g * g).sum::<f64>().sqrt();
    let factor = (largest / (norm + 1e-6)).min(1.0);
    g.iter().map(|(p, g)| (p.clone(), g.iter().map(|g| g * factor).collect())).collect()
}

/// `θ ← θ - η(g + λθ)`, λ per parameter.
fn sgd(world: &mut World, g: &World, lr: f64, decays: [f64; 2]) {
    for (p, decay) in PARAMS.into_iter().zip(decays) {
        for (theta, g) in world.get_mut(p).unwrap().iter_mut().zip(&g[p]) {
            *theta -= lr * (g + decay * *theta);
        }
    }
}

/// `v ← 0.9v + g; θ ← θ - ηv`
fn momentum(world: &mut World, g: &World, lr: f64) {
    for p in PARAMS {
        let state = format!("momentum.{p}");
        for k in 0..3 {
            let v = 0.9 * world[&state][k] + g[p][k];
            world.get_mut(&state).unwrap()[k] = v;
            world.get_mut(p).unwrap()[k] -= lr * v;
        }
    }
}

/// `e ← d·e + (1-d)·θ'`
fn average(world: &mut World, d: f64) {
    for p in PARAMS {
        for k in 0..3 {
            let new = world[p][k];
            let e = &mut world.get_mut(&format!("ema.{p}")).unwrap()[k];
            *e = d * *e + (1.0 - d) * new;
        }
    }
}

/// Adds `g` to the sum; the mean of `steps`, and the sum cleared, if `apply`.
fn accumulated(world: &mut World, g: &World, steps: f64, apply: bool) -> Option<World> {
    let mut mean = World::new();
    for p in PARAMS {
        let sum = world.get_mut(&format!("accumulated.{p}")).unwrap();
        sum.iter_mut().zip(&g[p]).for_each(|(s, g)| *s += g);
        mean.insert(p.into(), sum.iter().map(|s| s / steps).collect());
        if apply {
            sum.fill(0.0);
        }
    }
    apply.then_some(mean)
}

#[test]
fn clipping_bounds_the_norm_of_all_gradients_together() {
    follows("sgd clip(norm=0.5)", &|world, g, lr, _| sgd(world, &clipped(g, 0.5), lr, [0.0; 2]));
    // Decay comes after it.
    follows("sgd(weight_decay=0.25) clip(norm=0.5)", &|world, g, lr, _| {
        sgd(world, &clipped(g, 0.5), lr, [0.25; 2]);
    });
}

#[test]
fn decay_leaves_biases_alone() {
    follows("sgd(weight_decay=0.25) no_decay(bias-and-norm)", &|world, g, lr, _| {
        sgd(world, g, lr, [0.25, 0.0]);
    });
}

#[test]
fn averages_follow_the_new_parameters() {
    follows("momentum ema(decay=0.7)", &|world, g, lr, _| {
        momentum(world, g, lr);
        average(world, 0.7);
    });
}

#[test]
fn accumulation_updates_at_the_mean_of_its_batches() {
    for steps in [2, 3] {
        follows(&format!("momentum accumulate(steps={steps})"), &|world, g, lr, apply| {
            if let Some(mean) = accumulated(world, g, f64::from(steps), apply) {
                momentum(world, &mean, lr);
            }
        });
    }
}

#[test]
fn everything_together() {
    let options = "momentum clip(norm=0.5) ema(decay=0.7) accumulate(steps=2)";
    follows(options, &|world, g, lr, apply| {
        if let Some(mean) = accumulated(world, g, 2.0, apply) {
            momentum(world, &clipped(&mean, 0.5), lr);
            average(world, 0.7);
        }
    });
}
