//! The odd networks: those that are certified, and the oracle's.

/// File beside this, batch size, optimiser with features, rate.
pub const NETS: &[(&str, usize, &str, f32)] = &[
    ("two-eyes", 7, "adamw clip(norm=1) ema(decay=0.9) accumulate(steps=2)", 0.02),
    ("inception", 3, "nesterov(weight_decay=0.01) no_decay(bias-and-norm)", 0.02),
    ("two-heads", 1, "adam(weight_decay=0.01)", 0.02),
    ("glance", 2, "lamb(weight_decay=0.01) no_decay(bias-and-norm)", 0.02),
    ("characters", 2, "adamw clip(norm=0.5) accumulate(steps=4) no_decay(bias-and-norm)", 0.02),
    ("gated", 7, "momentum clip(norm=1) ema(decay=0.99)", 0.02),
    ("mobile", 5, "rmsprop(alpha=0.9,eps=0.001,momentum=0.9)", 0.002),
    ("pixels", 1, "sgd(weight_decay=0.001) ema(decay=0.75)", 0.2),
    ("lottery", 4, "adamw(weight_decay=0.05) ema(decay=0.9)", 0.02),
    ("primes", 7, "rmsprop(weight_decay=0.01) clip(norm=0.25)", 0.01),
    ("thicket", 2, "sgd accumulate(steps=3)", 0.2),
    ("greatest", 1, "lamb(weight_decay=0.1,eps=0.001) ema(decay=0.5) accumulate(steps=2)", 0.02),
    ("two-readers", 3, "adam(weight_decay=0.01) clip(norm=1) ema(decay=0.9)", 0.02),
    ("deep-supervision", 3, "adamw(weight_decay=0.01) clip(norm=1) ema(decay=0.9)", 0.02),
    ("echo", 3, "adamw clip(norm=1) ema(decay=0.9) no_decay(bias-and-norm)", 0.02),
];
