//! Typed SSA over dense tensors: the ops and what they mean.
