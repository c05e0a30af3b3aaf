//! Cuts HTML into tags and text. Never fails: what is no tag is text.

/// A piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Text as written: references are not resolved.
    Text(&'a str),
    /// An opening tag, its name in lower case.
    Open(String, Attributes<'a>),
    /// A closing tag, its name in lower case.
    Close(String),
}

/// What stands between a tag's name and its end, as written.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Attributes<'a>(&'a str);

impl Attributes<'_> {
    /// The value of an attribute, references resolved.
    pub fn get(self, wanted: &str) -> Option<String> {
        let mut rest = self.0;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '/').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() && after.is_empty() {
                return None;
            }
            let after = after.trim_start();
            let Some(value) = after.strip_prefix('=') else {
                rest = after;
                if name.eq_ignore_ascii_case(wanted) {
                    return Some(String::new());
                }
                continue;
            };
            let value = value.trim_start();
            let (value, after) = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = value.get(1..).unwrap_or_default();
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(super::entity::decode(value));
            }
            rest = after;
        }
    }
}

/// Elements whose content is no text for people: it is dropped with them.
const DROPPED: [&str; 10] =
    ["script", "style", "head", "title", "noscript", "template", "iframe", "object", "svg", "math"];

/// Names of HTML's elements, those of former versions among them, in order. What stands between angle brackets under any
/// other name is what somebody wrote: an address, a placeholder.
#[rustfmt::skip]
const ELEMENTS: [&str; 135] = [
    "a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio", "b", "base", "basefont", "bdi",
    "bdo", "big", "blink", "blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col",
    "colgroup", "data", "datalist", "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed",
    "fieldset", "figcaption", "figure", "font", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5",
    "h6", "head", "header", "hgroup", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend",
    "li", "link", "listing", "main", "map", "mark", "marquee", "math", "menu", "meta", "meter", "nav", "nobr",
    "noframes", "noscript", "object", "ol", "optgroup", "option", "output", "p", "param", "picture", "plaintext",
    "pre", "progress", "q", "rb", "rp", "rt", "rtc", "ruby", "s", "samp", "script", "search", "section", "select",
    "slot", "small", "source", "span", "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody",
    "td", "template", "textarea", "tfoot", "th", "thead", "time", "title", "tr", "track", "tt", "u", "ul", "var",
    "video", "wbr", "xmp",
];

/// What the names of elements begin with that Office puts into HTML.
const OFFICE: [&str; 5] = ["m:", "o:", "st1:", "v:", "w:"];

/// Whether this is the name of an element, however it is written.
fn element(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ELEMENTS.binary_search(&name.as_str()).is_ok() || OFFICE.iter().any(|prefix| name.starts_with(prefix))
}

/// How much may be looked through in vain for the end of a tag, all in all, before what is left counts as text: who writes
/// the beginnings of a hundred thousand tags holds up nobody.
const PATIENCE: usize = 8 * 1024 * 1024;
/// No element's name is as long.
const NAME_MAX: usize = 64;

/// Walks over HTML.
pub struct Tokens<'a> {
    rest: &'a str,
    patience: usize,
    /// Dropped elements that are closed nowhere behind here.
    unclosed: Vec<String>,
}

impl<'a> Tokens<'a> {
    /// From the start.
    pub fn new(html: &'a str) -> Self {
        Self { rest: html, patience: PATIENCE, unclosed: Vec::new() }
    }

    /// Skips behind the end of a dropped element; an unclosed one hides only its own tag, so that
    /// words behind it are not lost.
    fn skip(&mut self, name: String) {
        if self.unclosed.contains(&name) {
            return;
        }
        let close = format!("</{name}");
        let Some(at) = find_ignoring_case(self.rest, &close) else { return self.unclosed.push(name) };
        let from = self.rest.get(at..).unwrap_or_default();
        let end = from.find('>').map_or(from.len(), |end| end + 1);
        self.rest = from.get(end..).unwrap_or_default();
    }
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    text.windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted))
}

