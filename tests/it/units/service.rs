//! The use cases by their parts.

/// `src/service/doctor/outside.rs`.
mod doctor {
    use halobridge::service::doctor::outside::date;

    #[test]
    fn the_date_header_is_read() {
        let moment = date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        assert_eq!(moment.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(date("soon"), None);
    }
}

/// `src/service/configuration/moved.rs`.
mod moved {
    use halobridge::{domain::catalogue::Named, service::configuration::moved::told_apart};

    fn rows(named: &[(i64, &str)]) -> Vec<Named> {
        named.iter().map(|(id, name)| Named { id: *id, name: (*name).to_owned() }).collect()
    }

    #[test]
    fn a_client_that_was_renamed_makes_no_other_instance() {
        let kept = rows(&[(1, "Unknown"), (12, "Contoso"), (13, "Fabrikam"), (14, "Northwind")]);
        let bound = [(12, "Contoso"), (14, "Northwind")];
        let told = |there: &[(i64, &str)]| told_apart(&bound, Some(&kept), &rows(there));
        let same = [(1, "Unknown"), (12, "contoso "), (13, "Fabrikam"), (14, "Northwind")];
        assert_eq!(told(&same), None);
        let renamed = [(1, "Unknown"), (12, "Contoso Group"), (13, "Fabrikam"), (14, "Northwind")];
        assert_eq!(told(&renamed), None, "a later one is the same");
        let off = [(1, "Unknown"), (13, "Fabrikam"), (14, "Northwind")];
        assert_eq!(told(&off), None);
        // a copy from before Northwind was made, which gave its number to somebody else since
        let copied = [(1, "Unknown"), (12, "Contoso"), (13, "Fabrikam"), (14, "Tailspin")];
        assert_eq!(told(&copied).as_deref(), Some("client 14 is “Northwind” here and “Tailspin” there"));
        let other = [(1, "Unknown"), (12, "Adatum"), (14, "Northwind")];
        assert_eq!(told(&other).as_deref(), Some("client 12 is “Contoso” here and “Adatum” there"), "half of them");
        // nothing was read yet: our own name may be another one
        assert_eq!(told_apart(&bound, None, &rows(&[(12, "Contoso Ltd"), (14, "Northwind")])), None);
        let missing = told_apart(&bound, None, &rows(&[(12, "Contoso")]));
        assert_eq!(missing.as_deref(), Some("client 14 is “Northwind” here, and there is none there"));
    }
}

/// `src/service/set_up/file.rs`.
mod file {
    use halobridge::service::set_up::file::*;

    fn row(line: usize, arm_id: &str, client: &str, defender: Option<bool>, link: bool) -> Row {
        Row { line, arm_id: arm_id.into(), client: client.into(), defender, link }
    }

    #[test]
    fn files_as_spreadsheets_write_them() {
        let all = [
            "\u{feff}workspace_id,client,portal,link\r\n/A,\"Contoso, \"\"Ltd\"\"\",defender,yes\r\n\r\n/b,Fabrikam,,no\r\n",
            "client;link;workspace_id;portal\n\"Contoso, \"\"Ltd\"\"\";x;/A;Defender\n\nFabrikam;0;/b;\n",
        ];
        for text in all {
            let rows = read(text).unwrap();
            let second = rows.last().unwrap().line;
            let expected =
                [row(2, "/a", "Contoso, \"Ltd\"", Some(true), true), row(second, "/b", "Fabrikam", None, false)];
            assert_eq!(rows, expected, "{text}");
        }
        assert_eq!(read("workspace_id\tclient\n/a\t'=1+1\n").unwrap(), [row(2, "/a", "=1+1", None, true)]);
        assert_eq!(read("workspace_id,client\n/a,\n").unwrap(), [row(2, "/a", "", None, false)]);
        assert_eq!(
            read("workspace_id,client\n/a,b\n/A,b\n").unwrap(),
            [row(2, "/a", "b", None, true)],
            "twice the same"
        );
        let guessed = "workspace_id,client,suggested_client\n/a,,Contoso\n";
        assert_eq!(read(guessed).unwrap(), [row(2, "/a", "", None, false)], "a guess is no choice");
    }

