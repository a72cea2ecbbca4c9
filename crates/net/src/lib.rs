//! Network specifications, layers, and their elaboration into graphs.
