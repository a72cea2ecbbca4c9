//! Which tensor of a file is which parameter or statistic of a network.

use crate::order::Order;
use crate::walk::walk;
use crate::{ExchangeError, Library, names};
use cotangent_net::Network;

/// A parameter or running statistic and its counterpart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    /// Its name here.
    pub ours: String,
    /// Its shape here.
    pub shape: Vec<usize>,
    /// Its name in the file.
    pub theirs: String,
    /// Shapes it may have in the file; the first is the one to write. They
    /// have one order of elements.
    pub shapes: Vec<Vec<usize>>,
    /// How the elements are ordered.
    pub order: Order,
    /// Whether its last dimension here is the network's classes.
    pub head: bool,
}

/// Everything of a network that a file holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mapping {
    /// The parameters in the network's order, then the running statistics.
    pub tensors: Vec<Tensor>,
    /// The counts of batches beside the running statistics.
    pub counters: Vec<String>,
}

/// The mapping of `net` to the files of `library`.
pub(crate) fn mapping(net: &Network, library: Library) -> Result<Mapping, ExchangeError> {
    let found = walk(net, library)?;
    let rename = names::names(net, library);
    let own = net.params().iter().map(|p| (&p.name, &p.shape));
    let stats = net.stats().iter().map(|s| (&s.name, &s.shape));
    let mut tensors = Vec::new();
    for (name, shape) in own.chain(stats) {
        // Every parameter and statistic belongs to a layer of the walk.
        let Some(layout) = found.layouts.get(name) else { continue };
        tensors.push(Tensor {
            ours: name.clone(),
            shape: shape.clone(),
            theirs: rename(&layout.name),
            shapes: layout.shapes.clone(),
            order: layout.order.clone(),
            head: found.head.as_deref() == Some(layout.root.as_str()),
        });
    }
    let counters = found.counters.iter().map(|name| rename(name)).collect();
    let mapping = Mapping { tensors, counters };
    mapping.check_names(net, library)?;
    Ok(mapping)
}

impl Mapping {
    /// Two tensors of one name cannot be told apart.
    fn check_names(&self, net: &Network, library: Library) -> Result<(), ExchangeError> {
        let mut names: Vec<&str> = self.tensors.iter().map(|t| t.theirs.as_str()).collect();
        names.extend(self.counters.iter().map(String::as_str));
        names.sort_unstable();
        match names.windows(2).find(|w| w[0] == w[1]) {
            Some(w) => Err(ExchangeError::Ambiguous {
                model: net.spec().name.clone(),
                library,
                tensor: w[0].into(),
            }),
            None => Ok(()),
        }
    }
}
