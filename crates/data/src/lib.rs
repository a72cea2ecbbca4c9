//! Data sets: readers and the synthetic digits.
//!
//! [`load`] turns a `--data` value into a [`Dataset`]: MNIST read from IDX files, MNIST downloaded
//! on demand, or digits the program draws itself. [`Sampler`] gives the order in which a training
//! epoch visits the examples, and [`Dataset::fill_batch`] writes a batch into buffers the caller owns.
//!
//! This crate knows nothing of graphs, networks or training: examples leave it as plain `f32` slices.
//!
//! ```
//! use cotangent_data::{Sampler, SyntheticConfig, synthetic};
//!
//! let digits = synthetic(&SyntheticConfig { train: 100, test: 20, seed: 1 });
//! let (batch, pixels) = (32, digits.pixels());
//! let mut x = vec![0.0; batch * pixels];
//! let mut t = vec![0.0; batch * digits.classes()];
//! let mut sampler = Sampler::new(digits.train(), batch, 7);
//! sampler.start_epoch(0);
//! for step in 0..sampler.full_steps() {
//!     digits.fill_batch(digits.train(), sampler.batch(step), &mut x, &mut t)?;
//! }
//! # Ok::<(), cotangent_data::BatchError>(())
//! ```

mod dataset;
mod download;
mod idx;
mod mnist;
mod sampler;
mod source;
mod synthetic;

pub use dataset::{BatchError, Dataset, DatasetError, Split, normalize};
pub use download::{DownloadError, Progress, RemoteFile, Silent, fetch};
pub use idx::{IdxError, Images, read_images, read_labels};
pub use mnist::{DirError, MNIST_FILES, MNIST_MIRROR, load_idx_dir};
pub use sampler::Sampler;
pub use source::{DataError, DataSource, Loaded, Options, ParseSourceError, load};
pub use synthetic::{SyntheticConfig, synthetic};
