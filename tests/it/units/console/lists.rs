//! Lists and tables that do not show all there is: what they say of the rest, and the way there.

use halobridge::{
    console::{page::Page, platform::render},
    domain::view::{ledger::ChainState, list::Listed},
};
use scraper::Html;

use super::{all, fixtures, text};

/// Of many thousand runs so many are looked at for one page: where none of those matches, older ones may.
#[test]
fn where_no_run_matched_so_far_the_older_ones_are_a_click_away() {
    let drawn = |older: Option<&str>| {
        let mut runs = fixtures::runs();
        runs.filter.failed = true;
        runs.runs = Ok(Listed { older: older.map(str::to_owned), ..Listed::default() });
        Html::parse_document(&render(&fixtures::context("/runs?failed=1"), &Page::Runs(Box::new(runs))))
    };
    let html = drawn(Some("2~400"));
    let page = text(html.root_element());
    assert!(page.contains("None among those looked at so far") && !page.contains("No run matches"), "{page}");
    let older = all(&html, "section[aria-labelledby='past'] nav.pages a[rel='next']");
    assert_eq!(older.len(), 1, "{page}");
    assert_eq!(older[0].value().attr("href"), Some("/runs?failed=1&from=2~400"));
    let html = drawn(None);
    assert!(text(html.root_element()).contains("No run matches"));
    assert!(all(&html, "section[aria-labelledby='past'] nav.pages").is_empty());
}

#[test]
fn a_chain_that_is_too_long_to_be_checked_on_its_page_says_who_checks_it() {
    let mut ledger = fixtures::ledger();
    for chain in &mut ledger.chains {
        chain.state = ChainState::Unchecked;
    }
    let html = Html::parse_document(&render(&fixtures::context("/ledger"), &Page::Ledger(Box::new(ledger))));
    let rows: Vec<String> = all(&html, "table.chains tbody tr").into_iter().map(text).collect();
    assert!(rows[0].contains("too long to be checked on a page; halobridge doctor checks it"), "{rows:?}");
    assert!(!rows[0].contains("checked when it is opened"), "{rows:?}");
    assert!(rows[1..].iter().all(|row| row.contains("checked when it is opened")), "{rows:?}");
}

#[test]
fn a_backfills_buttons_name_the_one_that_is_shown() {
    let backfills = fixtures::backfills();
    let page = Page::Backfill(Box::new(backfills.clone()));
    let html = Html::parse_document(&render(&fixtures::context("/backfill"), &page));
    for (what, row) in [("stop", 0), ("start", 1), ("stop", 1), ("stop", 2)] {
        let backfill = &backfills.rows[row].backfill;
        let entry = format!("form[action='/workspaces/{}/backfill/{what}'] input[name='backfill']", backfill.workspace);
        let found = all(&html, &entry);
        assert_eq!(found.len(), 1, "{entry}");
        assert_eq!(found[0].value().attr("value"), Some(backfill.id.to_string().as_str()));
    }
}

/// The same digits may be part of an address, or the incident's number in Defender: neither is shown.
#[test]
fn a_row_that_was_found_by_digits_may_be_found_by_its_number_in_defender() {
    for (looked_for, numbered) in [("99410177", true), ("#99410177", true), ("pc-99410177", false)] {
        let mut dashboard = fixtures::dashboard();
        dashboard.filter.text = looked_for.to_owned();
        let html = Html::parse_document(&render(&fixtures::context("/"), &Page::Dashboard(Box::new(dashboard))));
        let rows: Vec<String> = all(&html, "#rows .row-why").into_iter().map(text).collect();
        let told: Vec<&String> = rows.iter().filter(|row| row.starts_with("Found by")).collect();
        assert!(!told.is_empty(), "{looked_for}: {rows:?}");
        for words in told {
            assert!(words.contains("that its alerts name"), "{words}");
            assert_eq!(words.contains("its number in Defender"), numbered, "{looked_for}: {words}");
        }
    }
}
