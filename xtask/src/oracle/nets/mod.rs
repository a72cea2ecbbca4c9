//! Layers and whole networks: `grad`, `train` and `forward`.

mod blocks;
mod combination;
mod convolution;
mod declared;
mod inputs;
mod losses;
mod pointwise;
mod tokens;
mod zoo;

pub use inputs::integers;

use super::Result;
use super::write::Case;
use cotangent_emit::program;
use cotangent_graph::Precision;
use cotangent_net::Network;
use cotangent_stablehlo::{Meta, Program, What};
use cotangent_step::{Mode, Optimizer};
use declared::Run;
use num_traits::ToPrimitive;
use serde_json::json;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F64];

/// Every case over networks, in both precisions.
pub fn cases() -> Result<Vec<Case>> {
    let families = [
        convolution::nets(),
        pointwise::nets(),
        tokens::nets(),
        combination::nets(),
        blocks::nets(),
        losses::nets(),
    ];
    let mut cases = Vec::new();
    for declared in families.iter().flatten() {
        let net = declared.network()?;
        for &run in &declared.runs {
            for precision in PRECISIONS {
                cases.push(case(&declared.name, &net, run, declared.batch, precision)?);
            }
        }
    }
    cases.extend(zoo::cases()?);
    Ok(cases)
}

/// What one case compares, of `net` at `batch`.
fn case(name: &str, net: &Network, run: Run, batch: usize, precision: Precision) -> Result<Case> {
    let mut attrs = json!({ "net": net.to_json() });
    let mut optimizer: Optimizer = "sgd".parse()?;
    let (program, compare) = match run {
        Run::Grad { .. } => (program(net, What::Grad, batch, &optimizer, precision)?, "grad"),
        Run::Frozen => {
            attrs["mode"] = "evaluation".into();
            (frozen(net, batch, precision)?, "grad")
        }
        Run::Forward => (program(net, What::Forward, batch, &optimizer, precision)?, "value"),
        Run::Eval => (program(net, What::Eval, batch, &optimizer, precision)?, "eval"),
        Run::Train(text) => {
            optimizer = text.parse()?;
            attrs["optimizer"] = constants(&optimizer);
            (program(net, What::Train, batch, &optimizer, precision)?, "train")
        }
    };
    let name = format!("{name}/{run}/{precision:?}");
    let inputs = inputs::inputs(&program.graph, net, &name, run)?;
    Ok(Case { name, program, inputs, reference: "net", compare, attrs })
}

/// The gradient under frozen statistics and without masks.
fn frozen(net: &Network, batch: usize, precision: Precision) -> Result<Program> {
    let graph = cotangent_step::grad(net, batch, Mode::Evaluation)?;
    let model = net.spec().name.clone();
    let spec = Some(net.spec().to_toml());
    let meta = Meta { model, what: What::Grad, batch, spec, options: None };
    Ok(Program { graph, meta, precision })
}

fn constants(optimizer: &Optimizer) -> serde_json::Value {
    let mut object = json!({ "kind": optimizer.name() });
    for (name, value) in optimizer.constants() {
        object[name] = value.as_ratio().to_f64().into();
    }
    object
}
