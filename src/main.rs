use std::{borrow::Cow, process::ExitCode};

/// A quarter of what a step of the engine costs is asking for memory and giving it back: JSON, in many small pieces.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The browser bundle. Its folder is the `site-root` of `Leptos.toml`; a test holds the two together.
#[derive(rust_embed::RustEmbed)]
#[folder = "target/site"]
#[allow_missing = true]
struct Bundle;

fn bundled(path: &str) -> Option<Cow<'static, [u8]>> {
    Bundle::get(path).map(|file| file.data)
}

fn main() -> ExitCode {
    halobridge::cli::main(bundled)
}
