//! Names, paths and budgets, from `Leptos.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What the build needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Stem of the bundle's script and module.
    pub output_name: String,
    /// Where the bundle goes, relative to the project.
    pub site_root: String,
    /// Folder inside `site_root`, and the first part of the address.
    pub pkg_dir: String,
    /// Style sheets in the order in which they are joined.
    pub style: Vec<String>,
    /// Files that are taken as they are.
    pub assets_dir: String,
    /// Most bytes of script and module after brotli.
    pub script_budget: u64,
    /// Most bytes of all assets after brotli.
    pub total_budget: u64,
}

#[derive(Deserialize)]
struct File {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    leptos: Leptos,
    bundle: Bundle,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Leptos {
    output_name: String,
    site_root: String,
    site_pkg_dir: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Bundle {
    style: Vec<String>,
    assets_dir: String,
    script_budget: u64,
    total_budget: u64,
}

impl Settings {
    /// Reads `Leptos.toml` of the project at `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join("Leptos.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: File = toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))?;
        let Metadata { leptos, bundle } = file.package.metadata;
        Ok(Self {
            output_name: leptos.output_name,
            site_root: leptos.site_root,
            pkg_dir: leptos.site_pkg_dir,
            style: bundle.style,
            assets_dir: bundle.assets_dir,
            script_budget: bundle.script_budget,
            total_budget: bundle.total_budget,
        })
    }
}
