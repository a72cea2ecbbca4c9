//! Data sets: readers and the synthetic digits.
