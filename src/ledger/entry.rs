//! Entries and their chain.
