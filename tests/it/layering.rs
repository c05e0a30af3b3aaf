//! Which folder of `src` may use which, and which outside crates it may name.
//!
//! The table is `docs/ARCHITECTURE.md`'s, as code. It reads the sources, so it also sees what the
//! compiler would let pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Folder (or file) of `src` → what it may use of the crate.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ledger", &["domain"]),
    ("planner", &["domain", "ledger"]),
    ("clock", &[]),
    ("telemetry", &[]),
    ("config", &["domain", "outbound"]),
    ("outbound", &["domain", "clock"]),
    // Sentinel takes its tokens from Entra.
    ("sentinel", &["domain", "outbound", "clock", "entra"]),
    ("halo_itsm", &["domain", "outbound", "clock"]),
    ("entra", &["domain", "outbound", "clock"]),
    ("store", &["domain", "ledger", "clock"]),
    (
        "engine",
        &["domain", "planner", "ledger", "store", "sentinel", "halo_itsm", "entra", "outbound", "clock", "telemetry"],
    ),
    (
        "service",
        &[
            "domain",
            "planner",
            "ledger",
            "store",
            "sentinel",
            "halo_itsm",
            "entra",
            "outbound",
            "clock",
            "config",
            "engine",
            "telemetry",
        ],
    ),
    ("console", &["domain", "service"]),
    ("web", &["console", "service", "domain", "clock", "telemetry", "config"]),
    ("twin", &["clock", "outbound"]),
    (
        "prove",
        &[
            "domain",
            "planner",
            "ledger",
            "store",
            "sentinel",
            "halo_itsm",
            "entra",
            "outbound",
            "clock",
            "config",
            "engine",
            "service",
            "telemetry",
            "twin",
            "web",
            "console",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "planner",
            "ledger",
            "store",
            "sentinel",
            "halo_itsm",
            "entra",
            "outbound",
            "clock",
            "config",
            "engine",
            "service",
            "telemetry",
            "twin",
            "web",
            "console",
            "prove",
        ],
    ),
    // The crate's two roots.
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Outside names that only some folders may use.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("reqwest", &["outbound"]),
    ("web_sys", &["console"]),
    ("js_sys", &["console"]),
    ("wasm_bindgen", &["console", "lib"]),
    ("leptos", &["console", "web", "lib"]),
    ("leptos_axum", &["console", "web"]),
    ("hydration_context", &["console"]),
    ("axum", &["web", "twin", "cli"]),
    ("clap", &["cli"]),
];

/// Folders without clock, randomness and IO.
const PURE: &[&str] = &["domain", "ledger", "planner"];
/// What a pure folder may not name.
const IMPURE: &[&str] = &[
    "tokio",
    "futures",
    "tracing",
    "http",
    "rand_chacha",
    "getrandom",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "std::io",
    "Timestamp::now",
];

/// The only files with `cfg(feature`.
const GATES: &[&str] = &["lib.rs", "main.rs", "console/mod.rs", "console/platform.rs"];

const LINES_MAX: usize = 500;

/// Everything wrong with one file, each as a sentence. `path` is relative to `src`.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let folder = top_of(path);
    let test = is_test(path);
    let code = without_comments_and_strings(text);
    // They would make the whole server be compiled once more: `make test` compiles the core alone with its tests.
    if !PURE.contains(&folder) && (code.contains("#[cfg(test)]") || code.contains("#[test]")) {
        found.push(format!("{path}: only {} have tests beside the code, others in tests/it", PURE.join(", ")));
    }
    let code = if test { code } else { without_test_modules(&code) };

    if !test && text.lines().count() > LINES_MAX {
        found.push(format!("{path}: {} lines, at most {LINES_MAX}", text.lines().count()));
    }
    if code.contains("cfg(feature") && !GATES.contains(&path) {
        found.push(format!("{path}: `cfg(feature` stands only in {}", GATES.join(", ")));
    }
    for word in ["todo!", "unimplemented!", "dbg!"] {
        if names(&code, word) {
            found.push(format!("{path}: `{word}`"));
        }
    }
    // Tests beside the code may reach for whatever shows that the code is right.
    if test {
        return found;
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == folder) else {
        found.push(format!("{path}: `{folder}` has no row in the table of tests/it/layering.rs"));
        return found;
    };
    for used in uses(path, &code) {
        let known = ARROWS.iter().any(|(name, _)| *name == used);
        if known && used != folder && !allowed.contains(&used.as_str()) {
            found.push(format!("{path}: `{folder}` may not use `{used}`"));
        }
        if folder == "console" && used == "service" && !code.contains("#[server") && path != "console/platform.rs" {
            found.push(format!("{path}: `console` may use `service` only in the body of a server function"));
        }
    }
    for (outside, folders) in OUTSIDE {
        if names(&code, &format!("{outside}::")) && !folders.contains(&folder) {
            found.push(format!("{path}: only {} may name `{outside}`", folders.join(", ")));
        }
    }
    for impure in IMPURE {
        let pattern = if impure.contains("::") { (*impure).to_owned() } else { format!("{impure}::") };
        if PURE.contains(&folder) && names(&code, &pattern) {
            found.push(format!("{path}: `{folder}` is pure and may not name `{impure}`"));
        }
    }
    found
}

