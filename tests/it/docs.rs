//! What the documentation says of the tests.

use std::{collections::BTreeSet, fs, path::Path};

/// Test functions of a folder as `file::function`.
fn tests_in(folder: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let Some(file) = entry.file_name().and_then(|name| name.to_str()?.strip_suffix(".rs")) else { continue };
        found.insert(format!("{prefix}{file}"));
        let text = fs::read_to_string(&entry).expect("text");
        for line in text.lines() {
            let rest = line.trim_start();
            let rest = rest.strip_prefix("pub ").unwrap_or(rest);
            let Some(rest) = rest.strip_prefix("async fn ").or_else(|| rest.strip_prefix("fn ")) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            found.insert(format!("{prefix}{file}::{name}"));
        }
    }
}

/// Whether a file of the tests in a browser has a test of this title.
fn is_in_the_browser(file: &str, title: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("end2end/tests").join(file);
    fs::read_to_string(path).is_ok_and(|text| text.contains(title))
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let mut there = BTreeSet::new();
    tests_in("src/planner/tests", "", &mut there);
    tests_in("tests/it/engine", "engine::", &mut there);
    tests_in("tests/it/store", "store::", &mut there);
    tests_in("tests/it/units", "units::", &mut there);
    tests_in("tests/it/units/console", "units::console::", &mut there);
    tests_in("tests/it", "", &mut there);
    let there: BTreeSet<String> = there.iter().map(|name| name.replace("::mod::", "::")).collect();
    for page in ["docs/SYNC.md", "docs/RULES.md", "docs/FEATURES.md", "docs/SET-UP.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let text = fs::read_to_string(path).expect("the page");
        let named: BTreeSet<&str> = text.split('`').filter(|part| part.contains("::") && !part.contains(' ')).collect();
        assert!(named.len() > 30, "{page}: {named:?}");
        let missing: Vec<&&str> = named.iter().filter(|name| !there.contains(**name)).collect();
        assert!(missing.is_empty(), "{page}: {missing:#?}");
        let in_the_browser = text.split('`').filter_map(|part| part.split_once(".spec.ts › "));
        let missing: Vec<(&str, &str)> =
            in_the_browser.filter(|(file, title)| !is_in_the_browser(&format!("{file}.spec.ts"), title)).collect();
        assert!(missing.is_empty(), "{page}: {missing:#?}");
    }
}

#[test]
fn every_test_of_the_bars_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/TESTING.md")).expect("the page");
    let (_, bars) = page.split_once("\n## Bars of the pages").expect("the bars");
    let bars = bars.split("\n## ").next().expect("a part");
    let mut there = BTreeSet::new();
    tests_in("tests/it", "", &mut there);
    tests_in("tests/it/engine", "engine::", &mut there);
    tests_in("tests/it/units/console", "units::console::", &mut there);
    let there: BTreeSet<String> = there.iter().map(|name| name.replace("::mod::", "::")).collect();
    let named: Vec<&str> =
        bars.split('`').skip(1).step_by(2).filter(|name| name.contains("::") || name.contains(" › ")).collect();
    assert!(named.len() > 40, "{named:?}");
    let is_there = |name: &str| match name.split_once(" › ") {
        Some((file, title)) => is_in_the_browser(file, title),
        None => there.contains(name),
    };
    let missing: Vec<&&str> = named.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_custom_role_in_the_documentation_is_the_one_of_the_pages() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SET-UP.md");
    let text = fs::read_to_string(path).expect("the page");
    let script = halobridge::console::pages::set_up::scripts::sync_role("https://management.azure.com", &[]);
    assert!(text.contains(&format!("```sh\n{script}\n```")), "the page has another script than this one:\n{script}");
}

/// Everything under a folder's `.rs` files, one after another.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|kind| kind == "rs") {
            *found += &fs::read_to_string(&entry).expect("text");
        }
    }
}

#[test]
fn every_switch_of_the_twin_is_turned_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    sources(&root.join("tests/it"), &mut tests);
    sources(&root.join("src/prove"), &mut tests);
    let page = fs::read_to_string(root.join("docs/TWIN.md")).expect("the page");
    let (_, switches) = page.split_once("\n## Switches").expect("the switches");
    let named: Vec<&str> = switches.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(named.len() > 90, "{named:?}");
    let missing: Vec<&&str> = named.iter().filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    assert!(missing.is_empty(), "no test turns {missing:?}");
}
