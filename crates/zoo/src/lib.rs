//! Named networks, each a declaration of a few lines, at their published size
//! or any other.
//!
//! The parameters of the image networks carry the names they have in timm or
//! torchvision, so that published weights find their place; each family's file
//! says which.
//!
//! ```
//! use cotangent_zoo::{Config, find};
//! let model = find("resnet18").unwrap();
//! assert_eq!(model.spec().network().unwrap().param_count(), 11_689_512);
//! let narrow = Config { classes: Some(10), image: Some(64), width: 0.5, ..Config::default() };
//! assert_eq!(model.spec_with(&narrow).network().unwrap().param_count(), 2_801_450);
//! ```

mod cifar;
mod config;
mod convnext;
mod densenet;
mod efficientnet;
mod gpt;
mod mnist;
mod mobilenet;
mod models;
mod parts;
mod resnet;
mod squeezenet;
mod unet;
mod vgg;
mod vit;

pub use config::Config;
pub use models::MODELS;

use cotangent_net::NetSpec;

/// A network of the zoo.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    declare: fn(&str, &Config) -> NetSpec,
    small: Config,
}

impl Model {
    /// Its specification, as published.
    pub fn spec(&self) -> NetSpec {
        self.spec_with(&Config::default())
    }

    /// Its specification at another size. Sizes that its layers refuse, such
    /// as an image smaller than a window, are errors of [`NetSpec::network`].
    pub fn spec_with(&self, config: &Config) -> NetSpec {
        (self.declare)(self.name, config)
    }

    /// The size that tests run it at: every kind of layer it has, ten classes,
    /// and little to compute. Its batch has at least two examples.
    pub fn small(&self) -> Config {
        self.small
    }
}

/// The network called `name`.
pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|m| m.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

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
