//! Data sets: readers and synthetic data.
//!
//! [`load`] turns a `--data` value into a [`Dataset`] for a network's input and target: images in
//! MNIST's and CIFAR-10's files or in folders, images with a class per pixel, a text, downloads on demand, or data that the program
//! makes itself. [`Sampler`] gives the order in which a training epoch visits the examples, and
//! [`Dataset::fill_batch`] and [`Dataset::fill_varied`] write a batch into buffers the caller owns.
//!
//! This crate knows nothing of graphs, networks or training: examples leave it as plain `f32` slices.
//!
//! ```
//! use cotangent_data::{Sampler, SyntheticConfig, synthetic};
//!
//! let digits = synthetic(&SyntheticConfig { train: 100, test: 20, seed: 1 });
//! let batch = 32;
//! let mut x = vec![0.0; batch * digits.example_len()];
//! let mut t = vec![0.0; batch * digits.target_len()];
//! let mut sampler = Sampler::new(digits.train(), batch, 7);
//! sampler.start_epoch(0);
//! for step in 0..sampler.full_steps() {
//!     digits.fill_batch(digits.train(), sampler.batch(step), &mut x, &mut t)?;
//! }
//! # Ok::<(), cotangent_data::BatchError>(())
//! ```

mod augment;
mod batch;
mod cifar;
mod dataset;
mod download;
mod encoding;
mod folders;
mod idx;
mod image_file;
mod mask_file;
mod masks;
mod mnist;
mod recognise;
mod sampler;
mod source;
mod split;
mod synthetic;
mod text;
mod wanted;

pub use augment::{Augment, Variation};
pub use batch::BatchError;
pub use cifar::{CIFAR10_COMMAND, CIFAR10_FILES, CifarError, load_cifar10_dir};
pub use dataset::{Dataset, DatasetError, TextTarget};
pub use download::{DownloadError, Progress, RemoteFile, Silent, fetch};
pub use encoding::Encoding;
pub use folders::{FolderError, load_image_folders};
pub use idx::{IdxError, Images, read_images, read_labels};
pub use image_file::{ImageError, read_image, read_sized};
pub use mask_file::{encode_mask, resize_mask};
pub use masks::{MaskError, load_masks};
pub use mnist::{DirError, MNIST_FILES, MNIST_MIRROR, load_idx_dir};
pub use sampler::Sampler;
pub use source::{DataError, DataSource, Loaded, Options, ParseSourceError, load};
pub use split::{NO_CLASS, Split};
pub use synthetic::{
    SyntheticConfig, SyntheticError, synthetic, synthetic_images, synthetic_masks, synthetic_text,
};
pub use text::{SHAKESPEARE_FILE, SHAKESPEARE_MIRROR, TextError, load_text};
pub use wanted::Wanted;
