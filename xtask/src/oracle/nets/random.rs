//! Random networks.

use super::declared::{Declared, Run};
use cotangent_check::random_net;

/// The train steps of the first `count` of them, with optimisers and features
/// of their own, but that every step is an update: what accumulates is compared
/// over consecutive steps.
pub fn nets(count: u64) -> Vec<Declared> {
    let net = |seed| {
        let net = random_net(seed);
        // Few, and wanted until the program ends.
        let options: &'static str = net.options.replace(" accumulate(steps=3)", "").leak();
        let declared = Declared::spec(&format!("random/{seed}"), &net.spec);
        declared.batch(net.batch).only(Run::Train(options))
    };
    (0..count).map(net).collect()
}
