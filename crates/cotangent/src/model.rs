//! Finding the network a command line names.

use crate::options::some;
use cotangent::net::{NetSpec, Network};
use cotangent::train::read_whole;
use cotangent::zoo::{Config, Model};
use miette::{Result, miette};
use std::path::Path;

/// Which network, and how it is changed.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    /// A zoo name (`cotangent models`) or the path of a spec file (.toml).
    pub model: String,
    #[command(flatten)]
    pub size: SizeArgs,
}

/// How a network is changed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SizeArgs {
    /// Number of classes: the features of the last dense layer or convolution.
    #[arg(long, value_name = "N", value_parser = some, allow_negative_numbers = true)]
    pub classes: Option<usize>,
    /// Height and width of the images.
    #[arg(long, value_name = "N", value_parser = some, allow_negative_numbers = true)]
    pub image: Option<usize>,
    /// Factor on the features of a zoo model's layers, which stay multiples of 8.
    #[arg(long, value_name = "X", value_parser = factor, allow_negative_numbers = true)]
    pub width: Option<f64>,
    /// Factor on the number of blocks in each stage of a zoo model, at least one each.
    #[arg(long, value_name = "X", value_parser = factor, allow_negative_numbers = true)]
    pub depth: Option<f64>,
}

impl SizeArgs {
    /// The first of the flags that was given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--classes", self.classes.is_some()),
            ("--image", self.image.is_some()),
            ("--width", self.width.is_some()),
            ("--depth", self.depth.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|x| (0.001..=100.0).contains(x));
    factor.ok_or_else(|| format!("found `{text}`, expected a factor from 0.001 to 100"))
}

impl ModelArgs {
    /// A network as it is declared.
    pub fn unchanged(model: &str) -> Self {
        ModelArgs { model: model.into(), size: SizeArgs::default() }
    }

    /// The network, its shapes worked out.
    pub fn network(&self) -> Result<Network> {
        let (spec, source) = match cotangent::zoo::find(&self.model) {
            Some(model) => (self.of_zoo(model), format!("model {}", self.model)),
            None => (self.of_file()?, self.model.clone()),
        };
        if let Some(n) = self.size.image
            && spec.input.len() != 3
        {
            return Err(miette!(
                help = "leave out --image",
                "--image {n}: net `{}` takes {:?}, not an image [height, width, channels]",
                spec.name,
                spec.input
            ));
        }
        spec.network().map_err(|e| miette!("{source}: {e}"))
    }

    fn of_zoo(&self, model: &Model) -> NetSpec {
        let SizeArgs { classes, image, width, depth } = self.size;
        let one = Config::default();
        model.spec_with(&Config {
            classes,
            image,
            width: width.unwrap_or(one.width),
            depth: depth.unwrap_or(one.depth),
        })
    }

    fn of_file(&self) -> Result<NetSpec> {
        let mut spec = read(&self.model)?;
        for (flag, factor) in [("--width", self.size.width), ("--depth", self.size.depth)] {
            if let Some(factor) = factor {
                return Err(miette!(
                    help = "change the numbers in the file, or start from another size of a zoo model: \
                            `cotangent show resnet18 --width 0.5 --format toml`",
                    "{flag} {factor}: {} is a spec file, which says the size of every layer itself; \
                     {flag} scales zoo models",
                    self.model
                ));
            }
        }
        if let Some(n) = self.size.classes {
            if !spec.loss.parts().is_empty() {
                return Err(miette!(
                    help = "change the features of the losses and of the layers at the end in the file",
                    "--classes {n}: net `{}` has several losses, so its outputs are of several layers",
                    spec.name
                ));
            }
            spec = spec.with_classes(n);
            let made = spec.network().map_or(n, |net| net.classes());
            if made != n {
                return Err(miette!(
                    help = "change the features of the layers at the end in the file",
                    "--classes {n}: the {made} outputs of net `{}` are not those of a dense layer or \
                     convolution at its end",
                    spec.name
                ));
            }
        }
        Ok(match self.size.image {
            Some(n) => spec.with_image(n),
            None => spec,
        })
    }
}

/// The specification in the file `model`.
fn read(model: &str) -> Result<NetSpec> {
    let path = Path::new(model);
    let looks_like_a_path = path.extension().is_some_and(|e| e == "toml")
        || model.contains(['/', '\\'])
        || path.exists();
    if looks_like_a_path {
        let help = "give the path of a spec file, or a name from `cotangent models`";
        let bytes = read_whole(path).map_err(|e| miette!(help = help, "{model}: {e}"))?;
        let text = String::from_utf8(bytes).map_err(|e| miette!(help = help, "{model}: {e}"))?;
        let spec = NetSpec::from_toml(&text).map_err(|e| {
            miette!(
                help = "`cotangent show mnist-cnn --format toml` prints a spec to start from",
                "{model}: {}",
                readable(&e.to_string())
            )
        })?;
        return Ok(spec);
    }
    let nearest = cotangent::zoo::MODELS
        .iter()
        .map(|m| (strsim::damerau_levenshtein(model, m.name), m.name))
        .min()
        .filter(|(distance, _)| *distance <= 4)
        .map_or_else(
            || "`cotangent models` lists the models; a spec file ends in .toml".to_string(),
            |(_, name)| format!("did you mean `{name}`? `cotangent models` lists them all"),
        );
    Err(miette!(help = nearest, "there is no model `{model}`"))
}

/// A message of the TOML reader without the names of Rust's types, its lines
/// (some are lines of the file) cut where nobody reads on.
fn readable(message: &str) -> String {
    const WIDTH: usize = 160;
    let cut = |line: &str| match line.char_indices().nth(WIDTH) {
        None => line.to_string(),
        Some((at, _)) => format!("{} ...", &line[..at]),
    };
    let lines: Vec<String> = message.lines().map(cut).collect();
    lines.join("\n")
}
