//! The customer's own applied file, moved to the twin: its policies, clients and modes, with the twin's
//! addresses and look-ups that have every name the file uses.

/// A customer's file.
#[derive(Debug, Clone)]
pub struct Custom {}
