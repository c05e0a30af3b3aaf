//! Joins the style sheets and makes them smaller without changing what they say.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Reads `files` (relative to `root`), joins them in that order and squeezes the whole.
///
/// A style sheet beside them that is in no list would silently have no effect: that is an error.
pub fn join(root: &Path, files: &[String]) -> Result<String> {
    let mut all = String::new();
    for file in files {
        let path = root.join(file);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        all.push_str(&text);
        all.push('\n');
    }
    for folder in folders(root, files) {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            let listed = files.iter().any(|file| root.join(file) == path);
            if path.extension().is_some_and(|e| e == "css") && !listed {
                bail!("{} is not in the list `style` of Leptos.toml", path.display());
            }
        }
    }
    squeeze(&all)
}

fn folders(root: &Path, files: &[String]) -> std::collections::BTreeSet<std::path::PathBuf> {
    files.iter().filter_map(|file| root.join(file).parent().map(Path::to_path_buf)).collect()
}

/// Removes comments and the white space that means nothing. Strings stay as they are; white space
/// around `+`, `-`, `>`, `(` and `)` stays too, since there it can matter.
pub fn squeeze(css: &str) -> Result<String> {
    let mut out = String::with_capacity(css.len());
    let mut chars = css.chars().peekable();
    let mut space = false;
    while let Some(c) = chars.next() {
        if c == '/' && chars.peek() == Some(&'*') {
            chars.next();
            skip_comment(&mut chars)?;
            space = true;
        } else if c.is_whitespace() {
            space = true;
        } else {
            if space && !out.is_empty() && !out.ends_with(['{', '}', ';', ',']) && !matches!(c, '{' | '}' | ';' | ',') {
                out.push(' ');
            }
            space = false;
            if c == '}' && out.ends_with(';') {
                out.pop();
            }
            out.push(c);
            if c == '"' || c == '\'' {
                copy_string(c, &mut chars, &mut out)?;
            }
        }
    }
    Ok(out)
}

fn skip_comment(chars: &mut impl Iterator<Item = char>) -> Result<()> {
    let mut last = ' ';
    for c in chars {
        if last == '*' && c == '/' {
            return Ok(());
        }
        last = c;
    }
    bail!("a comment in the style sheets is not closed")
}

fn copy_string(quote: char, chars: &mut impl Iterator<Item = char>, out: &mut String) -> Result<()> {
    let mut escaped = false;
    for c in chars {
        out.push(c);
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Ok(());
        } else if c == '\n' {
            break;
        }
    }
    bail!("a string in the style sheets is not closed")
}

#[cfg(test)]
mod tests {
    use super::squeeze;

    #[test]
    fn white_space_that_means_nothing_goes() {
        let css = "/* head */\n.a,\n.b > i {\n  color: red;\n  width: calc(1px + 2px);\n  &:hover { top: 0 }\n}\n";
        assert_eq!(squeeze(css).unwrap(), ".a,.b > i{color: red;width: calc(1px + 2px);&:hover{top: 0}}");
    }

    #[test]
    fn strings_stay_as_they_are() {
        let css = ".a::before { content: \"a  /* b */ ;} \\\" c\"; }";
        assert_eq!(squeeze(css).unwrap(), ".a::before{content: \"a  /* b */ ;} \\\" c\"}");
    }

    #[test]
    fn a_descendant_keeps_its_space() {
        assert_eq!(squeeze(".a :hover { x: y }").unwrap(), ".a :hover{x: y}");
        assert_eq!(squeeze("@media (a) and (b) { c { d: e } }").unwrap(), "@media (a) and (b){c{d: e}}");
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        assert!(squeeze("/* a").is_err());
        assert!(squeeze(".a { content: \"b }").is_err());
    }
}
