//! The list of what is in the bundle, written beside it and embedded with it.

use serde::{Deserialize, Serialize};

/// The manifest's file name inside the site folder.
pub const NAME: &str = "manifest.json";

/// All assets of one bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// SHA-256 over everything the bundle was made from, hexadecimal.
    pub fingerprint: String,
    /// The assets, by name.
    pub assets: Vec<Asset>,
}

/// One asset.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asset {
    /// The name by which the server asks for it, such as `app.css`.
    pub name: String,
    /// The name it is served under, with a content hash, such as `app.1f2e….css`.
    pub file: String,
    /// Its media type.
    pub content_type: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Bytes as they are.
    pub raw: u64,
    /// Bytes after gzip, if that form exists (`file` + `.gz`).
    pub gzip: Option<u64>,
    /// Bytes after brotli, if that form exists (`file` + `.br`).
    pub brotli: Option<u64>,
}

impl Asset {
    /// Bytes in the smallest form.
    pub fn least(&self) -> u64 {
        [self.brotli, self.gzip, Some(self.raw)].into_iter().flatten().min().unwrap_or(self.raw)
    }
}