/// Length of the markup at the start of `text` (which begins with `<`); `None` when it is text.
fn markup_len(text: &str, patience: &mut usize) -> Option<usize> {
    if *patience == 0 {
        return None;
    }
    let (length, seen) = look(text);
    *patience = patience.saturating_sub(seen.saturating_sub(length.unwrap_or(0)));
    length
}

/// The same, and how far it was looked for.
fn look(text: &str) -> (Option<usize>, usize) {
    if text.starts_with("<!--") {
        let end = text.find("-->").map_or(text.len(), |end| end + 3);
        return (Some(end), end);
    }
    if text.starts_with("<!") || text.starts_with("<?") {
        return text.find('>').map_or((None, text.len()), |end| (Some(end + 1), end + 1));
    }
    if !begins_element(text) {
        return (None, 0);
    }
    // A `>` inside a quoted attribute value does not end the tag.
    let mut quote = None;
    let mut value = false;
    for (at, c) in text.char_indices().skip(1) {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return (text.get(1..at).is_some_and(tag_like).then_some(at + 1), at + 1),
            (None, '"' | '\'') if value => quote = Some(c),
            _ => {}
        }
        value = c == '=' || (value && c.is_whitespace());
    }
    // Never closed: an odd quote, or plain text with a `<`.
    (quote.and_then(|_| text.find('>')).map(|end| end + 1), text.len())
}

/// Whether the name of an element stands behind the `<` (or `</`) of a text, and ends.
fn begins_element(text: &str) -> bool {
    let named = text.strip_prefix("</").or_else(|| text.strip_prefix('<')).unwrap_or(text);
    let ends = |(_, c): &(usize, char)| c.is_whitespace() || "/>".contains(*c);
    let end = named.char_indices().take(NAME_MAX).find(ends);
    end.and_then(|(at, _)| named.get(..at)).is_some_and(element)
}

/// Where in a text markup begins, whatever stands around it; where that takes too long to tell, any `<` may begin some.
pub fn beginnings(text: &str) -> impl Iterator<Item = usize> {
    let mut patience = PATIENCE;
    let begins = move |at: &usize| {
        let (length, seen) = if patience == 0 { (Some(1), 0) } else { look(text.get(*at..).unwrap_or_default()) };
        patience = patience.saturating_sub(seen);
        length.is_some()
    };
    text.match_indices('<').map(|(at, _)| at).filter(begins)
}

/// `a<b then c>d` is a comparison: behind a name there are attributes (with `=`), or nothing.
fn tag_like(inner: &str) -> bool {
    let (name, rest) = inner.split_at(inner.find(char::is_whitespace).unwrap_or(inner.len()));
    let rest = rest.trim().trim_end_matches('/');
    rest.is_empty() || rest.contains('=') || DROPPED.iter().any(|dropped| name.eq_ignore_ascii_case(dropped))
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let Some(length) = self.rest.strip_prefix('<').and_then(|_| markup_len(self.rest, &mut self.patience))
            else {
                // Text up to the next `<` that may begin markup.
                let end =
                    self.rest.char_indices().skip(1).find(|(_, c)| *c == '<').map_or(self.rest.len(), |(at, _)| at);
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(Token::Text(text));
            };
            let (tag, rest) = self.rest.split_at(length);
            self.rest = rest;
            let inner = tag.trim_start_matches('<').trim_end_matches('>');
            if inner.starts_with(['!', '?']) {
                continue;
            }
            let (closing, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
            let end = inner.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inner.len());
            let (name, attributes) = inner.split_at(end);
            let name = name.to_ascii_lowercase();
            if closing {
                return Some(Token::Close(name));
            }
            if DROPPED.contains(&name.as_str()) {
                self.skip(name);
                continue;
            }
            return Some(Token::Open(name, Attributes(attributes)));
        }
    }
}
