//! Named networks.
