//! HTML to readable text, and HTML to a safe subset of itself.

use super::{
    clean, entity, escape,
    token::{Token, Tokens},
};

/// Elements that may leave here. No attributes but `href` of `a`.
pub const SAFE_TAGS: [&str; 33] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "u",
    "ul",
];

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 25] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "main",
    "nav",
    "pre",
    "section",
    "table",
    "tr",
    "figure",
];

/// Elements with an empty line around them.
const SPACED: [&str; 9] = ["p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote"];

/// Whether a message is HTML rather than text with a `<` in it: it holds a tag of a known name.
pub fn looks_like_html(message: &str) -> bool {
    let known = |name: &str| {
        SAFE_TAGS.contains(&name)
            || BLOCKS.contains(&name)
            || ["span", "font", "img", "html", "body", "script", "style", "thead", "small", "center"].contains(&name)
    };
    Tokens::new(message).any(|token| match token {
        Token::Open(name, _) | Token::Close(name) => known(&name),
        Token::Text(_) => false,
    })
}

/// An address that may be a link.
fn safe_address(address: &str) -> Option<String> {
    let address: String = address.trim().chars().filter(|c| !c.is_control()).collect();
    let lower = address.to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)).then_some(address)
}

/// What an image says instead of being loaded.
fn image(attributes: super::token::Attributes<'_>) -> String {
    let alt = attributes.get("alt").filter(|alt| !alt.trim().is_empty());
    alt.map_or_else(|| "[image]".to_owned(), |alt| format!("[image: {}]", alt.trim()))
}

/// Text being written, with lines and blanks under control.
#[derive(Default)]
struct Page {
    out: String,
    /// Line breaks owed before the next word.
    breaks: usize,
    /// A blank is owed.
    blank: bool,
}

impl Page {
    fn need(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
        self.blank = false;
    }

    fn settle(&mut self) {
        if !self.out.is_empty() && self.breaks > 0 {
            self.out.extend(std::iter::repeat_n('\n', self.breaks));
        } else if self.blank && !self.out.is_empty() && !self.out.ends_with([' ', '\n', '\t']) {
            self.out.push(' ');
        }
        self.breaks = 0;
        self.blank = false;
    }

    /// Running text: runs of blanks are one.
    fn flow(&mut self, text: &str) {
        for (at, word) in text.split(char::is_whitespace).enumerate() {
            self.blank |= at > 0;
            if !word.is_empty() {
                self.settle();
                self.out.push_str(word);
            }
        }
    }

    /// Text that keeps its lines.
    fn keep(&mut self, text: &str) {
        if !text.is_empty() {
            self.settle();
            self.out.push_str(text);
        }
    }
}

/// HTML as text that a person reads: blocks on lines, lists with marks, links as `text (address)`.
pub fn html_to_text(html: &str) -> String {
    let mut page = Page::default();
    // Open lists: `None` = bullets, `Some(n)` = the last number.
    let mut lists: Vec<Option<u32>> = Vec::new();
    let mut links: Vec<(Option<String>, usize)> = Vec::new();
    let mut kept = 0_usize;
    for token in Tokens::new(html) {
        match token {
            Token::Text(text) => {
                let text = clean(&entity::decode(text));
                if kept > 0 { page.keep(&text) } else { page.flow(&text) }
            }
            Token::Open(name, attributes) => match name.as_str() {
                "br" => page.breaks = (page.breaks + 1).min(2),
                "hr" => {
                    page.need(1);
                    page.keep("---");
                    page.need(1);
                }
                "img" => page.flow(&clean(&image(attributes))),
                "ul" => {
                    page.need(1);
                    lists.push(None);
                }
                "ol" => {
                    page.need(1);
                    lists.push(Some(0));
                }
                "li" => {
                    page.need(1);
                    let depth = lists.len().saturating_sub(1);
                    let mark = match lists.last_mut() {
                        Some(Some(number)) => {
                            *number += 1;
                            format!("{number}. ")
                        }
                        _ => "- ".to_owned(),
                    };
                    page.keep(&format!("{}{mark}", "  ".repeat(depth.min(8))));
                }
                "td" | "th" => page.blank = true,
                "a" => links.push((attributes.get("href"), page.out.len())),
                _ => open_block(&name, &mut page, &mut kept),
            },
            Token::Close(name) => match name.as_str() {
                "ul" | "ol" => {
                    lists.pop();
                    page.need(if lists.is_empty() { 2 } else { 1 });
                }
                "li" => page.need(1),
                "td" | "th" => page.keep("\t"),
                "tr" => {
                    let end = page.out.trim_end_matches('\t').len();
                    page.out.truncate(end);
                    page.need(1);
                }
                "a" => {
                    if let Some((href, from)) = links.pop() {
                        close_link(&mut page, href, from);
                    }
                }
                "pre" => {
                    kept = kept.saturating_sub(1);
                    page.need(1);
                }
                _ => close_block(&name, &mut page),
            },
        }
    }
    page.out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn open_block(name: &str, page: &mut Page, kept: &mut usize) {
    if name == "pre" {
        *kept += 1;
    }
    if SPACED.contains(&name) {
        page.need(2);
    } else if BLOCKS.contains(&name) {
        page.need(1);
    }
}

fn close_block(name: &str, page: &mut Page) {
    if SPACED.contains(&name) {
        page.need(2);
    } else if BLOCKS.contains(&name) {
        page.need(1);
    }
}

/// The address behind a link's text, unless the text is the address.
fn close_link(page: &mut Page, href: Option<String>, from: usize) {
    let Some(address) = href.as_deref().and_then(safe_address) else { return };
    let shown = page.out.get(from..).unwrap_or_default().trim();
    let bare = address.strip_prefix("mailto:").unwrap_or(&address);
    if shown.is_empty() {
        page.flow(&address);
    } else if !shown.contains(bare.trim_end_matches('/')) {
        page.blank = true;
        page.flow(&format!("({address})"));
    }
}

/// HTML of the safe subset: known tags without attributes, links to web and mail addresses only,
/// everything else as its text. Tags are always closed in order.
pub fn sanitise(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut open: Vec<String> = Vec::new();
    for token in Tokens::new(html) {
        match token {
            Token::Text(text) => out.push_str(&escape(&clean(&entity::decode(text)))),
            Token::Open(name, attributes) => match name.as_str() {
                "br" | "hr" => out.push_str(if name == "br" { "<br>" } else { "<hr>" }),
                "img" => out.push_str(&escape(&clean(&image(attributes)))),
                "a" => {
                    if let Some(address) = attributes.get("href").as_deref().and_then(safe_address) {
                        out.push_str(&format!("<a href=\"{}\" rel=\"noopener noreferrer\">", escape(&address)));
                        open.push(name);
                    }
                }
                _ if SAFE_TAGS.contains(&name.as_str()) => {
                    out.push_str(&format!("<{name}>"));
                    open.push(name);
                }
                // A block of another name still begins a line.
                _ if BLOCKS.contains(&name.as_str()) && !out.is_empty() => out.push_str("<br>"),
                _ => {}
            },
            Token::Close(name) => {
                if let Some(at) = open.iter().rposition(|opened| *opened == name) {
                    for opened in open.drain(at..).rev() {
                        out.push_str(&format!("</{opened}>"));
                    }
                }
            }
        }
    }
    for opened in open.iter().rev() {
        out.push_str(&format!("</{opened}>"));
    }
    out
}
