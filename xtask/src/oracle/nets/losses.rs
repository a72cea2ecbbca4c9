//! The losses, at every rank of output, and several of them side by side.

use super::declared::{Declared, Run};

pub fn nets() -> Vec<Declared> {
    let mut all = Vec::new();
    let losses =
        ["softmax_cross_entropy", "mean_squared_error", "binary_cross_entropy_with_logits"];
    let nets = [
        ("vector", "[6]", r#"{ kind = "dense", features = 4 }"#),
        ("per_token", "[3, 5]", r#"{ kind = "dense", features = 4 }"#),
        ("per_pixel", "[4, 3, 2]", r#"{ kind = "conv2d", features = 4, kernel = 3 }"#),
    ];
    for loss in losses {
        for (what, input, layers) in nets {
            let name = format!("loss_{loss}_{what}");
            let net = Declared::new(&name, input, layers).line(&format!("loss = \"{loss}\""));
            all.push(net.run(Run::Eval));
        }
    }
    for (what, input, layers) in nets {
        let parts = r#"losses = [
            { kind = "softmax_cross_entropy", features = 2, weight = 0.5 },
            { kind = "mean_squared_error", features = 1 },
            { kind = "binary_cross_entropy_with_logits", features = 1, weight = 3 },
        ]"#;
        let net = Declared::new(&format!("losses_{what}"), input, layers).line(parts);
        all.push(net.run(Run::Eval));
    }
    all
}
