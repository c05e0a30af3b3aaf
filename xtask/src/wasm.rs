//! Compiles the islands for the browser.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One line of cargo's `--message-format=json`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Runs cargo and gives the bytes of the module it made.
pub fn build(root: &Path, name: &str) -> Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args([
        "rustc",
        "--lib",
        // what a browser loads; the server needs no such thing of the same crate
        "--crate-type=cdylib",
        "--locked",
        "--target=wasm32-unknown-unknown",
        "--profile=wasm",
        "--no-default-features",
        "--features=hydrate",
        "--message-format=json-render-diagnostics",
    ]);
    // What cargo told xtask about xtask must not reach the build scripts of the other build: they
    // would run again each time.
    for (key, _) in std::env::vars_os() {
        let text = key.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_BIN_NAME" {
            command.env_remove(&key);
        }
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the islands do not compile for the browser (cargo's own words are above)");
    }
    let text = String::from_utf8(output.stdout).context("cargo wrote something that is not text")?;
    let module = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|m| m.reason == "compiler-artifact" && m.target.as_ref().is_some_and(|t| t.name == name))
        .flat_map(|m| m.filenames)
        .find(|path| path.extension().is_some_and(|e| e == "wasm"))
        .context("cargo made no module for the browser")?;
    std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))
}
