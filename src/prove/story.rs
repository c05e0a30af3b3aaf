//! What happened, in words and in order: what people did, what was sent, what came back, when.

use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Lines of a story that are printed around what went wrong.
const SHOWN_MAX: usize = 160;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person in Sentinel.
    Analyst,
    /// A person in Halo.
    Agent,
    /// The clouds themselves.
    Cloud,
    /// What goes wrong.
    Nemesis,
    /// A process of ours, by its place.
    Us(usize),
    /// Whoever runs the installation.
    Admin,
}

impl Who {
    fn words(self) -> String {
        match self {
            Self::Analyst => "analyst".into(),
            Self::Agent => "agent".into(),
            Self::Cloud => "cloud".into(),
            Self::Nemesis => "NEMESIS".into(),
            Self::Us(0) => "bridge".into(),
            Self::Us(place) => format!("bridge {}", place + 1),
            Self::Admin => "admin".into(),
        }
    }
}

/// One line.
#[derive(Debug, Clone)]
pub struct Line {
    /// When, by the world's clock.
    pub at: Timestamp,
    /// Who.
    pub who: Who,
    /// What.
    pub text: String,
}

/// The story of a world, and its digest.
#[derive(Default)]
pub struct Story {
    lines: Vec<Line>,
    digest: Sha256,
}

impl Story {
    /// Adds a line.
    pub fn tell(&mut self, at: Timestamp, who: Who, text: impl Into<String>) {
        let line = Line { at, who, text: text.into() };
        self.digest.update(line.at.as_millisecond().to_le_bytes());
        self.digest.update(line.text.as_bytes());
        self.digest.update([0]);
        self.lines.push(line);
    }

    /// Adds something to the digest alone.
    pub fn note(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// The lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The digest of everything told and noted so far, in hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    /// The story as far as it names one of `about` (everything when it is empty); what befell the whole world
    /// is always told.
    pub fn print(&self, about: &[String]) -> String {
        let tells = |line: &&Line| {
            about.is_empty()
                || matches!(line.who, Who::Nemesis | Who::Admin) && !line.text.starts_with("  ")
                || about.iter().any(|word| names(&line.text, word))
        };
        let told: Vec<&Line> = self.lines.iter().filter(tells).collect();
        let mut out = String::new();
        let left_out = told.len().saturating_sub(SHOWN_MAX);
        for (n, line) in told.iter().enumerate() {
            // How it began and how it ended; the middle of a long one says least.
            if left_out > 0 && n >= SHOWN_MAX / 3 && n < SHOWN_MAX / 3 + left_out {
                if n == SHOWN_MAX / 3 {
                    let _ = writeln!(out, "  … {left_out} lines left out (--whole-story prints them) …");
                }
                continue;
            }
            let _ = writeln!(out, "  {} {:<9} {}", stamp(line.at), line.who.words(), line.text);
        }
        out
    }

    /// Every line.
    pub fn print_whole(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let _ = writeln!(out, "  {} {:<9} {}", stamp(line.at), line.who.words(), line.text);
        }
        out
    }

    /// Where two stories part, in words.
    pub fn parting(&self, other: &Self) -> String {
        let pairs = self.lines.iter().zip(&other.lines);
        let same = pairs.take_while(|(a, b)| a.at == b.at && a.text == b.text).count();
        let line = |story: &Self| {
            let found = story.lines.get(same);
            found.map_or_else(|| "(it ends)".to_owned(), |line| format!("{} {}", stamp(line.at), line.text))
        };
        if same == self.lines.len() && same == other.lines.len() {
            return "their last line: all that was told is the same, and the databases differ".to_owned();
        }
        format!("line {} of the story: first run\n    {}\n  second run\n    {}", same + 1, line(self), line(other))
    }
}

/// Whether a text names this word whole: `#101` is not in `#1012`.
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = text.get(at + word.len()..).and_then(|rest| rest.chars().next());
        !after.is_some_and(|c| c.is_ascii_alphanumeric())
    })
}

/// `03-29 01:00:00.250`
fn stamp(at: Timestamp) -> String {
    at.strftime("%m-%d %H:%M:%S%.3f").to_string()
}
