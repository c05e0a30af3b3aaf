//! Passwords that everyone tries first, offline (ASVS 6.2.4, 6.2.12): the words of `common.txt`, with the digits,
//! signs, letter swaps and doublings people add to them, and what a finger draws on a keyboard.
//!
//! The words alone are some 2,500; with what may surround them they stand for many times the 3,000 entries that a
//! list must have. No rule asks for kinds of characters.

use std::{collections::HashSet, sync::LazyLock};

/// Letters only, lower case.
pub const LIST: &str = include_str!("common.txt");
static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| LIST.split_ascii_whitespace().collect());

/// Digits and signs around common words that do not make them a good password (`20260131!`).
const AROUND_MAX: usize = 9;
/// Runs of letters that are looked at: two words with something between.
const RUNS_MAX: usize = 3;
/// A longer run of letters is no word of the list, and no two.
const RUN_MAX: usize = 40;
/// Without a letter, anything shorter is guessed soon.
const LETTERLESS_MIN: usize = 12;

/// Whether a password (in lower case) is a common one.
pub fn is_common(lower: &str) -> bool {
    let text: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    // `a123456789`: a letter or two beside one step after the other.
    let within = bare.trim_matches(char::is_alphabetic);
    if is_trivial(&text)
        || (!bare.is_empty() && is_trivial(bare))
        || (!within.is_empty() && bare.chars().count() <= within.chars().count() + 2 && is_trivial(within))
        || (!text.contains(char::is_alphabetic) && text.chars().count() < LETTERLESS_MIN)
    {
        return true;
    }
    let dressed = text.trim_matches(|c: char| !c.is_alphabetic());
    let (before, after) = text.split_once(dressed).unwrap_or_default();
    let forms = ['i', 'l'].into_iter().flat_map(|one| {
        let inner = format!("{before}{}{after}", unswapped(dressed, one));
        [unswapped(&text, one), inner]
    });
    std::iter::once(text.clone()).chain(forms).any(|form| is_dressed(&form))
}

/// One step after the other, one part over and over, or drawn on the keyboard.
fn is_trivial(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.is_empty() || is_run(text) || is_repetition(&chars) || is_drawn(&chars)
}

/// Steps of one through the alphabet or the digits, in either direction.
fn is_run(text: &str) -> bool {
    const ROWS: [&str; 2] = ["abcdefghijklmnopqrstuvwxyz", "012345678901234567890"];
    let back: String = text.chars().rev().collect();
    text.len() > 2 && ROWS.iter().any(|row| row.contains(text) || row.contains(&back))
}

/// A part of up to four characters, over and over.
fn is_repetition(chars: &[char]) -> bool {
    (1..=4).any(|len| chars.len() >= 2 * len && chars.chunks(len).all(|part| chars.starts_with(part)))
}

/// Where a key lies: row and column of a US or German keyboard.
fn key(c: char, german: bool) -> Option<(i32, i32)> {
    const ROWS: [&str; 4] = ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"];
    const SHIFTED: &str = "!@#$%^&*()_+";
    let c = match c {
        'y' if german => 'z',
        'z' if german => 'y',
        c => c,
    };
    let place = |row: &str, c: char| row.chars().position(|key| key == c).and_then(|at| i32::try_from(at).ok());
    if let Some(column) = place(SHIFTED, c) {
        return Some((0, column));
    }
    (0_i32..).zip(ROWS).find_map(|(row, keys)| place(keys, c).map(|column| (row, column)))
}

/// Neighbours on a keyboard, in at most four strokes of three keys or more: `1qaz2wsx`, `1q2w3e4r`, `asdf1234`.
fn is_drawn(chars: &[char]) -> bool {
    [false, true].into_iter().any(|german| {
        let keys: Option<Vec<_>> = chars.iter().map(|c| key(*c, german)).collect();
        let Some(keys) = keys else { return false };
        let next = |(a, b): (&(i32, i32), &(i32, i32))| match b.0 - a.0 {
            0 => (a.1 - b.1).abs() <= 1,
            // As in `q1w2e3r4`: down and one to the right.
            1 => (a.1 - b.1).abs() <= 1,
            -1 => b.1 == a.1 || b.1 == a.1 + 1,
            _ => false,
        };
        let mut strokes = vec![1_usize];
        for neighbours in keys.iter().zip(keys.iter().skip(1)) {
            match strokes.last_mut() {
                Some(stroke) if next(neighbours) => *stroke += 1,
                _ => strokes.push(1),
            }
        }
        chars.len() > 3 && strokes.len() <= 4 && strokes.iter().all(|stroke| *stroke >= 3)
    })
}

/// `p@ssw0rd` → `password`; a one stands for an i or an l.
fn unswapped(text: &str, one: char) -> String {
    text.chars()
        .map(|c| match c {
            '@' | '4' => 'a',
            '8' => 'b',
            '3' => 'e',
            '9' => 'g',
            '1' | '!' | '|' => one,
            '0' => 'o',
            '5' | '$' => 's',
            '7' | '+' => 't',
            '2' => 'z',
            other => other,
        })
        .collect()
}

/// Common words with no more than digits, signs and a letter or two around them.
fn is_dressed(text: &str) -> bool {
    let runs: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).filter(|run| !run.is_empty()).collect();
    let around: String = text.chars().filter(|c| !c.is_alphabetic()).collect();
    let known = |run: &str| is_common_run(run);
    runs.len() <= RUNS_MAX
        && (around.chars().count() <= AROUND_MAX || is_trivial(&around))
        && runs.iter().any(|run| known(run))
        && runs.iter().all(|run| run.chars().count() <= 2 || known(run))
}

/// A word of the list: once, over and over, backwards, in the plural, or two of them together.
fn is_common_run(run: &str) -> bool {
    let word = |text: &str| WORDS.contains(text) || text.strip_suffix('s').is_some_and(|one| WORDS.contains(one));
    let chars: Vec<char> = run.chars().collect();
    if chars.len() > RUN_MAX {
        return is_repetition(&chars);
    }
    let back: String = chars.iter().rev().collect();
    let mut cuts = run.char_indices().skip(1).map(|(at, _)| run.split_at(at));
    word(run) || word(&back) || is_trivial(run) || cuts.any(|(one, other)| word(one) && word(other)) || thrice(run)
}

/// The same word three times or more.
fn thrice(run: &str) -> bool {
    let ends = run.char_indices().skip(3).map(|(at, _)| at);
    ends.map(|at| run.split_at(at)).any(|(word, rest)| WORDS.contains(word) && rest.replace(word, "").is_empty())
}
