//! Which customer a workspace belongs to, guessed from names. A guess is shown to a person, never acted on by itself.

use super::catalogue::Named;

/// What is known of a workspace by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Workspace, subscription, resource group, tenant's name and domain: whatever is known, in this order.
    pub names: Vec<String>,
}

/// What the names say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// One client, and no other comes near: its id.
    Sure(i64),
    /// These may be meant, the likeliest first; at most [`FEW`].
    Unsure(Vec<i64>),
    /// No name says anything.
    None,
}

/// Most clients that are named when it is not sure.
pub const FEW: usize = 3;

/// Words that say what a thing is, not whose: legal forms, Azure's and Sentinel's vocabulary, regions.
const NOISE: &[&str] = &[
    "ag",
    "and",
    "analytics",
    "azure",
    "bv",
    "central",
    "co",
    "com",
    "company",
    "corp",
    "corporation",
    "customer",
    "dev",
    "domain",
    "east",
    "eu",
    "example",
    "gmbh",
    "group",
    "holding",
    "inc",
    "international",
    "kg",
    "la",
    "law",
    "limited",
    "llc",
    "local",
    "log",
    "logs",
    "ltd",
    "net",
    "north",
    "onmicrosoft",
    "org",
    "plc",
    "prd",
    "prod",
    "production",
    "rg",
    "sa",
    "se",
    "security",
    "sentinel",
    "siem",
    "soc",
    "south",
    "srl",
    "sub",
    "subscription",
    "tenant",
    "test",
    "the",
    "uk",
    "us",
    "west",
    "westeurope",
    "workspace",
    "workspaces",
    "ws",
];

/// A name's significant words, in order: lower case, cut at everything that is no letter or digit. A name of noise alone
/// keeps its words.
fn words(name: &str) -> Vec<String> {
    let all: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .filter(|word| !word.chars().all(|c| c.is_ascii_digit()) || name.chars().all(|c| !c.is_alphabetic()))
        .collect();
    let kept: Vec<String> = all.iter().filter(|word| !NOISE.contains(&word.as_str())).cloned().collect();
    if kept.is_empty() { all } else { kept }
}

/// How well a client's name fits one name of the workspace; 0 is not at all. The hundreds say how, the rest how much of
/// it is meant.
fn fit(client: &[String], name: &[String]) -> usize {
    if client.is_empty() || name.is_empty() {
        return 0;
    }
    let (whole, other) = (client.concat(), name.concat());
    let length = whole.chars().count().min(99);
    if client == name || whole == other {
        return 300 + length;
    }
    // every word of the client stands there, one after the other: "contoso" in "contoso emea"
    if length >= 3 && name.windows(client.len()).any(|window| window == client) {
        return 200 + length;
    }
    if client.len() > 1 && length >= 5 && other.contains(&whole) {
        return 200 + length;
    }
    // part of a word, or only the first word of the client: worth a look
    if length >= 4 && other.contains(&whole) {
        return 100 + length;
    }
    let first = client.first().map_or("", String::as_str);
    if first.chars().count() >= 4 && name.iter().any(|word| word == first) {
        return 100 + first.chars().count().min(99);
    }
    0
}

