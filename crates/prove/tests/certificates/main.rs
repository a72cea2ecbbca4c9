//! Certificates cover any network: every layer, odd networks, random ones, the
//! zoo. Many theorems share a file for Coq.

#[path = "../support/batch.rs"]
mod batch;
#[path = "../support/coq.rs"]
mod coq;
mod layers;
#[path = "../support/literals.rs"]
mod literals;
mod odd;
mod random;
mod zoo;
