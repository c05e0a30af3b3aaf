//! Passwords that everyone tries first, offline (ASVS 6.2.4, 6.2.12): the words of `common.txt`, with the digits,
//! signs, letter swaps and doublings people add to them, and what a finger draws on a keyboard.
//!
//! The words alone are some 2,500; with what may surround them they stand for many times the 3,000 entries that a
//! list must have. No rule asks for kinds of characters.

use std::{collections::HashSet, sync::LazyLock};

/// Letters only, lower case.
const LIST: &str = include_str!("common.txt");
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::service::accounts::password::{CHARS_MIN, fault};

    /// From the tops of lists that were published after breaches.
    const WELL_KNOWN: &str = "
        123456 123456789 12345678 password qwerty 1234567 111111 123123 1234567890 000000 password1 abc123
        qwerty123 1q2w3e4r iloveyou 1q2w3e4r5t qwertyuiop 123321 666666 18atcskd2w 7777777 1qaz2wsx 654321
        555555 3rjs1la7qe google dragon monkey 987654321 zxcvbnm princess letmein football sunshine welcome
        admin 1234 ashley passw0rd shadow superman michael ninja mustang jessica charlie baseball jordan23
        master bailey access14 flower hottie loveme zaq12wsx qazwsx qazwsxedc trustno1 starwars hello freedom
        whatever computer jennifer asdfghjkl asdf1234 1qazxsw2 q1w2e3r4 q1w2e3r4t5 qwer1234 zxcvbnm1 a123456789
        aa123456 abcd1234 abc12345 password123 password12 p@ssw0rd p@ssword passw0rd1 welcome1 welcome123
        admin123 admin1234 administrator root1234 changeme changeme1 letmein1 iloveyou1 iloveyou2 princess1
        football1 baseball1 sunshine1 charlie1 michael1 jordan123 superman1 monkey123 dragon123 master123
        qwerty12 qwerty1234 qwertyui 11111111 00000000 88888888 12341234 12121212 123123123 87654321 147258369
        159753 741852963 !@#$%^&* !qaz2wsx summer2024 winter2023! spring2025 january2024 december2023 monday123
        liverpool1 chelsea1 arsenal1 blink182 metallica1 pokemon1 naruto123 minecraft1 jesus123 angel123
        drowssap nimda321 lovelove hellohello adminadmin passpass testtest123 secret123 hunter22 batman123
        babygirl1 purple123 cookie123 chocolate1 butterfly1 samsung1 internet1 computer1 myspace1 mypassword
        schalke04 hallo123 passwort1 passwort123 sommer2024 herbst2023 motdepasse azerty123 contrasena1";
    /// Nobody's word: they stand in the lists because bots made the accounts.
    const OF_BOTS: [&str; 2] = ["18atcskd2w", "3rjs1la7qe"];

    #[test]
    fn well_known_passwords_are_refused_however_they_are_written() {
        let known: BTreeSet<&str> = WELL_KNOWN.split_ascii_whitespace().filter(|p| !OF_BOTS.contains(p)).collect();
        assert!(known.len() >= 100, "{}", known.len());
        let long = known.iter().filter(|p| p.chars().count() >= CHARS_MIN).count();
        assert!(long >= 100, "{long} of them are not refused for their length already");
        for password in known {
            let mut first = password.to_owned();
            first.get_mut(..1).unwrap().make_ascii_uppercase();
            let ways = [
                password.to_owned(),
                password.to_uppercase(),
                first.clone(),
                format!("{first}!"),
                format!("{password} "),
            ];
            for written in ways {
                assert!(fault(&written, "grace").is_some(), "{written}");
                assert!(is_common(&written.to_lowercase()), "{written}");
            }
        }
    }

    #[test]
    fn the_list_holds_more_than_three_thousand_that_are_long_enough() {
        let swapped = |word: &str| word.replace('a', "@").replace('o', "0").replace('e', "3");
        let mut list: BTreeSet<String> = BTreeSet::new();
        for word in LIST.split_ascii_whitespace() {
            assert!(word.bytes().all(|b| b.is_ascii_lowercase()), "{word}");
            for end in ["", "1", "12", "123", "1234", "!", "123!", "2024", "2025!", "007", "69"] {
                list.insert(format!("{word}{end}"));
            }
            list.extend([swapped(word), format!("{word}{word}"), word.chars().rev().collect()]);
        }
        list.retain(|password| password.chars().count() >= CHARS_MIN);
        let plain = list.iter().filter(|p| LIST.split_ascii_whitespace().any(|word| word == p.as_str())).count();
        assert!(list.len() > 3_000 && plain > 500, "{} entries, {plain} of them plain words", list.len());
        let missed: Vec<&String> = list.iter().filter(|password| !is_common(password)).collect();
        assert!(missed.is_empty(), "{} are taken: {:?}", missed.len(), missed.iter().take(20).collect::<Vec<_>>());
    }

    #[test]
    fn others_are_not() {
        for password in [
            "correct horse battery staple",
            "violet kettle sings at dawn",
            "blue kettle sings softly",
            "tmbg-flood-1990-vinyl",
            "kd93 dk2l x",
            "xk3 9dkw w",
            "9f8e2c71b0",
            "julymoonrise over kiel",
            "wolfgang plays oboe",
            "hinterhof-41-kastanie",
            "7kf-93x-qm2",
            "zwölf boxkämpfer jagen viktor",
            "483920175664",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn a_long_text_is_looked_at_quickly() {
        let long = "lorem ipsum dolor sit amet ".repeat(19);
        assert!(!is_common(&long));
        assert!(is_common(&"ab".repeat(250)));
    }
}