/// Guesses whose a workspace is. The same names always give the same guess, whatever the order of the clients.
pub fn guess(hints: &Hints, clients: &[Named]) -> Guess {
    let names: Vec<Vec<String>> = hints.names.iter().map(|name| words(name)).collect();
    let mut scored: Vec<(usize, i64, Vec<String>)> = clients
        .iter()
        .map(|client| {
            let client_words = words(&client.name);
            (names.iter().map(|name| fit(&client_words, name)).max().unwrap_or(0), client.id, client_words)
        })
        .filter(|(score, ..)| *score > 0)
        .collect();
    scored.sort_by(|(a, left, _), (b, right, _)| b.cmp(a).then_with(|| left.cmp(right)));
    let Some((best, first, their_words)) = scored.first() else { return Guess::None };
    // Another name that fits as well is a rival, unless it is the beginning or a part of the longer one: "contoso" beside
    // "contoso france".
    let part =
        |other: &[String]| other.len() < their_words.len() && other.iter().all(|word| their_words.contains(word));
    let alone = scored.iter().skip(1).all(|(score, _, other)| *score < 200 || part(other));
    if *best >= 200 && alone {
        return Guess::Sure(*first);
    }
    Guess::Unsure(scored.iter().take(FEW).map(|(_, id, _)| *id).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clients(names: &[&str]) -> Vec<Named> {
        names.iter().zip(1..).map(|(name, id)| Named { id, name: (*name).to_owned() }).collect()
    }

    fn hints(names: &[&str]) -> Hints {
        Hints { names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn names_as_they_are_met() {
        let all =
            ["Contoso Ltd", "Contoso France SA", "Fabrikam, Inc.", "Tailspin Toys", "Wide World Importers", "A. Datum"];
        for (names, expected) in [
            // the client's own name, with and without the vocabulary around it
            (vec!["law-fabrikam-prod-001"], Guess::Sure(3)),
            (vec!["LAW-FABRIKAM-WEU"], Guess::Sure(3)),
            (vec!["sentinel", "Tailspin Toys production"], Guess::Sure(4)),
            (vec!["law-prod", "sub-01", "rg-tailspintoys"], Guess::Sure(4)),
            (vec!["wideworldimporters-soc"], Guess::Sure(5)),
            (vec!["law", "prod", "rg", "wideworldimporters.onmicrosoft.com"], Guess::Sure(5)),
            // the longer name wins where both fit
            (vec!["contoso-france-law"], Guess::Sure(2)),
            (vec!["contoso-law"], Guess::Sure(1)),
            (vec!["law-contoso-emea"], Guess::Sure(1)),
            // worth a look, not sure
            (vec!["tailspin-siem"], Guess::Unsure(vec![4])),
            (vec!["fabrikamsoc"], Guess::Unsure(vec![3])),
            (vec!["fabrikam-tailspintoys-shared"], Guess::Unsure(vec![4, 3])),
            // nothing to go by
            (vec!["law-prod-001", "Azure subscription 1", "rg-sentinel"], Guess::None),
            (vec![""], Guess::None),
            (vec![], Guess::None),
        ] {
            let found = guess(&hints(&names), &clients(&all));
            match (&found, &expected) {
                // of several the order is the score's
                (Guess::Unsure(a), Guess::Unsure(b)) => {
                    assert!(b.iter().all(|id| a.contains(id)), "{names:?}: {found:?}")
                }
                _ => assert_eq!(found, expected, "{names:?}"),
            }
        }
    }

    #[test]
    fn two_clients_of_one_name_are_never_sure() {
        let twice = clients(&["Contoso", "CONTOSO Ltd."]);
        assert_eq!(guess(&hints(&["law-contoso"]), &twice), Guess::Unsure(vec![1, 2]));
    }

    proptest! {
        #[test]
        fn a_guess_names_clients_that_exist_and_does_not_depend_on_their_order(
            names in proptest::collection::vec("[a-zA-Z0-9 .,_äöü-]{0,24}", 0..5),
            clients in proptest::collection::vec("[a-zA-Z0-9 .,_äöü-]{0,24}", 0..8),
            turn in 0..8_usize,
        ) {
            let hints = Hints { names };
            let mut rows: Vec<Named> = clients.into_iter().zip(1..).map(|(name, id)| Named { id, name }).collect();
            let found = guess(&hints, &rows);
            let ids: Vec<i64> = match &found {
                Guess::Sure(id) => vec![*id],
                Guess::Unsure(ids) => ids.clone(),
                Guess::None => Vec::new(),
            };
            prop_assert!(ids.len() <= FEW && ids.iter().all(|id| rows.iter().any(|row| row.id == *id)));
            let by = turn.min(rows.len());
            rows.rotate_left(by);
            prop_assert_eq!(guess(&hints, &rows), found);
        }

        #[test]
        fn a_workspace_called_after_one_client_is_surely_theirs(name in "[a-z]{5,12}", n in 1..900_u32) {
            prop_assume!(!NOISE.contains(&name.as_str()) && !name.contains("zq"));
            let rows = [Named { id: 1, name: "zqzqzq".into() }, Named { id: 2, name: format!("{name} Ltd") }];
            prop_assert_eq!(guess(&Hints { names: vec![format!("law-{name}-{n:03}")] }, &rows), Guess::Sure(2));
        }
    }
}
