//! The page of clients and workspaces, where not everything is read or shown.

use halobridge::{
    console::{page::Page, platform::render},
    domain::view::{
        failed::{FailedKind, FailedView},
        set_up::{ClientsStep, StepContent},
    },
};
use scraper::Html;

use super::{all, fixtures, text};

fn drawn(change: impl FnOnce(&mut ClientsStep)) -> Html {
    let Page::Step(mut step) = fixtures::set_up::clients() else { panic!("a step") };
    let StepContent::Clients(view) = &mut step.content else { panic!("the clients") };
    change(view);
    Html::parse_document(&render(&fixtures::context("/set-up/clients"), &Page::Step(step)))
}

fn carried(html: &Html, name: &str) -> usize {
    all(html, &format!("form.linking > input[type=hidden][name='{name}']")).len()
}

#[test]
fn a_listing_that_is_not_whole_is_told_and_loses_no_choice() {
    let later = |view: &mut ClientsStep| {
        view.form = std::mem::take(&mut view.form).with_value("link-later", "on").with_value("client-later", "Acme");
    };
    let html = drawn(|view| {
        later(view);
        view.under_way = true;
    });
    let page = text(html.root_element());
    assert!(page.contains("not everything is read yet") && page.contains("Look how far it is"), "{page}");
    assert!(all(&html, "a[href$='again=1']").is_empty(), "it is not begun once more");
    assert_eq!((carried(&html, "link-later"), carried(&html, "client-later")), (1, 1));
    // one that is gone for good is not carried along
    assert_eq!(carried(&drawn(later), "link-later"), 0);
}

#[test]
fn what_a_search_hides_keeps_its_tick_and_what_is_wrong_is_shown() {
    let html = drawn(|view| view.form = std::mem::take(&mut view.form).with_value("q", "LAW-D"));
    let rows = all(&html, "table.finds tbody tr");
    let shown: Vec<String> = rows.into_iter().map(text).collect();
    assert_eq!(shown.len(), 2, "what is looked for, and what has a problem: {shown:?}");
    assert!(shown[0].contains("law-b") && shown[1].contains("law-d"), "{shown:?}");
    assert_eq!((carried(&html, "link-a"), carried(&html, "client-a")), (1, 1));
    // the button that Enter presses searches: it neither ticks nor saves
    let buttons = all(&html, "form.linking button");
    let pressed: Vec<_> = buttons.into_iter().map(|button| button.value().attr("value")).collect();
    assert_eq!(pressed, [Some("find"), Some("tick"), Some("untick"), None]);
}

#[test]
fn what_is_saved_is_not_to_choose_any_more() {
    let page = text(drawn(|view| view.rows.iter_mut().for_each(|row| row.chosen = row.usable)).root_element());
    assert!(page.contains("1 linked, 3 chosen, 0 matched by name, 0 to choose"), "{page}");
    assert!(!page.contains("Unsure"), "{page}");
}

#[test]
fn a_late_page_is_no_matter_of_the_disk() {
    let view = FailedView { kind: FailedKind::Slow, what: None, reference: None, next: Some("/set-up/clients".into()) };
    let page = Page::Failed(view);
    assert_eq!(page.status(), 504);
    let html = Html::parse_document(&render(&fixtures::context("/"), &page));
    let said = text(html.root_element());
    assert!(said.contains("This took too long") && !said.contains("disk"), "{said}");
    assert_eq!(all(&html, "a.button[href='/set-up/clients']").len(), 1);
}
