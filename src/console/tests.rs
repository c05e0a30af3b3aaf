use jiff::tz::TimeZone;

use super::{platform::render, *};
use crate::domain::view::failed::{FailedKind, FailedView};

fn context() -> PageContext {
    PageContext {
        person: None,
        address: "/x".into(),
        now: "2026-11-21T12:00:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
        theme: Theme::System,
        density: Density::Compact,
        keys: true,
        flash: None,
        assets: Default::default(),
        cursor: 0,
        needs_you: None,
        version: "0.1.0".into(),
    }
}

#[test]
fn a_page_is_a_document() {
    let page = Page::Failed(FailedView { kind: FailedKind::NotFound, what: None, reference: None });
    let html = render(&context(), &page);
    assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\""));
    assert!(html.contains("There is nothing here"));
    assert!(!html.split_once("</main>").unwrap().0.contains("<!>"));
}
