//! StableHLO text: print and parse.
