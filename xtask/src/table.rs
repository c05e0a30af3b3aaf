//! The size table and the budget.

use std::fmt::Write as _;

use crate::{
    manifest::{Asset, Manifest},
    settings::Settings,
};

/// What the browser must load before islands wake: scripts and the module.
fn is_script(asset: &Asset) -> bool {
    asset.name.ends_with(".js") || asset.name.ends_with(".wasm")
}

fn sums(manifest: &Manifest) -> (u64, u64) {
    let script = manifest.assets.iter().filter(|a| is_script(a)).map(Asset::least).sum();
    let total = manifest.assets.iter().map(Asset::least).sum();
    (script, total)
}

/// The table, one asset a line, in bytes.
pub fn render(manifest: &Manifest) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{:<22} {:>10} {:>10} {:>10}", "Browser bundle", "bytes", "gzip", "brotli");
    let cell = |size: Option<u64>| size.map_or_else(|| "-".to_owned(), |n| n.to_string());
    for asset in &manifest.assets {
        let (gzip, brotli) = (cell(asset.gzip), cell(asset.brotli));
        let _ = writeln!(out, "  {:<20} {:>10} {gzip:>10} {brotli:>10}", asset.name, asset.raw);
    }
    let (script, total) = sums(manifest);
    let _ = writeln!(out, "  {:<20} {:>10} {:>10} {script:>10}", "scripts + module", "", "");
    let _ = writeln!(out, "  {:<20} {:>10} {:>10} {total:>10}", "all", "", "");
    out
}

/// What is over its budget, each as a sentence.
pub fn over_budget(manifest: &Manifest, settings: &Settings) -> Vec<String> {
    let (script, total) = sums(manifest);
    let mut over = Vec::new();
    if script > settings.script_budget {
        over.push(format!(
            "scripts and module are {script} bytes after brotli, at most {} are allowed",
            settings.script_budget
        ));
    }
    if total > settings.total_budget {
        over.push(format!("all assets are {total} bytes after brotli, at most {} are allowed", settings.total_budget));
    }
    over
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(brotli: u64) -> Manifest {
        let asset = |name: &str, brotli| Asset {
            name: name.to_owned(),
            file: name.to_owned(),
            content_type: String::new(),
            sha256: String::new(),
            raw: brotli * 3,
            gzip: None,
            brotli: Some(brotli),
        };
        Manifest {
            fingerprint: String::new(),
            assets: vec![asset("a.js", brotli), asset("b.wasm", 10), asset("c.css", 5)],
        }
    }

    fn settings() -> Settings {
        Settings {
            output_name: String::new(),
            site_root: String::new(),
            pkg_dir: String::new(),
            style: vec![],
            assets_dir: String::new(),
            script_budget: 30,
            total_budget: 34,
        }
    }

    #[test]
    fn the_budget_holds_to_the_byte() {
        assert!(over_budget(&bundle(19), &settings()).is_empty());
        assert_eq!(over_budget(&bundle(20), &settings()).len(), 1, "only the total is over");
        assert_eq!(over_budget(&bundle(21), &settings()).len(), 2);
    }

    #[test]
    fn the_table_shows_both_sums() {
        let table = render(&bundle(19));
        assert!(table.contains("scripts + module") && table.contains(" 29\n") && table.contains(" 34\n"), "{table}");
    }
}