    #[test]
    fn what_cannot_be_read_says_where_and_why() {
        for (text, words) in [
            ("", "must name the columns workspace_id and client"),
            ("workspace,client\n/a,b", "must name the columns"),
            ("workspace_id,client\n", "no line below its first"),
            ("workspace_id,client,portal\n/a,b,moon", "Line 2: portal is “moon”. Write azure or defender."),
            ("workspace_id,client,link\n/a,b,yes\n/c,d,perhaps", "Line 3: link is “perhaps”. Write yes or no."),
            (
                "workspace_id,client\n/A,Contoso\n/c,d\n/a,Fabrikam",
                "Lines 2 and 4: both name the workspace /a, and say different things of it. Keep one of them.",
            ),
            ("workspace_id,client\n/a,\"b\n/c,d", "Line 2: a quote is opened and never closed"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(words), "{text:?}: {told}");
        }
    }
}

/// `src/service/set_up/typed.rs`.
mod typed {
    use halobridge::service::set_up::Typed;

    #[test]
    fn quotes_around_a_pasted_value_are_trimmed_like_blanks() {
        for (pasted, meant) in [
            (" \"abc\" ", "abc"),
            ("'abc'", "abc"),
            ("“ abc ”", "abc"),
            ("‘abc’", "abc"),
            ("\"abc", "\"abc"),
            ("it's", "it's"),
            ("\"", "\""),
            ("\"\"", ""),
            (" abc ", "abc"),
        ] {
            let typed = Typed::new([("name".to_owned(), pasted.to_owned())]).unquoted();
            assert_eq!(typed.text("name"), meant, "{pasted}");
            assert_eq!(typed.secret("name").is_none(), meant.is_empty(), "{pasted}");
        }
    }
}

/// `src/service/set_up/live.rs`.
mod live {
    use halobridge::{
        domain::{
            view::set_up::StepState,
            workspace::Mode::{CommentOnly, Observe, Off, SentinelToHalo, TwoWay},
        },
        service::set_up::live::{how_far, standing, switched},
    };

    #[test]
    fn each_way_of_writing_is_counted_by_itself() {
        assert_eq!(standing(&[]), None);
        assert_eq!(standing(&[Off, Observe]), None);
        let all = standing(&[TwoWay, CommentOnly, TwoWay, SentinelToHalo, Observe]).unwrap();
        let ways = "live both ways, 1 live to Halo only, 1 set to import comments only.";
        assert_eq!(all, format!("2 of 5 workspaces are {ways}"));
        let comments = standing(&[CommentOnly, CommentOnly]).unwrap();
        assert_eq!(comments, "2 of 2 workspaces are set to import comments only.");
    }

    #[test]
    fn what_was_switched_is_told_by_name() {
        let names = |count: usize| (1..=count).map(|n| format!("law-{n} (Alpine)")).collect::<Vec<_>>();
        assert_eq!(switched(&names(2), TwoWay), "Live now, both ways: law-1 (Alpine), law-2 (Alpine).");
        assert_eq!(switched(&names(1), Observe), "Observing now, nothing is written: law-1 (Alpine).");
        let many = switched(&names(42), Off);
        assert!(many.ends_with("law-5 (Alpine), and 37 more."), "{many}");
    }

    #[test]
    fn the_step_is_done_once_none_only_observes() {
        for (modes, state, words) in [
            (&[Off][..], StepState::Open, "No workspace is live"),
            (&[Observe, Observe][..], StepState::Open, "No workspace is live"),
            (&[TwoWay, Observe][..], StepState::Open, "1 of 2 workspaces are live both ways. 1 only observes."),
            (&[TwoWay, Observe, Observe][..], StepState::Open, "1 of 3 workspaces are live both ways. 2 only observe."),
            // what is off was switched off
            (&[TwoWay, Off][..], StepState::Done, "1 of 2 workspaces are live both ways."),
        ] {
            let (found, says) = how_far(modes);
            assert_eq!((found, says.contains(words)), (state, true), "{modes:?}: {says}");
        }
    }
}

/// `src/service/set_up/mapping/own.rs`.
mod own {
    use halobridge::service::set_up::mapping::own::words;

    #[test]
    fn values_of_the_file_in_words() {
        let file = r#"
            priorities = { Low = 3, High = "P1", Odd = "x", Medium = "P2" }
            approve = ["close", "reopen"]
            adopt = false
            reopened = { in_halo = "ask" }
            fields = [{ field = "CFTitle", path = "$.properties.title", when = "always", wins = "ask", direction = "to-halo" }]
        "#;
        let table: toml::Table = file.parse().unwrap();
        for (key, said) in [
            ("priorities", "High: P1, Medium: P2, Low: 3, Odd: x"),
            ("approve", "close, reopen"),
            ("adopt", "no"),
            ("reopened", "in halo: ask"),
            ("fields", "CFTitle from $.properties.title"),
            ("team", "nothing"),
        ] {
            assert_eq!(words(table.get(key)), said);
        }
    }
}

/// `src/service/set_up/mapping/look.rs`.
mod look {
    use halobridge::{
        planner::template::{Roots, fill},
        service::set_up::mapping::{look::leaves, overlay},
    };
    use serde_json::json;

