//! The train step: forward, loss, backward, optimiser.
