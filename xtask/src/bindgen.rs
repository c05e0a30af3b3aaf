//! Turns the compiled module into what a browser loads: a small module and the script around it.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// The outcome of wasm-bindgen.
pub struct Bound {
    /// The module, without names and without the list of producers.
    pub module: Vec<u8>,
    /// The script that imports and wraps it.
    pub script: String,
    /// Scripts that crates bring along: the path by which `script` imports each, and its text.
    pub snippets: Vec<(String, String)>,
}

/// Runs wasm-bindgen over `module`.
pub fn run(name: &str, module: Vec<u8>) -> Result<Bound> {
    let mut output = Bindgen::new()
        .input_bytes(name, module)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .generate_output()
        .context("wasm-bindgen failed")?;
    if !output.npm_dependencies().is_empty() {
        bail!("a crate wants npm packages in the browser bundle; there is no place for them");
    }
    let mut snippets = Vec::new();
    for (crate_id, texts) in output.snippets() {
        for (index, text) in texts.iter().enumerate() {
            snippets.push((format!("./snippets/{crate_id}/inline{index}.js"), text.clone()));
        }
    }
    for (path, text) in output.local_modules() {
        snippets.push((format!("./snippets/{path}"), text.clone()));
    }
    snippets.sort();
    let script = tidy(output.js());
    Ok(Bound { module: output.wasm_mut().emit_wasm(), script, snippets })
}

/// Drops documentation comments, indentation and empty lines.
///
/// The script is generated, so its shape is known: block comments begin a line and nothing depends
/// on leading white space.
fn tidy(script: &str) -> String {
    if script.lines().any(|line| line.matches('`').count() % 2 == 1) {
        // A template string runs over several lines: leave everything as it is.
        return script.to_owned();
    }
    let mut out = String::with_capacity(script.len());
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        if in_comment {
            in_comment = !line.ends_with("*/");
        } else if line.starts_with("/*") {
            in_comment = !line.contains("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn comments_and_indentation_go_and_code_stays() {
        let script = "/** a\n * b */\nfunction f() {\n    // c\n    return '/* no */';\n}\n\n/* one line */\nf();\n";
        assert_eq!(tidy(script), "function f() {\nreturn '/* no */';\n}\nf();\n");
    }

    #[test]
    fn a_script_with_a_long_template_string_is_left_alone() {
        let script = "const a = `x\n  y`;\n";
        assert_eq!(tidy(script), script);
    }
}
