//! Passwords that everyone tries first: some hundred words, with the digits, signs and letter swaps
//! people add to them. The words with what may surround them stand for many thousand list entries.

/// Letters or digits added to a common word that do not make it a good password.
const ADDED_MAX: usize = 5;

/// Whether a password (in lower case) is a common one.
pub fn is_common(lower: &str) -> bool {
    let chars: Vec<char> = lower.chars().filter(|c| !c.is_whitespace()).collect();
    if chars.is_empty() || is_run(&chars) || is_repetition(&chars) {
        return true;
    }
    if chars.iter().all(char::is_ascii_digit) && chars.len() < 12 {
        return true;
    }
    let text: String = chars.iter().collect();
    [text.clone(), unswapped(&text)].iter().any(|text| is_dressed_word(text))
}

/// Steps of one through the alphabet, the digits or a keyboard row, in either direction.
fn is_run(chars: &[char]) -> bool {
    const ROWS: [&str; 6] =
        ["abcdefghijklmnopqrstuvwxyz", "12345678901234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop"];
    let text: String = chars.iter().collect();
    let back: String = chars.iter().rev().collect();
    ROWS.iter().any(|row| row.contains(&text) || row.contains(&back))
}

/// A part of up to four characters, over and over.
fn is_repetition(chars: &[char]) -> bool {
    (1..=4).any(|len| chars.len() >= 2 * len && chars.chunks(len).all(|part| chars.starts_with(part)))
}

/// `p@ssw0rd` → `password`.
fn unswapped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '@' | '4' => 'a',
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

/// A common word, twice or once, with no more than a few characters around it.
fn is_dressed_word(text: &str) -> bool {
    let core = text.trim_matches(|c: char| !c.is_alphabetic());
    WORDS.split_ascii_whitespace().any(|word| {
        let rest = core.replace(word, "");
        rest.len() < core.len() && rest.chars().count() + text.chars().count() - core.chars().count() <= ADDED_MAX
    })
}

const WORDS: &str = "\
    aaa abc abcd abcdef abcdefg abcdefgh access admin administrator alexander amanda america analyst andrea \
    andrew angel angels anthony anything apple april arsenal asd asdf asdfgh ashley august australia autumn \
    azerty azure babyboy babygirl backup bailey banana barcelona baseball basketball batman benjamin berlin \
    bitcoin blessed blink brother buddy bulldog business buster butterfly camaro canada champion change \
    changeit changeme charlie cheese chelsea chloe chocolate christ christian cisco client company computer \
    cookie corvette cougar cowboys crypto customer daddy dance dancer daniel database december default \
    defender demo deutschland diamond dollar dragon eagle eagles edward elizabeth eminem england everything \
    example exploit facebook faith falcon family father february ferrari firewall flower football forever \
    fortnite france freedom friday friends gamer garfield george germany ginger golden goodbye google grace \
    grandma guest guitar hacker hallo halo halobridge haloitsm halopsa hammer harley heaven hello helpdesk \
    herbst hockey hunter iloveyou incident initial instagram internet internet1 jackson january jasper \
    jennifer jessica jesus jonathan jordan joseph joshua july june killer lakers legend letmein letmeinnow \
    linkedin lion liverpool lkjhgfdsa login london love lovely lucky madrid maggie manager march marina mario \
    martin master matrix matthew melissa mercedes metallica michael michelle mickey microsoft million \
    minecraft mnbvcxz mommy monday money monitor monkey mother music mustang naruto nascar natasha network \
    newyork nicholas nicole ninja nirvana nobody nothing november october office opensesame openup operator \
    oracle orange packers panther paris passcode passphrase passport passw0rd password passwort patrick pepper \
    phoenix player poiuytrewq pokemon porsche princess private public purple qazwsx qwe qweasd qweasdzxc \
    qwerty qwertz raiders rainbow ranger redsox response richard robert roblox rocky root router samantha \
    sample samsung samurai saturday scooter secret secure security sentinel september server service sesame \
    shadow silver sister slipknot snoopy soccer somebody something sommer sophie spiderman spring starwars \
    steelers steven summer sunday sunshine superman support suzuki sweetheart switch sysadmin system taylor \
    temp temporary test testing thomas thunder thursday ticket tiger tigger toor trustno tuesday twitter \
    unknown user username vanessa victoria warrior wednesday welcome whatever wildcat william willkommen \
    windows winner winter wolf yamaha yankees yellow zelda zxc zxcvbn ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dressed_up_words_are_common() {
        for password in [
            "password",
            "password1",
            "passw0rd!",
            "p@ssw0rd2026",
            "welcome123",
            "qwertyuiop",
            "poiuytrewq",
            "abcabcabc",
            "11111111",
            "20260101",
            "abcdefgh",
            "87654321",
            "sommer2026!",
            "halo2026halo",
            "adminadmin",
            "!!letmein!!",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn others_are_not() {
        for password in [
            "correct horse battery staple",
            "kd93 dk2l x",
            "tmbg-flood-1990-vinyl",
            "9f8e2c71b0",
            "blue kettle sings softly",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }
}
