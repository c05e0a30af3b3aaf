//! Puts the bundle together: names with content hashes, compressed forms, the manifest.

use std::{fs::File, io::Write as _, path::Path, time::SystemTime};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::{
    bindgen,
    manifest::{self, Asset, Manifest},
    settings::Settings,
};

/// The script that starts the bundle, with `__MODULE__` and `__WASM__` to be filled in.
const BOOT: &str = include_str!("boot.js");

/// Everything a bundle is made from.
pub struct Source {
    /// The module as cargo made it.
    pub module: Vec<u8>,
    /// The one style sheet.
    pub style: String,
    /// Files taken as they are: name and content.
    pub public: Vec<(String, Vec<u8>)>,
}

/// A file of the bundle before it is written.
pub struct Made {
    name: String,
    file: String,
    content: Vec<u8>,
}

impl Source {
    /// SHA-256 over all inputs and over this program itself.
    pub fn fingerprint(&self, settings: &Settings) -> Result<String> {
        let own = std::env::current_exe().and_then(std::fs::read).context("cannot read xtask itself")?;
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(&own);
        add(settings.output_name.as_bytes());
        add(settings.pkg_dir.as_bytes());
        add(&self.module);
        add(self.style.as_bytes());
        for (name, content) in &self.public {
            add(name.as_bytes());
            add(content);
        }
        Ok(hex::encode(hash.finalize()))
    }
}

/// The plain files of `folder`, by name.
pub fn read_public(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).context("a file name is not text")?.to_owned();
        if !path.is_file() {
            bail!("{} is not a plain file", path.display());
        }
        files.push((name, std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?));
    }
    files.sort();
    Ok(files)
}

/// The manifest of the bundle in `site` if it was made from the same inputs and is whole.
pub fn unchanged(site: &Path, fingerprint: &str) -> Option<Manifest> {
    let text = std::fs::read_to_string(site.join(manifest::NAME)).ok()?;
    let manifest: Manifest = serde_json::from_str(&text).ok()?;
    // The manifest is written last, so a bundle with a manifest is whole unless someone removed files.
    (manifest.fingerprint == fingerprint).then_some(manifest)
}

/// Names every file by its content; what refers to another file is named after it.
pub fn assemble(source: Source, settings: &Settings) -> Result<Vec<Made>> {
    let name = &settings.output_name;
    let bound = bindgen::run(name, source.module)?;
    let mut made = vec![Made::new("app.css", source.style.into_bytes())];
    for (name, content) in source.public {
        made.push(Made::new(&name, content));
    }
    let mut script = bound.script;
    for (index, (path, text)) in bound.snippets.into_iter().enumerate() {
        let snippet = Made::new(&format!("snippet{index}.js"), text.into_bytes());
        if !script.contains(&path) {
            bail!("the script does not import {path} by that path; its name cannot be hashed");
        }
        script = script.replace(&path, &format!("./{}", snippet.file));
        made.push(snippet);
    }
    let wasm = Made::new(&format!("{name}.wasm"), bound.module);
    let script = Made::new(&format!("{name}.js"), script.into_bytes());
    let boot = tidy_boot(BOOT)
        .replace("__MODULE__", &format!("./{}", script.file))
        .replace("__WASM__", &format!("./{}", wasm.file));
    made.extend([Made::new("boot.js", boot.into_bytes()), script, wasm]);
    made.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(made)
}

fn tidy_boot(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

impl Made {
    fn new(name: &str, content: Vec<u8>) -> Self {
        let hash = hex::encode(Sha256::digest(&content));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
        Self { name: name.to_owned(), file: format!("{stem}.{}.{extension}", &hash[..16]), content }
    }

    fn content_type(&self) -> Result<&'static str> {
        Ok(match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("wasm") => "application/wasm",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("txt") => "text/plain; charset=utf-8",
            _ => bail!("{}: what media type is that? (xtask/src/site.rs)", self.name),
        })
    }
}

/// Writes all files, each also compressed where that helps, and the manifest last.
pub fn write(root: &Path, settings: &Settings, files: Vec<Made>, fingerprint: String) -> Result<Manifest> {
    let site = root.join(&settings.site_root);
    if site.exists() {
        std::fs::remove_dir_all(&site).with_context(|| format!("cannot empty {}", site.display()))?;
    }
    let folder = site.join(&settings.pkg_dir);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut assets = Vec::new();
    for made in files {
        let content_type = made.content_type()?.to_owned();
        let path = folder.join(&made.file);
        put(&path, &made.content)?;
        let raw = made.content.len() as u64;
        let gzip = gzip(&made.content)?;
        let brotli = brotli(&made.content)?;
        let keep = |packed: Vec<u8>, ending: &str| -> Result<Option<u64>> {
            let size = packed.len() as u64;
            if size >= raw {
                return Ok(None);
            }
            put(&folder.join(format!("{}.{ending}", made.file)), &packed)?;
            Ok(Some(size))
        };
        let gzip = keep(gzip, "gz")?;
        let brotli = keep(brotli, "br")?;
        let sha256 = hex::encode(Sha256::digest(&made.content));
        assets.push(Asset { name: made.name, file: made.file, content_type, sha256, raw, gzip, brotli });
    }
    nudge(root)?;
    let manifest = Manifest { fingerprint, assets };
    put(&site.join(manifest::NAME), &serde_json::to_vec_pretty(&manifest)?)?;
    Ok(manifest)
}

/// Lets cargo see that the embedded files changed: it does not watch a folder that did not exist. The program alone
/// embeds them: the library is not compiled again.
#[expect(clippy::disallowed_methods, reason = "a build tool: the time is the file's")]
fn nudge(root: &Path) -> Result<()> {
    let path = root.join("src/main.rs");
    let file = File::options().write(true).open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    file.set_modified(SystemTime::now()).with_context(|| format!("cannot touch {}", path.display()))
}

fn put(path: &Path, content: &[u8]) -> Result<()> {
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(content)?;
    Ok(packer.finish()?)
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let params =
        brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: content.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut out, &params)?;
    Ok(out)
}
