//! The little Markdown that people write in comments, as safe HTML. What is not understood stays text.

use super::escape;

/// Text that may hold Markdown as safe HTML. Every word of it is in the result.
pub fn to_html(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    // The element whose rows are being gathered: `ul` or `ol`.
    let mut list: Option<&str> = None;
    let mut fence: Option<Vec<&str>> = None;
    for row in text.lines() {
        if row.trim_start().starts_with("```") {
            match fence.take() {
                Some(rows) => out.push(format!("<pre>{}</pre>", escape(&rows.join("\n")))),
                None => {
                    close(&mut list, &mut out);
                    // The language behind the fence is a word, too.
                    let language = row.trim_start().trim_start_matches('`').trim();
                    fence = Some(if language.is_empty() { Vec::new() } else { vec![language] });
                }
            }
            continue;
        }
        if let Some(rows) = &mut fence {
            rows.push(row);
            continue;
        }
        let (kind, item) = item(row);
        if kind != list {
            close(&mut list, &mut out);
            if let Some(kind) = kind {
                out.push(format!("<{kind}>"));
                list = Some(kind);
            }
        }
        match (kind, heading(row)) {
            (Some(_), _) => out.push(format!("<li>{}</li>", inline(item))),
            (None, Some(title)) => out.push(format!("<strong>{}</strong><br>", inline(title))),
            (None, None) => out.push(format!("{}<br>", inline(row))),
        }
    }
    close(&mut list, &mut out);
    if let Some(rows) = fence {
        // Never closed: then it was none.
        out.push(format!("```<br>{}", escape(&rows.join("\n")).replace('\n', "<br>")));
    }
    let html = out.concat();
    html.strip_suffix("<br>").map(str::to_owned).unwrap_or(html)
}

/// What of a text stands in no code: neither in a fence nor in a span. It tells what kind of text it is, and is not shown.
pub fn without_code(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut fence: Option<Vec<&str>> = None;
    for row in text.lines() {
        match row.trim_start().strip_prefix("```") {
            Some(after) if fence.take().is_some() => out.push(without_spans(after)),
            Some(_) => fence = Some(vec![row]),
            None => match &mut fence {
                Some(rows) => rows.push(row),
                None => out.push(without_spans(row)),
            },
        }
    }
    // Never closed: then it was none.
    out.extend(fence.into_iter().flatten().map(without_spans));
    out.join("\n")
}

fn without_spans(row: &str) -> String {
    let mut out = String::new();
    let mut rest = row;
    while let Some(at) = rest.find('`') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push('`');
        // The mark is one byte long.
        rest = code(from).map_or_else(|| from.split_at(1).1, |(_, after)| after);
    }
    out.push_str(rest);
    out
}

fn close(list: &mut Option<&str>, out: &mut Vec<String>) {
    if let Some(kind) = list.take() {
        out.push(format!("</{kind}>"));
    }
}

/// A list's row: its kind and what it says. A number other than a plain rise would be shown wrongly
/// by `ol`, so numbered rows keep their number as text.
fn item(row: &str) -> (Option<&'static str>, &str) {
    let trimmed = row.trim_start();
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = trimmed.strip_prefix(mark) {
            return (Some("ul"), rest);
        }
    }
    (None, row)
}

fn heading(row: &str) -> Option<&str> {
    let rest = row.trim_start_matches('#');
    let level = row.len() - rest.len();
    (1..=6).contains(&level).then(|| rest.strip_prefix(' ')).flatten()
}

/// Bold, code and links inside a row.
fn inline(row: &str) -> String {
    let mut out = String::new();
    let mut rest = row;
    while let Some(at) = rest.find(['*', '`', '[']) {
        let (before, from) = rest.split_at(at);
        out.push_str(&escape(before));
        match code(from).or_else(|| bold(from)).or_else(|| link(from)) {
            Some((html, after)) => {
                out.push_str(&html);
                rest = after;
            }
            None => {
                // All three marks are one byte long.
                let (mark, after) = from.split_at(1);
                out.push_str(mark);
                rest = after;
            }
        }
    }
    out.push_str(&escape(rest));
    out
}

fn code(text: &str) -> Option<(String, &str)> {
    let (inner, after) = text.strip_prefix('`')?.split_once('`')?;
    (!inner.is_empty()).then(|| (format!("<code>{}</code>", escape(inner)), after))
}

fn bold(text: &str) -> Option<(String, &str)> {
    let (inner, after) = text.strip_prefix("**")?.split_once("**")?;
    (!inner.trim().is_empty()).then(|| (format!("<strong>{}</strong>", escape(inner)), after))
}

fn link(text: &str) -> Option<(String, &str)> {
    let (shown, after) = text.strip_prefix('[')?.split_once("](")?;
    let (address, after) = after.split_once(')')?;
    let fits = (address.starts_with("https://") || address.starts_with("http://"))
        && !shown.is_empty()
        && !shown.contains(['[', ']'])
        && !address.contains(char::is_whitespace);
    fits.then(|| {
        let address = escape(address);
        (format!("<a href=\"{address}\" rel=\"noopener noreferrer\">{}</a>", escape(shown)), after)
    })
}
