//! The odd networks that are certified, with the same optimisers and features.

use super::Result;
use super::declared::{Declared, Run};
use cotangent_net::NetSpec;
use std::fs;

#[path = "../../../../crates/prove/tests/certificates/odd/nets.rs"]
mod table;

/// Their train steps; of what accumulates, consecutive ones.
pub fn nets() -> Result<Vec<Declared>> {
    let net = |&(name, batch, options, _): &(&str, usize, &'static str, f32)| {
        let file = format!("crates/prove/tests/certificates/odd/{name}.toml");
        let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        let spec = NetSpec::from_toml(&text).map_err(|error| format!("{file}: {error}"))?;
        Ok(Declared::spec(&format!("odd/{name}"), &spec).batch(batch).only(Run::Train(options)))
    };
    table::NETS.iter().map(net).collect()
}
