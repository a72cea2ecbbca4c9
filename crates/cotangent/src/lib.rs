//! Verified deep learning in Rust.
