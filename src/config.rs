//! The applied file: an installation as TOML.
