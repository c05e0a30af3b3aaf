//! `cargo xtask bundle`: makes the browser bundle that the server embeds.
//!
//! cargo build for wasm32 → wasm-bindgen (as a library, exactly the locked version) → style sheets
//! joined → content hashes in the names → brotli and gzip → `target/site/` with its manifest →
//! size table, failing beyond the budget. What has not changed is not made again.

mod bindgen;
mod css;
mod manifest;
mod settings;
mod site;
mod table;
mod wasm;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};

use crate::{settings::Settings, site::Source};

const USAGE: &str = "usage: cargo xtask bundle [--force]

  bundle     make the browser bundle (target/site) and print its sizes
  --force    make it again even if nothing changed";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["bundle"] => bundle(false),
        ["bundle", "--force"] => bundle(true),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bundle(force: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands beside no project")?;
    let settings = Settings::read(root)?;
    let module = wasm::build(root, &settings.output_name)?;
    let style = css::join(root, &settings.style)?;
    let public = site::read_public(&root.join(&settings.assets_dir))?;
    let source = Source { module, style, public };

    let fingerprint = source.fingerprint(&settings)?;
    let site = root.join(&settings.site_root);
    let made = if force { None } else { site::unchanged(&site, &fingerprint) };
    let manifest = match made {
        Some(manifest) => {
            println!("Browser bundle: nothing changed.");
            manifest
        }
        None => {
            let files = site::assemble(source, &settings)?;
            site::write(root, &settings, files, fingerprint)?
        }
    };
    print!("{}", table::render(&manifest));
    let over = table::over_budget(&manifest, &settings);
    if !over.is_empty() {
        bail!("the browser bundle is too big: {}", over.join("; "));
    }
    Ok(())
}