fn top_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether `code` has `word` and not as the end of a longer name.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// The top-level names that `code` reaches through `crate::…` or enough `super::`.
fn uses(path: &str, code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        found.extend(heads(&code[at + "crate::".len()..]));
    }
    let module = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs")).unwrap_or(path);
    let climb = "super::".repeat(module.split('/').count());
    for (at, _) in code.match_indices(&climb) {
        found.extend(heads(&code[at + climb.len()..]));
    }
    found
}

/// The first names of a path or of a `{…}` group of paths.
fn heads(rest: &str) -> Vec<String> {
    let name =
        |text: &str| -> String { text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.iter().map(|part| name(part)).filter(|part| !part.is_empty()).collect()
}

/// The code alone: comments go, strings become empty, lines stay where they are.
fn without_comments_and_strings(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, word: &str| word.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    while at < chars.len() {
        if starts(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            while at < chars.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if chars[at] == 'r' && (starts(at + 1, "\"") || starts(at + 1, "#\"") || starts(at + 1, "##\"")) {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            at += 2 + hashes;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if chars[at] == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if chars[at] == '\'' && (chars.get(at + 2) == Some(&'\'') || starts(at + 1, "\\")) {
            // A character, not a lifetime: it may be a quote.
            at += if starts(at + 1, "\\") { 3 } else { 2 };
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Drops `#[cfg(test)] mod … { … }` to the end of the file, where such modules stand.
fn without_test_modules(code: &str) -> String {
    match code.find("#[cfg(test)]\nmod ") {
        Some(at) if code[at..].lines().nth(1).is_some_and(|line| line.trim_end().ends_with('{')) => {
            code[..at].to_owned()
        }
        _ => code.to_owned(),
    }
}

fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                into.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    let relative = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    paths.iter().map(|path| (relative(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_arrow_is_in_the_table() {
    let sources = sources();
    assert!(sources.len() > 20, "the sources were not found");
    let found: Vec<String> = sources.iter().flat_map(|(path, text)| faults(path, text)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_table_names_only_itself() {
    let rows: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (row, allowed) in ARROWS {
        for used in *allowed {
            assert!(rows.contains(used), "{row} may use {used}, which has no row");
        }
    }
}

#[test]
fn a_wrong_arrow_is_seen_however_it_is_written() {
    let wrong = [
        ("domain/incident.rs", "use crate::store::Store;"),
        ("domain/incident.rs", "use crate::{ledger::{Entry, Kind}, domain::x};"),
        ("planner/mod.rs", "use crate::{\n    domain::a,\n    store::{b, c},\n};"),
        ("store/mod.rs", "fn f() { crate::engine::tick() }"),
        ("store/mod.rs", "use super::engine;"),
        ("store/deep/mod.rs", "use super::super::web::x;"),
        ("twin/world.rs", "use crate::sentinel::wire::Incident;"),
        ("console/pages.rs", "use crate::service::pairs;"),
        ("console/pages.rs", "use crate::store::Store;"),
        ("main.rs", "use crate::web::router;"),
        ("service/mod.rs", "fn f(q: sqlx::Query) {}"),
        ("sentinel/mod.rs", "use reqwest::Client;"),
        ("service/mod.rs", "use leptos::prelude::*;"),
        ("planner/mod.rs", "use std::time::SystemTime;"),
        ("planner/mod.rs", "async fn f() { tokio::task::yield_now().await }"),
        ("web/mod.rs", "#[cfg(feature = \"ssr\")] mod x;"),
        ("web/mod.rs", "fn f() { todo!() }"),
        ("unheard/mod.rs", ""),
        ("web/mod.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n}"),
        ("web/tests.rs", "#[test]\nfn f() {}"),
    ];
    for (path, text) in wrong {
        assert!(!faults(path, text).is_empty(), "{path}: {text}");
    }
    let long = "\n".repeat(LINES_MAX + 1);
    assert_eq!(faults("web/mod.rs", &long).len(), 1);
    assert!(faults("web/tests.rs", &long).is_empty());
}

#[test]
fn what_is_no_arrow_is_let_pass() {
    let right = [
        ("domain/mod.rs", "//! `crate::store` keeps it.\nconst A: &str = \"crate::store::x\"; /* crate::web */"),
        ("domain/mod.rs", "const A: char = '\"'; // \"\nconst B: &str = r#\"sqlx::\"#;"),
        ("domain/mod.rs", "fn a<'a>(x: &'a str) -> &'a str { x }\n#[cfg(test)]\nmod tests {\n use crate::store::S;\n}"),
        ("store/tests.rs", "use crate::twin::world::World;"),
        ("console/api.rs", "#[server]\nasync fn f() { crate::service::pairs::list().await }"),
        ("engine/mod.rs", "use super::engine_room;"),
        ("service/mod.rs", "use my_sqlx::x;"),
        ("main.rs", "fn main() { crate::cli::main() }"),
    ];
    for (path, text) in right {
        assert_eq!(faults(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}
