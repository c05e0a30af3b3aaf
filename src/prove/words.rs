//! What people write: words with a mark that occurs nowhere else, dressed as text, Markdown or HTML.

use super::{dice::Dice, watch::Wording};

const WORDS: [&str; 40] = [
    "checked",
    "mailbox",
    "rule",
    "found",
    "nothing",
    "blocked",
    "sender",
    "user",
    "confirms",
    "travel",
    "isolated",
    "laptop",
    "waiting",
    "firewall",
    "team",
    "password",
    "reset",
    "seen",
    "twice",
    "today",
    "host",
    "clean",
    "again",
    "vendor",
    "says",
    "expected",
    "5<6",
    "a&b",
    "O'Neil",
    "naïve",
    "🚨",
    "\"quoted\"",
    "@ana",
    "100%",
    "C:\\temp",
    "https://example.org/x?a=1&b=2",
    "überprüft",
    "再确认",
    "tab",
    "end.",
];

/// A text and its words.
pub struct Text {
    /// As typed.
    pub typed: String,
    /// Whether what was typed is HTML.
    pub html: bool,
    /// The words, the mark among them.
    pub words: Vec<String>,
}

/// How a client is named in every text that concerns it.
pub fn client_mark(client: usize) -> String {
    format!("clnt{client}")
}

/// Clients whose mark a text carries.
pub fn clients_in(text: &str) -> Vec<usize> {
    let found = text.match_indices("clnt").filter_map(|(at, mark)| {
        let rest = text.get(at + mark.len()..)?;
        rest.chars().next()?.to_digit(10).and_then(|digit| usize::try_from(digit).ok())
    });
    let mut clients: Vec<usize> = found.collect();
    clients.sort_unstable();
    clients.dedup();
    clients
}

/// A text about a client with this mark in it.
pub fn text(dice: &mut Dice, client: usize, mark: &str, may_be_html: bool) -> Text {
    let long = dice.chance(0.004);
    let count = if long { dice.between(5_000, 9_000) } else { dice.between(2, 12) };
    let mut words: Vec<String> = vec![mark.to_owned(), client_mark(client)];
    words.extend((0..count).filter_map(|_| dice.pick(&WORDS).map(|word| (*word).to_owned())));
    let html = may_be_html && dice.chance(0.5);
    let typed = if html {
        let mut typed = String::from("<p>");
        for (n, word) in words.iter().enumerate() {
            let word = escape(word);
            match (n, dice.below(14)) {
                (0, _) => typed.push_str(&word),
                (_, 0) => typed.push_str(&format!(" <b>{word}</b>")),
                (_, 1) => typed.push_str(&format!("<br>{word}")),
                (_, 2) => typed.push_str(&format!("</p><p>{word}")),
                _ => typed.push_str(&format!(" {word}")),
            }
        }
        typed.push_str("</p>");
        typed
    } else {
        let mut typed = String::new();
        for (n, word) in words.iter().enumerate() {
            match (n, dice.below(14)) {
                (0, _) => typed.push_str(word),
                (_, 0) => typed.push_str(&format!("\n{word}")),
                (_, 1) => typed.push_str(&format!("\n\n{word}")),
                _ => typed.push_str(&format!(" {word}")),
            }
        }
        typed
    };
    Text { typed, html, words }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The words of a text or of HTML as a reader sees them. Written apart from the program's own reading of HTML.
pub fn seen(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, c) in text.char_indices() {
        match c {
            '<' if !inside && tag_begins(text.get(at + 1..).unwrap_or("")) => {
                inside = true;
                out.push(' ');
            }
            '>' if inside => inside = false,
            _ if inside => {}
            // A joint that keeps a name from being notified.
            '\u{2060}' => {}
            c => out.push(c),
        }
    }
    let decoded = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    decoded.iter().fold(out, |text, (coded, plain)| text.replace(coded, plain))
}

fn tag_begins(rest: &str) -> bool {
    let name = rest.strip_prefix('/').unwrap_or(rest);
    name.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
}

/// Whether all words of a wording stand in a text, in order.
pub fn complete(wording: &Wording, text: &str) -> bool {
    let text = seen(text);
    let mut rest = text.as_str();
    wording.words.iter().all(|word| match rest.find(word.as_str()) {
        Some(at) => {
            rest = rest.get(at + word.len()..).unwrap_or("");
            true
        }
        None => false,
    })
}
