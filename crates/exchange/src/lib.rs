//! Weights from elsewhere: the files of PyTorch's model libraries, read into a
//! network's parameters and running statistics, and written back.
//!
//! The numbers are the same on both sides; their names, shapes and order are
//! not:
//!
//! | here | in the file |
//! | --- | --- |
//! | kernel `[height, width, inputs, features]` | `[features, inputs, height, width]` |
//! | kernel of a transposed convolution `[height, width, features, inputs]` | `[inputs, features, height, width]` |
//! | dense weight `[inputs, features]` | `[features, inputs]` |
//! | the same after a flatten: inputs by height, width, channel | inputs by channel, height, width |
//! | 1x1 convolution, where the library writes a linear layer | `[features, inputs]` |
//! | class token `[features]`, position embedding `[tokens, features]` | a dimension of 1 in front |
//! | nothing | `num_batches_tracked`, a count that nothing reads |
//!
//! [`import`] and [`export`] are each other's inverse: a file that was imported
//! is exported with the same names, shapes and values. A tensor that is
//! missing, one too many, or of another shape is an error that names it.
//!
//! **Architecture invariant:** this crate moves numbers and never computes with
//! them. It knows the files of others, never our run directories.

mod bytes;
mod error;
mod export;
mod import;
mod mapping;
mod names;
mod order;
mod walk;

pub use error::{ExchangeError, Misfit};
pub use export::export;
pub use import::{Imported, Notes, import};

use cotangent_net::Network;
use std::fmt;
use std::str::FromStr;

/// Whose names and shapes a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// PyTorch Image Models. The zoo's names are its names.
    Timm,
    /// PyTorch's own models.
    Torchvision,
}

impl Library {
    /// All of them.
    pub const ALL: [Library; 2] = [Library::Timm, Library::Torchvision];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Library::Timm => "timm",
            Library::Torchvision => "torchvision",
        }
    }

    fn other(self) -> Self {
        match self {
            Library::Timm => Library::Torchvision,
            Library::Torchvision => Library::Timm,
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Library {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Library::ALL.into_iter().find(|l| l.name() == text);
        found.ok_or_else(|| format!("found `{text}`, expected timm or torchvision"))
    }
}

/// The name that `library` gives each parameter and each running statistic of
/// `net`, in order, with the shape it writes.
///
/// # Errors
/// The network reorders an image in a way that PyTorch's order of dimensions
/// has no counterpart for.
pub fn names(net: &Network, library: Library) -> Result<Vec<(String, Vec<usize>)>, ExchangeError> {
    let tensors = mapping::mapping(net, library)?.tensors;
    Ok(tensors
        .into_iter()
        .map(|t| (t.theirs, t.shapes.into_iter().next().unwrap_or_default()))
        .collect())
}
