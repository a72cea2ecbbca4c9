//! Small networks as their author would write them, and what is compared.

use super::Result;
use cotangent_net::{NetSpec, Network};
use std::fmt;

/// One comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Run {
    /// Loss and gradients in training. `kinks` makes parameters and data
    /// multiples of it, so that pre-activations often sit on kinks.
    Grad { kinks: Option<f64> },
    /// Loss and gradients under running statistics and without masks.
    Frozen,
    /// The output in evaluation.
    Forward,
    /// Loss and output in evaluation.
    Eval,
    /// The train step of this optimiser.
    Train(&'static str),
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Run::Grad { kinks: None } => f.write_str("grad"),
            Run::Grad { kinks: Some(_) } => f.write_str("grad_on_kinks"),
            Run::Frozen => f.write_str("grad_frozen"),
            Run::Forward => f.write_str("forward"),
            Run::Eval => f.write_str("eval"),
            Run::Train(optimizer) => {
                let name = format!("train_{optimizer}").replace([' ', '(', ')', ',', '/'], "_");
                f.write_str(name.trim_end_matches('_'))
            }
        }
    }
}

/// A network in TOML, and its comparisons.
pub struct Declared {
    pub name: String,
    text: String,
    pub batch: usize,
    pub runs: Vec<Run>,
}

impl Declared {
    /// `layers` are TOML tables; a case `grad` at batch 3.
    pub fn new(name: &str, input: &str, layers: &str) -> Self {
        Declared {
            name: format!("layer/{name}"),
            text: format!("name = \"layer\"\ninput = {input}\nlayers = [{layers}]\n"),
            batch: 3,
            runs: vec![Run::Grad { kinks: None }],
        }
    }

    /// A specification as it is; a case `grad` at batch 3.
    pub fn spec(name: &str, spec: &NetSpec) -> Self {
        let runs = vec![Run::Grad { kinks: None }];
        Declared { name: name.into(), text: spec.to_toml(), batch: 3, runs }
    }

    /// A layer on an image [5, 4, 4], between a 1x1 convolution and a dense
    /// layer, so that its input gradient meets a general cotangent.
    pub fn image(name: &str, layer: &str) -> Self {
        let first = "{ kind = \"conv2d\", features = 4, kernel = 1 }";
        let rest = "{ kind = \"flatten\" }, { kind = \"dense\", features = 3 }";
        Declared::new(name, "[5, 4, 3]", &format!("{first}, {layer}, {rest}"))
    }

    /// A layer on tokens [4, 6], between dense layers.
    pub fn tokens(name: &str, layer: &str) -> Self {
        let first = "{ kind = \"dense\", features = 6 }";
        let rest = "{ kind = \"flatten\" }, { kind = \"dense\", features = 3 }";
        Declared::new(name, "[4, 5]", &format!("{first}, {layer}, {rest}"))
    }

    /// A layer on a vector [5], between dense layers.
    pub fn vector(name: &str, layer: &str) -> Self {
        let (first, rest) =
            ("{ kind = \"dense\", features = 5 }", "{ kind = \"dense\", features = 3 }");
        Declared::new(name, "[6]", &format!("{first}, {layer}, {rest}"))
    }

    /// Another line of the TOML text.
    pub fn line(mut self, line: &str) -> Self {
        // Keys of the net itself come before its tables.
        self.text = match line.starts_with('[') {
            true => format!("{}{line}\n", self.text),
            false => format!("{line}\n{}", self.text),
        };
        self
    }

    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// Also on kinks, with parameters and data multiples of `scale`.
    pub fn kinks(self, scale: f64) -> Self {
        self.run(Run::Grad { kinks: Some(scale) })
    }

    /// No other comparison than this.
    pub fn only(mut self, run: Run) -> Self {
        self.runs = vec![run];
        self
    }

    pub fn run(mut self, run: Run) -> Self {
        self.runs.push(run);
        self
    }

    /// Also the train step and the evaluation, which differ where there are
    /// running statistics or masks. Batch 4.
    pub fn both_modes(self) -> Self {
        let train = Run::Train("sgd(weight_decay=0.01)");
        self.batch(4).run(train).run(Run::Eval).run(Run::Frozen)
    }

    pub fn network(&self) -> Result<Network> {
        let spec = NetSpec::from_toml(&self.text).map_err(|e| format!("{}: {e}", self.name))?;
        spec.network().map_err(|e| format!("{}: {e}", self.name).into())
    }
}
