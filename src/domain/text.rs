//! Words on their way across: HTML, Markdown and plain text, lengths, and what must not cross.
//!
//! Sentinel comments are text, simple HTML or Markdown; Halo notes are HTML. Whatever comes from
//! outside leaves here either as plain text or as HTML of a small safe subset. Start with
//! [`message_to_html`] (Sentinel → Halo), [`html_to_text`] (Halo → Sentinel) and [`split`].

mod entity;
mod html;
mod markdown;
mod token;

pub use html::{SAFE_TAGS, html_to_text, looks_like_html, sanitise};

/// Length as both services may count it: UTF-16 units, never fewer than characters.
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Without control characters (except line break and tab), byte order marks and the marks that turn
/// the reading direction (they can disguise a name); line ends are `\n`.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{2028}' | '\u{2029}' | '\u{85}' => out.push('\n'),
            c if c.is_control() => {}
            '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}' => {}
            c => out.push(c),
        }
    }
    out
}

/// One line: control characters and line breaks become blanks, runs of blanks one.
pub fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text for HTML content and attribute values.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Plain text as safe HTML: escaped, line breaks as `<br>` (a newline alone is none in Halo).
pub fn text_to_html(text: &str) -> String {
    escape(&clean(text)).replace('\n', "<br>")
}

/// A Sentinel message (text, simple HTML or Markdown) as safe HTML.
pub fn message_to_html(message: &str) -> String {
    if is_html(message) { sanitise(message) } else { markdown::to_html(&clean(message)) }
}

/// A Sentinel message as text. Markdown stays as it was written: it reads well.
pub fn message_to_text(message: &str) -> String {
    if is_html(message) { html_to_text(message) } else { clean(message) }
}

/// Whether a message is HTML: what Markdown quotes as code (a phishing page's form) is what it says, and no markup.
fn is_html(message: &str) -> bool {
    looks_like_html(message) && looks_like_html(&markdown::without_code(&clean(message)))
}

/// Keeps `@name` from notifying anyone on the other side: an invisible joint stands behind the `@`. What breaks with a
/// joint in it is left alone: mail and web addresses, and what scripts and queries write (`@{a=1}`, `@"C:\x"`).
pub fn neutralise_mentions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut before, mut in_address) = (' ', false);
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if c.is_whitespace() || "<>\"".contains(c) {
            in_address = false;
        } else if !before.is_alphanumeric() && begins_address(rest) {
            in_address = true;
        }
        out.push(c);
        let starts = c == '@' && !in_address && !(before.is_alphanumeric() || "._-+%".contains(before));
        if starts && rest.chars().nth(1).is_some_and(|next| next.is_alphanumeric() || "_[".contains(next)) {
            out.push('\u{2060}');
        }
        before = c;
    }
    out
}

fn begins_address(text: &str) -> bool {
    let begins = |scheme: &&str| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    ["http://", "https://"].iter().any(begins)
}

/// The same in HTML: only what stands between the tags is touched.
pub fn neutralise_mentions_in_html(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let (words, tag) = rest.split_at(open);
        out.push_str(&neutralise_mentions(words));
        let end = tag.find('>').map_or(tag.len(), |at| at + 1);
        let (tag, after) = tag.split_at(end);
        out.push_str(tag);
        rest = after;
    }
    out.push_str(&neutralise_mentions(rest));
    out
}

/// Keeps what only looks like markup from being any where a text is shown as HTML: an invisible joint stands behind its `<`.
pub fn neutralise_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for at in token::beginnings(text) {
        // A `<` is one byte long.
        out.push_str(text.get(from..=at).unwrap_or_default());
        out.push('\u{2060}');
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// The words as they were before mentions and markup in them were [neutralised](neutralise_mentions): what is ours is known
/// by them.
pub fn unjointed(text: &str) -> String {
    text.replace('\u{2060}', "")
}

/// At most `max` long (see [`length`]); what is cut off is shown by `…`.
pub fn cut(text: &str, max: usize) -> String {
    if length(text) <= max {
        return text.to_owned();
    }
    let end = prefix(text, max.saturating_sub(1));
    let kept = text.get(..end).unwrap_or_default().trim_end();
    if max == 0 { String::new() } else { format!("{kept}…") }
}

/// Byte length of the longest prefix that is at most `max` long.
fn prefix(text: &str, max: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.len_utf16();
        if used > max {
            return at;
        }
    }
    text.len()
}

/// Splits into parts of at most `limit` (at least 32) each, at paragraphs, else lines, else sentences,
/// else words. Several parts end in ` (1/3)`, which is counted in. Only blanks at the seams are left out.
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(32);
    if length(text) <= limit {
        return vec![text.to_owned()];
    }
    let mut digits = 1;
    loop {
        let parts = pieces(text, limit - (4 + 2 * digits));
        let total = parts.len();
        if total.to_string().len() <= digits {
            let marked = |(at, part): (usize, &str)| format!("{part} ({}/{total})", at + 1);
            return parts.into_iter().enumerate().map(marked).collect();
        }
        digits += 1;
    }
}

fn pieces(text: &str, room: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while length(rest) > room {
        let window = rest.get(..prefix(rest, room)).unwrap_or(rest);
        // A seam in the first quarter would make many small parts: look for a finer one then.
        let late = |at: &usize| *at > window.len() / 4;
        let at = ["\n\n", "\n", ". ", " "]
            .into_iter()
            .find_map(|seam| window.rfind(seam).map(|at| at + seam.len()).filter(late))
            .unwrap_or(window.len());
        let (part, more) = rest.split_at(at);
        parts.push(part.trim_end());
        rest = more.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

#[cfg(test)]
mod tests;
