//! Reverse mode as a graph transform.
