//! The embedded CPU executor.
