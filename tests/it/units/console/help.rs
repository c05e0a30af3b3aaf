//! The documentation that comes with the program: it is drawn whole, and its links lead somewhere.

use std::collections::BTreeSet;

use halobridge::{
    console::{
        components::pulse::CONFIRM,
        page::Page,
        pages::help::{SECTIONS, about},
        platform::render,
    },
    domain::view::set_up::Step,
    service::help,
};
use scraper::Html;

use super::{all, fixtures, one, text};

fn drawn(slug: &str) -> Html {
    let view = help::view(Some(slug)).unwrap();
    Html::parse_document(&render(&fixtures::context("/help"), &Page::Help(Box::new(view))))
}

#[test]
fn every_link_to_and_within_the_documentation_leads_somewhere() {
    let mut places = BTreeSet::from(["/help".to_owned()]);
    let mut links: Vec<String> = SECTIONS.iter().map(|(_, section)| (*section).to_owned()).collect();
    links.push(CONFIRM.to_owned());
    for row in help::view(None).unwrap().pages {
        let address = format!("/help/{}", row.slug);
        let html = drawn(&row.slug);
        assert_eq!(one(&html, "h1"), row.title);
        for heading in all(&html, "article.doc [id]") {
            places.insert(format!("{address}#{}", heading.value().attr("id").unwrap()));
        }
        for link in all(&html, "article.doc a, nav[aria-label='Pages of help'] a, footer a[href^='/help']") {
            let href = link.value().attr("href").unwrap();
            links.push(if href.starts_with('#') { format!("{address}{href}") } else { href.to_owned() });
        }
        places.insert(address);
    }
    assert!(links.len() > 50, "{links:?}");
    // nothing there leads out: it is read without a way to the internet
    let astray: Vec<&String> = links.iter().filter(|link| !places.contains(*link)).collect();
    assert!(astray.is_empty(), "{astray:#?}");
    assert!(help::view(Some("no-such-page")).is_err());
}

#[test]
fn each_step_of_the_set_up_leads_to_its_part() {
    let html = drawn("set-up");
    for step in Step::ALL {
        let (page, part) = about(&step.path()).split_once('#').unwrap();
        assert_eq!(page, "/help/set-up", "{}", step.name());
        assert_eq!(one(&html, &format!("[id='{part}']")), step.name());
    }
}

#[test]
fn markdown_is_drawn_as_what_it_means() {
    let html = drawn("commands");
    let article = text(all(&html, "article.doc")[0]);
    for mark in ["| ---", "**", "](", "```", "\\|"] {
        assert!(!article.contains(mark), "{mark} is left");
    }
    let heads: Vec<String> = all(&html, "article.doc tbody th").into_iter().map(text).collect();
    assert!(heads.iter().all(|head| !head.is_empty()), "a row that goes on names what it belongs to: {heads:?}");
    assert!(article.contains("--log-format text|json"), "a border within a cell is a letter");
    let full = drawn("configuration");
    assert!(all(&full, "article.doc pre").iter().any(|pre| text(*pre).contains("[[workspace]]")));
}
