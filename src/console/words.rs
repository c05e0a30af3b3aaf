//! Words for numbers and moments.