    #[test]
    fn each_path_leads_to_the_value_beside_it() {
        let raw = json!({
            "name": "a", "properties": {
                "title": "T", "labels": [{"labelName": "vip"}], "additionalData": {"tactics": ["A", "B"], "odd name": 3},
                "none": null, "empty": [],
            },
        });
        let mut found = Vec::new();
        leaves("$", &raw, &mut found);
        let roots = Roots { incident: &raw, evidence: None };
        assert_eq!(found.len(), 5, "{found:?}");
        for leaf in found {
            assert_eq!(fill(roots, &overlay::source(&leaf.path)), Ok(leaf.value), "{}", leaf.path);
        }
    }
}

/// `src/service/accounts/password.rs`.
mod password {
    use argon2::password_hash::phc::PasswordHash;
    use halobridge::{
        clock::{IdSource, SeededIds},
        service::{accounts::password::*, error::ServiceError},
    };

    /// Ones at first, then what it is asked for in numbers.
    struct Odd(std::sync::atomic::AtomicU8);

    impl IdSource for Odd {
        fn fill(&self, bytes: &mut [u8]) {
            let draw = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bytes
                .iter_mut()
                .zip(0_u8..)
                .for_each(|(byte, at)| *byte = if draw < 2 { 0x11 } else { 0x5b_u8.wrapping_mul(at) });
        }
    }

    #[test]
    fn a_drawn_password_is_one_that_the_rules_take() {
        let ids = Odd(0.into());
        assert!(fault(&ids.token(8), "demo").is_some(), "the first draw is no password");
        assert_eq!(fault(&drawn(&ids, "demo"), "demo"), None);
    }

    #[test]
    fn new_passwords() {
        let table = [
            ("short", true),
            ("1234567", true),
            ("password", true),
            ("Password123!", true),
            ("P@ssw0rd2026", true),
            ("qwertyuiop", true),
            ("aaaaaaaaaaaa", true),
            ("12345678", true),
            ("adalovelace", true),
            ("correct horse battery staple", false),
            ("ein langer satz mit ümlauten", false),
            ("xk3 9dkw w", false),
            (&"tmbg flood 1990 vinyl ".repeat(20), false),
            (&"tmbg flood 1990 vinyl ".repeat(30), true),
        ];
        for (password, refused) in table {
            assert_eq!(fault(password, "adalovelace").is_some(), refused, "{password}");
        }
    }

    #[tokio::test]
    async fn a_hash_matches_its_password_only_and_is_salted() {
        let (hasher, ids) = (Hasher::default(), SeededIds::new(1));
        let one = hasher.hash("correct horse", &ids).await.unwrap();
        let two = hasher.hash("correct horse", &ids).await.unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(hasher.verify("correct horse", Some(&one), false).await.unwrap());
        assert!(!hasher.verify("correct horsf", Some(&one), false).await.unwrap());
        assert!(!hasher.verify("", Some(&one), false).await.unwrap());
        assert!(!hasher.verify("correct horse", None, false).await.unwrap());
        assert!(!hasher.verify("correct horse", Some("not a hash"), false).await.unwrap());
        assert!(PasswordHash::new(NOBODY).is_ok(), "an unknown user must cost the same work");
    }

    #[tokio::test]
    async fn hashes_are_the_standards_and_those_of_other_parameters_match_too() {
        use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
        let (hasher, ids) = (Hasher::default(), SeededIds::new(1));
        let ours = hasher.hash("correct horse", &ids).await.unwrap();
        let parsed = PasswordHash::new(&ours).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horsf", &parsed).is_err());
        let small = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let other: PasswordHash = small.hash_password_with_salt(b"correct horse", b"0123456789abcdef").unwrap();
        let other = other.to_string();
        assert!(hasher.verify("correct horse", Some(&other), false).await.unwrap());
        assert!(!hasher.verify("correct horsf", Some(&other), false).await.unwrap());
    }

