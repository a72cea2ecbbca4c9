//! Finding the network a command line names.

use crate::options::count;
use cotangent::net::{NetSpec, Network};
use miette::{Result, miette};
use std::path::Path;

/// Which network, and how it is changed.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    /// A zoo name (`cotangent models`) or the path of a spec file (.toml).
    pub model: String,
    /// Number of classes: the features of the last dense layer.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub classes: Option<usize>,
    /// Height and width of the images.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub image: Option<usize>,
}

impl ModelArgs {
    /// The network, its shapes worked out.
    pub fn network(&self) -> Result<Network> {
        let (mut spec, source) = find(&self.model)?;
        if let Some(n) = self.classes {
            spec = spec.with_classes(n);
        }
        if let Some(n) = self.image {
            if spec.input.len() != 3 {
                return Err(miette!(
                    help = "leave out --image",
                    "--image {n}: net `{}` takes {:?}, not an image [height, width, channels]",
                    spec.name,
                    spec.input
                ));
            }
            spec = spec.with_image(n);
        }
        spec.network().map_err(|e| miette!("{source}: {e}"))
    }
}

/// The specification and where it came from.
fn find(model: &str) -> Result<(NetSpec, String)> {
    if let Some(m) = cotangent::zoo::find(model) {
        return Ok((m.spec(), format!("model {model}")));
    }
    let path = Path::new(model);
    let looks_like_a_path = path.extension().is_some_and(|e| e == "toml")
        || model.contains(['/', '\\'])
        || path.exists();
    if looks_like_a_path {
        let text = std::fs::read_to_string(path).map_err(|e| {
            miette!(
                help = "give the path of a spec file, or a name from `cotangent models`",
                "{model}: {e}"
            )
        })?;
        let spec = NetSpec::from_toml(&text).map_err(|e| {
            miette!(
                help = "`cotangent show mnist-cnn --format toml` prints a spec to start from",
                "{model}: {}",
                readable(&e.to_string())
            )
        })?;
        return Ok((spec, model.to_string()));
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
    lines.join("\n").replace("expected usize", "expected a whole number, 0 or more")
}
