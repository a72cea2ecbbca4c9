//! The executable meaning of every op, in f32 and f64.
