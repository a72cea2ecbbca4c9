//! Named networks, each a declaration of a few lines.
//!
//! ```
//! let net = cotangent_zoo::find("mnist-mlp").unwrap().spec().network().unwrap();
//! assert_eq!(net.param_count(), 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10);
//! ```

use cotangent_net::NetSpec;

/// A network of the zoo.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    declare: fn(&str) -> NetSpec,
}

impl Model {
    /// Its specification.
    pub fn spec(&self) -> NetSpec {
        (self.declare)(self.name)
    }
}

/// Every network, smallest first.
pub const MODELS: [Model; 3] = [
    Model {
        name: "mnist-linear",
        summary: "softmax regression on 28x28 digits: one dense layer",
        declare: mnist_linear,
    },
    Model { name: "mnist-mlp", summary: "784-512-512-10 perceptron with ReLU", declare: mnist_mlp },
    Model {
        name: "mnist-cnn",
        summary: "two 3x3 convolutions of 32 features, max-pool, dense 512",
        declare: mnist_cnn,
    },
];

/// The network called `name`.
pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|m| m.name == name)
}

fn mnist_linear(name: &str) -> NetSpec {
    NetSpec::new(name, [28, 28, 1]).flatten().dense(10)
}

fn mnist_mlp(name: &str) -> NetSpec {
    NetSpec::new(name, [28, 28, 1]).flatten().dense(512).relu().dense(512).relu().dense(10)
}

fn mnist_cnn(name: &str) -> NetSpec {
    NetSpec::new(name, [28, 28, 1])
        .conv2d(32, 3)
        .relu()
        .conv2d(32, 3)
        .relu()
        .max_pool(2)
        .flatten()
        .dense(512)
        .relu()
        .dense(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_model_is_a_network_and_its_own_text() {
        for model in MODELS {
            let spec = model.spec();
            assert_eq!(spec.name, model.name);
            spec.network().unwrap();
            let text = spec.to_toml();
            assert!(text.lines().count() <= 15, "{}", model.name);
            assert_eq!(NetSpec::from_toml(&text).unwrap(), spec);
        }
    }

    #[test]
    fn the_cnn_as_text() {
        expect![[r#"
            name = "mnist-cnn"
            input = [28, 28, 1]
            loss = "softmax_cross_entropy"
            layers = [
              { kind = "conv2d", features = 32, kernel = 3 },
              { kind = "relu" },
              { kind = "conv2d", features = 32, kernel = 3 },
              { kind = "relu" },
              { kind = "max_pool", window = 2 },
              { kind = "flatten" },
              { kind = "dense", features = 512 },
              { kind = "relu" },
              { kind = "dense", features = 10 },
            ]
        "#]]
        .assert_eq(&find("mnist-cnn").unwrap().spec().to_toml());
    }
}