    #[tokio::test]
    async fn a_flood_takes_no_more_memory_than_two_hashes_and_no_place_of_those_who_are_known() {
        let hasher = Hasher::default();
        let strangers = futures::future::join_all((0..60).map(|_| hasher.verify("guess", None, false)));
        let (strangers, known) = tokio::join!(strangers, hasher.verify("correct horse", None, true));
        assert!(strangers.contains(&Err(ServiceError::Busy)), "not all of them are let in");
        assert_eq!(known, Ok(false), "and this one's password was looked at");
        assert!((1..=2).contains(&hasher.kept()), "{}", hasher.kept());
    }
}

/// `src/service/accounts/common.rs`.
mod common {
    use std::collections::BTreeSet;

    use halobridge::service::accounts::{
        common::*,
        password::{CHARS_MIN, fault},
    };

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

/// `src/service/accounts/throttle.rs`.
mod throttle {
    use std::net::{IpAddr, Ipv4Addr};

    use halobridge::service::accounts::throttle::*;
    use jiff::Timestamp;

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::new(1_767_225_600 + seconds, 0).unwrap()
    }

    /// Tries as fast as allowed for five minutes; how many were admitted.
    fn admitted(throttle: &Throttle, who: impl Fn(usize) -> (String, IpAddr)) -> usize {
        (0..3000)
            .filter(|i| {
                let (account, from) = who(*i);
                throttle.admit(&account, from, at(i64::try_from(*i).unwrap() / 10)).is_ok()
            })
            .count()
    }

    #[test]
    fn one_account_from_many_addresses_gets_ten_tries() {
        let throttle = Throttle::default();
        let count = admitted(&throttle, |i| ("ada".into(), address(u8::try_from(i % 250).unwrap())));
        assert!((9..=10).contains(&count), "{count}");
    }

    #[test]
    fn one_address_with_many_accounts_gets_thirty_tries() {
        let throttle = Throttle::default();
        let count = admitted(&throttle, |i| (format!("user{i}"), address(1)));
        assert!((20..=30).contains(&count), "{count}");
    }

    #[test]
    fn waits_grow_and_end() {
        let throttle = Throttle::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..9 {
            match throttle.admit("ada", address(1), at(now)) {
                Ok(()) => {}
                Err(wait) => {
                    waits.push(wait);
                    now += i64::try_from(wait).unwrap();
                    throttle.admit("ada", address(1), at(now)).unwrap();
                }
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        assert!(throttle.admit("ada", address(1), at(now + 301)).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (throttle, day) = (Throttle::default(), 86_400);
        for _ in 0..10 {
            let _ = throttle.admit("ada", address(1), at(day));
        }
        assert!(throttle.admit("ada", address(1), at(day)).is_err());
        assert!(throttle.admit("ada", address(1), at(0)).is_ok());
    }

    #[test]
    fn strangers_do_not_lock_the_owner_out() {
        let throttle = Throttle::default();
        throttle.admit("Ada", address(1), at(0)).unwrap();
        throttle.succeeded("Ada", address(1));
        for i in 0..50 {
            let _ = throttle.admit("ada", address(9), at(i));
        }
        assert!(throttle.admit("ada", address(8), at(50)).is_err());
        assert!(throttle.admit("ada", address(1), at(50)).is_ok());
    }
}

/// `src/service/caller.rs`.
mod caller {
    use halobridge::{
        domain::{
            account::{Role, Scope},
            ids::{ClientId, UserId},
        },
        service::{caller::*, error::ServiceError},
    };
    use uuid::Uuid;

    fn caller(role: Role, scope: Scope) -> Caller {
        Caller { user: UserId(Uuid::nil()), name: "ada".into(), role, scope }
    }

    #[test]
    fn each_role_may_do_what_the_one_below_may() {
        let roles = [Role::Viewer, Role::Operator, Role::Admin];
        for (have_at, have) in roles.into_iter().enumerate() {
            for (need_at, need) in roles.into_iter().enumerate() {
                let allowed = caller(have, Scope::All).need(need).is_ok();
                assert_eq!(allowed, have_at >= need_at, "{have:?} for {need:?}");
            }
        }
    }

    #[test]
    fn a_foreign_client_does_not_exist() {
        let (mine, other) = (ClientId(Uuid::from_u128(1)), ClientId(Uuid::from_u128(2)));
        let limited = caller(Role::Admin, Scope::Clients(vec![mine]));
        assert_eq!(limited.see(mine), Ok(()));
        assert_eq!(limited.see(other), Err(ServiceError::NotFound));
        assert_eq!(limited.need_everything(), Err(ServiceError::Forbidden));
        assert_eq!(caller(Role::Viewer, Scope::All).see(other), Ok(()));
    }
}
