//! What the pages say, drawn from one rich value of every view.

mod fixtures;
mod found;
mod help;
mod lists;
mod texts;

use std::collections::HashSet;

use halobridge::{
    console::{
        Density, PageContext, Person, Theme,
        components::time::absolute,
        page::Page,
        platform::{render, render_fragment},
        words,
    },
    domain::{
        account::Role,
        failure::{Failure, FailureKind, Side},
        ids::WorkspaceId,
        incident::{IncidentStatus, Severity},
        pair::{Health, SyncState},
        reason::Reason,
        run::RunScope,
        time::{iso, to_ms},
        view::{
            account::AccountView,
            connections::{ConnectionHealth, WorkspaceRow},
            dashboard::PairFilter,
            form::FormView,
            import::PortalLink,
            list::OutsideLink,
            pair::PairView,
            probe::Line,
            pulse::Pulse,
            runs::SourceRow,
            set_up::StepContent,
        },
    },
    service::palette::found_by,
};
use scraper::{ElementRef, Html, Selector};

fn all<'a>(html: &'a Html, css: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(css).unwrap()).collect()
}

fn text(element: ElementRef) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one(html: &Html, css: &str) -> String {
    let found = all(html, css);
    assert_eq!(found.len(), 1, "{css}");
    text(found[0])
}

fn page(name: &str) -> Html {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(n, _, _)| *n == name).unwrap();
    Html::parse_document(&render(&ctx, &page))
}

/// Draws every page to files that a browser can open: `cargo test --test it gallery -- --ignored`.
#[test]
#[ignore = "writes files to look at"]
fn gallery() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/gallery");
    std::fs::create_dir_all(&folder).unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let style: String =
        ["tokens", "base", "components", "pages"].map(|name| read(&format!("style/{name}.css"))).concat();
    let sprite = read("public/icons.svg");
    for (name, ctx, page) in fixtures::pages() {
        let fragment = render_fragment(&ctx, &page).replace("/pkg/icons.svg#", "#");
        std::fs::write(folder.join(format!("{name}.fragment.html")), fragment).unwrap();
        for theme in [Theme::Light, Theme::Dark] {
            let html = render(&PageContext { theme, ..ctx.clone() }, &page)
                .replace("/pkg/icons.svg#", "#")
                .replace("<link rel=\"stylesheet\" href=\"/pkg/app.css\">", &format!("<style>{style}</style>"))
                .replacen("<a class=\"skip\"", &format!("<div hidden>{sprite}</div><a class=\"skip\""), 1);
            std::fs::write(folder.join(format!("{name}.{}.html", theme.as_str())), html).unwrap();
        }
    }
}

#[test]
fn every_page_is_a_whole_document() {
    for (name, ctx, page) in fixtures::pages() {
        let text = render(&ctx, &page);
        assert!(text.starts_with("<!DOCTYPE html><html lang=\"en\""), "{name}");
        let html = Html::parse_document(&text);
        assert_eq!(all(&html, "h1").len(), 1, "{name}: one h1");
        assert_eq!(all(&html, "main#main").len(), 1, "{name}");
        assert!(one(&html, "title").ends_with(" · Halobridge"), "{name}");
        assert_eq!(all(&html, "a.skip[href='#main']").len(), 1, "{name}");
        let mut ids = HashSet::new();
        for element in all(&html, "[id]") {
            let id = element.value().attr("id").unwrap();
            assert!(ids.insert(id.to_owned()), "{name}: id {id} twice");
        }
        for attribute in ["aria-labelledby", "aria-describedby", "for"] {
            for element in all(&html, &format!("[{attribute}]")) {
                for id in element.value().attr(attribute).unwrap().split(' ') {
                    assert!(ids.contains(id), "{name}: {attribute} names {id}, which is not there");
                }
            }
        }
    }
}

#[test]
fn many_sources_and_workspaces_are_paged() {
    let draw = |ctx: &PageContext, page: Page| Html::parse_document(&render(ctx, &page));
    let href = |html: &Html, css: &str| all(html, css)[0].value().attr("href").unwrap().to_owned();
    let (_, ctx, _) = fixtures::pages().into_iter().find(|(name, _, _)| *name == "runs").unwrap();
    let id = |n: u128| WorkspaceId(uuid::Uuid::from_u128(0xa000 + n));

    let mut runs = fixtures::runs();
    let one = runs.sources[0].clone();
    runs.sources = (0..120).map(|n| SourceRow { scope: RunScope::Workspace { id: id(n) }, ..one.clone() }).collect();
    runs.filter.failed = true;
    let html = draw(&ctx, Page::Runs(Box::new(runs.clone())));
    assert_eq!(all(&html, "table.sources tbody tr").len(), 50);
    assert!(truth_of(&html).contains("120 sources"), "all of them are counted");
    let next = href(&html, "nav[aria-label='Pages of the sources'] a[rel='next']");
    assert_eq!(next, format!("/runs?failed=1&sources=2~{}", id(50).0), "what else the address says stays");
    runs.filter.sources = format!("3~{}", id(100).0);
    let html = draw(&ctx, Page::Runs(Box::new(runs)));
    assert_eq!(all(&html, "table.sources tbody tr").len(), 20);

    let mut connections = fixtures::connections();
    let one = connections.workspaces[0].clone();
    connections.workspaces = (0..120).map(|n| WorkspaceRow { id: id(n), ..one.clone() }).collect();
    // The way from an incident that waits.
    connections.from = id(77).0.to_string();
    let html = draw(&ctx, Page::Connections(Box::new(connections)));
    assert_eq!(all(&html, "table.workspaces tbody tr").len(), 43);
    assert_eq!(all(&html, &format!("#workspace-{}", id(77).0)).len(), 1);
    let back = href(&html, "nav[aria-label='Pages of the workspaces'] a[rel='prev']");
    assert_eq!(back, format!("/connections?from=1~{}#workspaces", id(27).0));
}

#[test]
fn what_a_name_holds_is_no_markup() {
    let (_, ctx, _) = fixtures::pages().into_iter().find(|(name, _, _)| *name == "dashboard").unwrap();
    let mut view = fixtures::dashboard();
    view.clients[0].label = "<b>A & \"B\"</b>".to_owned();
    view.clients[0].value = "\"><script>1</script>".to_owned();
    view.clients[0].count = Some(1_234);
    view.rows.as_mut().unwrap().rows[0].severity = Severity::Other("<i>odd</i>".to_owned());
    let html = Html::parse_document(&render(&ctx, &Page::Dashboard(Box::new(view))));
    let options = all(&html, "select[name='client'] option");
    assert_eq!(text(options[0]), "All clients");
    assert_eq!(text(options[1]), "<b>A & \"B\"</b> (1,234)");
    assert_eq!(options[1].value().attr("value"), Some("\"><script>1</script>"));
    let severity = all(&html, "#rows tbody .severity")[0];
    assert_eq!(text(severity), "<i>odd</i>");
    assert_eq!(severity.value().attr("class"), Some("severity severity-informational"));
    assert!(all(&html, "script:not([src]), #rows i").is_empty());
}

#[test]
fn a_written_row_is_what_its_views_were_drawn_as() {
    let (_, ctx, _) = fixtures::pages().into_iter().find(|(name, _, _)| *name == "dashboard").unwrap();
    let mut view = fixtures::dashboard();
    let row = &mut view.rows.as_mut().unwrap().rows[0];
    (row.sync, row.health, row.paused) = (SyncState::InStep, Health::Healthy, true);
    (row.number, row.title, row.severity) = (Some(6_000), "Port scan".to_owned(), Severity::Low);
    (row.client, row.shared, row.reason) = ("Contoso Retail".to_owned(), 2, None);
    row.ticket =
        Some(OutsideLink { label: "200000".to_owned(), url: Some("https://halo.example/?a=1&b=2".to_owned()) });
    (row.incident_status, row.ticket_status) = (IncidentStatus::Closed, None);
    let (at, client, changed) = (format!("/pairs/{}", row.id), row.client_id, row.changed);
    let symbol = |name: &str| {
        format!(
            "<svg aria-hidden=\"true\" focusable=\"false\" class=\"icon\"><use href=\"/pkg/icons.svg#{name}\"></use></svg>"
        )
    };
    let expected = [
        format!(
            "<tbody><tr><td class=\"c-state\"><label class=\"tick\"><input type=\"checkbox\" name=\"pair\" value=\"{}\" \
             form=\"errand\"><span class=\"unseen\">Tick #6000</span></label>",
            at.trim_start_matches("/pairs/")
        ),
        "<span class=\"axes\"><span class=\"chip sync-in-step\">".to_owned(),
        symbol("in-step"),
        "<span>In step</span></span><span class=\"chip health-healthy\">".to_owned(),
        symbol("healthy"),
        "<span>Healthy</span></span></span><span class=\"chip paused\">".to_owned(),
        symbol("stop"),
        "<span>Paused</span></span></td><th scope=\"row\" class=\"c-wide\">".to_owned(),
        format!("<a data-row href=\"{at}\" class=\"row-link\"><span class=\"number\">#6000 </span>Port scan</a></th>"),
        "<td data-label=\"Severity\"><span class=\"severity severity-low\">".to_owned(),
        symbol("bars-1"),
        "<span>Low</span></span></td>".to_owned(),
        format!("<td data-label=\"Client\"><a href=\"/?client={client}\" class=\"soft\">Contoso Retail</a></td>"),
        "<td data-label=\"Ticket\"><a href=\"https://halo.example/?a=1&amp;b=2\" rel=\"noreferrer\" target=\"_blank\" \
         class=\"outside\">200000"
            .to_owned(),
        symbol("out"),
        "<span class=\"unseen\"> (opens in a new tab)</span></a> ".to_owned(),
        format!("<a href=\"{at}#mates\" class=\"soft\">and 2 incidents more</a></td>"),
        "<td data-label=\"Sentinel / Halo\">Closed<span class=\"quiet\"> / </span>–</td>".to_owned(),
        format!(
            "<td data-label=\"Changed\"><a href=\"{at}#history\" class=\"when\"><time datetime=\"{}\" data-at=\"{}\">",
            iso(changed),
            to_ms(changed)
        ),
        format!(
            "<span class=\"rel\">{}</span><span class=\"abs\"> {}</span></time></a></td></tr>",
            words::relative(to_ms(ctx.now), to_ms(changed)),
            absolute(&ctx, changed)
        ),
    ];
    let html = render(&ctx, &Page::Dashboard(Box::new(view)));
    assert!(html.contains(&expected.concat()), "{html}");
}

fn truth_of(html: &Html) -> String {
    one(html, "#truth")
}

#[test]
fn no_page_needs_what_the_content_policy_forbids() {
    for (name, ctx, page) in fixtures::pages() {
        let html = Html::parse_document(&render(&ctx, &page));
        assert!(all(&html, "style, script:not([src]), [style]").is_empty(), "{name}");
        for element in all(&html, "*") {
            let handler = element.value().attrs().find(|(attribute, _)| attribute.starts_with("on"));
            assert_eq!(handler, None, "{name}");
        }
    }
}

#[test]
fn tables_say_what_they_are() {
    for (name, ctx, page) in fixtures::pages() {
        let html = Html::parse_document(&render(&ctx, &page));
        for table in all(&html, "table") {
            let part = |css| table.select(&Selector::parse(css).unwrap()).count();
            assert_eq!(part("caption"), 1, "{name}");
            assert_eq!(part("th:not([scope])"), 0, "{name}");
            let rows = part("tbody > tr");
            assert_eq!(part("tbody > tr > th[scope=row]"), rows, "{name}: each row has a name");
        }
    }
}

#[test]
fn every_control_has_a_name() {
    for (name, ctx, page) in fixtures::pages() {
        let html = Html::parse_document(&render(&ctx, &page));
        for control in all(&html, "input:not([type=hidden]):not([hidden]), select") {
            let labelled =
                control.value().attr("id").is_some_and(|id| !all(&html, &format!("label[for='{id}']")).is_empty())
                    || control.ancestors().any(|node| node.value().as_element().is_some_and(|e| e.name() == "label"));
            assert!(labelled, "{name}: {:?}", control.value());
        }
        for control in all(&html, "a, button:not([hidden]), summary") {
            assert!(!text(control).is_empty(), "{name}: {:?}", control.value());
        }
    }
}

#[test]
fn text_from_outside_stays_text() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(n, _, _)| *n == "dashboard").unwrap();
    let text = render(&ctx, &page);
    assert!(text.contains("&lt;script&gt;alert("));
    assert!(!text.contains("<script>alert("));
}

#[test]
fn outside_the_islands_there_are_no_marks() {
    for (name, ctx, page) in fixtures::pages() {
        let text = render(&ctx, &page);
        let before = text.split("<leptos-island").next().unwrap();
        assert!(!before.contains("<!>") && !before.contains("<!--"), "{name}");
        assert!(!render_fragment(&ctx, &page).contains("<!"), "{name}");
    }
}

#[test]
fn only_signed_in_pages_have_islands() {
    for (name, ctx, page) in fixtures::pages() {
        let html = Html::parse_document(&render(&ctx, &page));
        let expected = if ctx.person.is_some() { 2 } else { 0 };
        assert_eq!(all(&html, "leptos-island").len(), expected, "{name}");
    }
}

#[test]
fn a_fragment_is_the_live_parts_and_each_can_be_found_again() {
    for (name, ctx, page) in fixtures::pages() {
        let fragment = Html::parse_fragment(&render_fragment(&ctx, &page));
        let document = Html::parse_document(&render(&ctx, &page));
        let parts = all(&fragment, "[data-live]");
        assert_eq!(!parts.is_empty(), page.fragment(&ctx).is_some(), "{name}");
        for part in &parts {
            let id = part.value().attr("id").unwrap();
            let there = all(&document, &format!("[id='{id}']"));
            assert_eq!(there[0].html(), part.html(), "{name}: {id}");
        }
        assert!(all(&fragment, "leptos-island, h1, header.bar").is_empty(), "{name}");
    }
}

#[test]
fn what_the_server_itself_opens_in_a_live_part_holds_no_change_back() {
    let mut opened = 0;
    for (name, ctx, page) in fixtures::pages() {
        let fragment = Html::parse_fragment(&render_fragment(&ctx, &page));
        for part in all(&fragment, "details[open]") {
            assert!(part.value().attr("data-open").is_some(), "{name}: {}", part.html());
            opened += 1;
        }
    }
    assert!(opened > 0);
}

#[test]
fn the_dashboard_begins_with_one_sentence_of_truth() {
    let html = page("dashboard");
    assert_eq!(one(&html, "p.truth"), "212 incidents in step; 3 need you; last look 12 s ago 2026-11-21 14:04:57 CET.");
    let links: Vec<_> = all(&html, ".counters a").iter().map(|a| a.value().attr("href").unwrap()).collect();
    let expected =
        ["/?sync=in-step", "/?sync=behind", "/?sync=unknown", "/?health=waiting", "/?health=needs-you", "/incidents"];
    assert_eq!(links, expected);
}

#[test]
fn states_have_symbol_and_word() {
    let html = page("dashboard");
    let chips = all(&html, "tbody .chip");
    assert_eq!(chips.len(), 81);
    for chip in chips {
        assert_eq!(chip.select(&Selector::parse("svg").unwrap()).count(), 1);
        assert!(
            ["In step", "Behind", "Unknown", "Healthy", "Waiting", "Needs you", "Paused"]
                .contains(&text(chip).as_str())
        );
    }
}

#[test]
fn a_column_head_turns_the_order_and_says_it() {
    let html = page("dashboard");
    let sorted = all(&html, "th[aria-sort]");
    assert_eq!(sorted.len(), 1);
    assert_eq!(sorted[0].value().attr("aria-sort"), Some("descending"));
    assert_eq!(text(sorted[0]), "Changed");
    let href = |label: &str| {
        let heads = all(&html, "thead a");
        heads.iter().find(|a| text(**a) == label).unwrap().value().attr("href").unwrap().to_owned()
    };
    assert_eq!(href("Changed"), "/?dir=up");
    assert_eq!(href("Client"), "/?sort=client");
}

#[test]
fn the_filter_keeps_what_the_address_says() {
    let html = page("dashboard-filtered");
    assert_eq!(all(&html, "input#q")[0].value().attr("value"), Some("no such thing"));
    assert_eq!(
        one(&html, "select[name=sync] option[selected]"),
        "Behind",
        "counts stand above, where they are kept new"
    );
    assert!(text(all(&page("dashboard"), "nav.pages .count")[0]).starts_with("Page 1 · 40 of 220"));
    assert_eq!(all(&html, ".filter[method=get][action='/']").len(), 1);
    assert_eq!(one(&html, ".empty h2"), "No pair matches the filter");
}

#[test]
fn there_are_three_kinds_of_nothing() {
    assert_eq!(one(&page("dashboard-empty"), ".empty h2"), "Nothing is linked yet");
    assert_eq!(all(&page("dashboard-fresh"), ".empty a[href='/set-up']").len(), 1);
    let broken = page("dashboard-broken");
    assert!(all(&broken, ".empty").is_empty());
    let trouble = one(&broken, ".trouble");
    assert!(trouble.contains("What to do:") && trouble.contains("7c1f9a"), "{trouble}");
    let notices: Vec<_> = all(&broken, "#pulse .notice").into_iter().map(text).collect();
    assert_eq!(notices.len(), 2);
    let said = "1 source can't be read whole until a person mends it. MSP Halo has not been read yet. Halo refused the sign-in. See what to do";
    assert_eq!(notices[0], said);
    let said = "2 sources are late. The oldest, law-contoso, was last read 2 h ago 2026-11-21 12:01:49 CET and is due every 15 min: what stands here of it may be old. See the runs";
    assert_eq!(notices[1], said);
}

#[test]
fn an_engine_that_stands_still_is_said_on_every_page() {
    for (name, ctx, page) in fixtures::pages() {
        let pulse = ctx.pulse.clone().map(|pulse| Pulse { alive: false, only_reads: true, ..pulse });
        let signed_in = ctx.person.is_some();
        let html = Html::parse_document(&render(&PageContext { pulse, ..ctx }, &page));
        let notices: Vec<_> = all(&html, "#pulse .notice").into_iter().map(text).collect();
        if !signed_in {
            assert!(notices.is_empty(), "{name}");
            continue;
        }
        assert!(notices[0].starts_with("The engine is not running"), "{name}: {notices:?}");
        assert!(notices[1].contains("--confirm-instance"), "{name}: {notices:?}");
        // What is wrong with a form comes first.
        let title = one(&html, "title");
        assert!(title.starts_with("Engine stopped: ") || title.starts_with("Error: "), "{name}: {title}");
    }
    assert_eq!(all(&page("dashboard"), "#pulse *").len(), 0, "all is well: nothing is said");
}

/// As any other notice, with what was found and the way to what is to be done, on every width.
#[test]
fn a_second_writer_is_told_with_the_way_out() {
    let html = page("dashboard-second-writer");
    let said = one(&html, "#pulse p.notice.bad[role=status]");
    assert!(said.contains("Note 12 on Halo ticket 70") && said.ends_with("See what to do"), "{said}");
    let ways: Vec<_> = all(&html, "#pulse .notice a").iter().map(|way| way.value().attr("href").unwrap()).collect();
    assert_eq!(ways, ["/help/operations#backup-and-restore"]);
    // A title without a space is broken, and what a push writes has a line of its own.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let style = std::fs::read_to_string(root.join("style/components.css")).unwrap();
    let rule = |of: &str| style.split(of).nth(1).and_then(|rest| rest.split("\n}").next()).unwrap().to_owned();
    assert!(rule(".flash,\n.notice {").contains("overflow-wrap: anywhere"));
    assert!(rule("\n.pushed {").contains("flex-wrap: wrap"));
    assert_eq!(all(&page("not-linked"), "#pushes .pushed details").len(), 2);
}

#[test]
fn the_title_says_what_matters_first() {
    assert_eq!(one(&page("dashboard"), "title"), "(3) Linked incidents · Halobridge");
    assert!(one(&page("pair"), "title").starts_with("Needs you: #10478 Multiple failed"));
    assert_eq!(one(&page("sign-in"), "title"), "Sign in · Halobridge");
    let html = page("dashboard");
    assert_eq!(all(&html, "#as-of")[0].value().attr("data-title"), Some("(3) Linked incidents · Halobridge"));
    assert_eq!(one(&html, "#badge"), "3 need you");
}

#[test]
fn everything_the_filter_matches_can_be_downloaded() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(n, ..)| *n == "dashboard").unwrap();
    let Page::Dashboard(mut view) = page else { unreachable!() };
    view.filter = PairFilter { severity: Some(Severity::High), from: "f1.2".into(), ..PairFilter::default() };
    let html = Html::parse_document(&render(&ctx, &Page::Dashboard(view)));
    assert_eq!(all(&html, "a.file")[0].value().attr("href"), Some("/pairs.csv?severity=High"));
}

#[test]
fn a_form_that_comes_back_says_so_and_keeps_what_was_typed() {
    let html = page("sign-in-refused");
    assert_eq!(one(&html, "title"), "Error: Sign in · Halobridge");
    let link = all(&html, ".summary[autofocus] a")[0].value().attr("href").unwrap().to_owned();
    assert_eq!(link, "#name");
    let name = all(&html, "input#name")[0].value();
    assert_eq!(name.attr("value"), Some("ada <b>"));
    assert_eq!(name.attr("aria-invalid"), Some("true"));
    assert_eq!(name.attr("aria-describedby"), Some("name-problem"));
    assert_eq!(all(&html, "input[type=password][value]").len(), 0);
}

#[test]
fn a_secret_is_never_given_back() {
    let form = FormView::default().with_value("current", "hunter2hunter2").with_problem("current", "Wrong.");
    let view = AccountView { password_form: form, ..fixtures::account() };
    let text = render(&fixtures::context("/account"), &Page::Account(Box::new(view)));
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_pause_says_who_why_and_how_it_ends() {
    let said = one(&page("dashboard"), ".pauses:not(.storm) li");
    for part in ["Client Wide World Importers is paused by grace: Maintenance until noon.", "once somebody resumes it"]
    {
        assert!(said.contains(part), "{said}");
    }
    let html = page("connections");
    let said: Vec<_> = all(&html, ".pauses li").into_iter().map(text).collect();
    assert!(said[0].contains("Connection MSP app is paused, since trying again can't help"), "{said:?}");
    let client = fixtures::pause_of_client().address();
    assert_eq!(one(&html, &format!("form[action='{client}/resume'] button")), "Resume: Client Wide World Importers");
    assert!(all(&html, &format!("form[action='{client}/pause']")).is_empty(), "it is paused");
    // one for each connection and for each client that no person paused
    assert_eq!(all(&html, "details.pausing form input[name=why]").len(), 3 + 4);
    let mut view = fixtures::pair();
    let pair = halobridge::domain::pause::PauseScope::Pair { id: view.id };
    let draw = |view| Html::parse_document(&render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view))));
    let html = draw(view.clone());
    assert_eq!(all(&html, &format!("form[action='{}/pause']", pair.address())).len(), 1);
    view.pauses = vec![fixtures::pause(pair, "This pair")];
    let html = draw(view);
    assert_eq!(one(&html, &format!("form[action='{}/resume'] button", pair.address())), "Resume: This pair");
    assert!(
        all(&html, "form[action$='/sync'], details.pausing").is_empty(),
        "nothing is carried out while it is paused"
    );
    let waiting = one(&html, "section[aria-labelledby=queue]");
    assert!(waiting.contains("Paused; planned") && waiting.contains("This pair is paused. "), "{waiting}");
    assert!(waiting.contains("resumes it") && !waiting.contains("Its turn comes"), "{waiting}");
}

#[test]
fn linking_by_hand_unlinking_and_pushing_are_plain_forms() {
    let html = page("linking");
    assert_eq!(one(&html, "form[action^='/incidents/'][action$='/link'] button"), "Link to this ticket");
    assert_eq!(one(&html, "form[action^='/incidents/'][action$='/ticket'] button"), "Make its ticket");
    assert_eq!(all(&html, "input[name=ticket][value='not <b>a number'][aria-invalid=true]").len(), 1);
    assert_eq!(all(&html, "input[name=next][value='/incidents?reason=unlinked']").len(), 2);
    let html = page("not-linked");
    assert_eq!(all(&html, "a[href^='/incidents/'][href*='/link?next=']").len(), 10);
    assert_eq!(all(&html, "form[method=post][action='/push'] select[name=workspace] option").len(), 6);
    let said = one(&html, "#pushes ul");
    for part in
        ["Ticket 30201 to law-contoso: pushed and linked.", "waits: Its client is paused.", "Halo has no ticket 7"]
    {
        assert!(said.contains(part), "{said}");
    }
    let unlink = format!("form[method=post][action='/pairs/{}/unlink'] button", fixtures::pair().id);
    assert!(one(&page("pair"), &unlink).starts_with("Unlink and keep both"));
}

#[test]
fn what_is_to_be_done_about_all_unlinked_incidents_is_said_once() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "not-linked").unwrap();
    let Page::NotLinked(mut view) = page else { panic!("not the list") };
    let listed = view.rows.as_mut().unwrap();
    for row in &mut listed.rows {
        row.reason = Some(Reason::OlderThanStart);
    }
    let html = Html::parse_document(&render(&ctx, &Page::NotLinked(view)));
    assert!(one(&html, "#rows .remedy").contains("Take it in by a backfill"));
    assert_eq!(all(&html, "#rows td .why").len(), 10);
}

#[test]
fn looking_again_is_not_syncing() {
    let html = page("pair");
    let id = fixtures::pair().id;
    for (action, label) in [("look", "Look again"), ("sync", "Sync now")] {
        assert_eq!(one(&html, &format!("form[method=post][action='/pairs/{id}/{action}'] button")), label);
    }
    assert_eq!(one(&html, &format!("a[href='/pairs/{id}/rebuild']")), "Rebuild from both sides…");
    let words = one(&html, ".standing-card");
    assert!(words.contains("the incident says “Active”, the ticket “On Hold”"), "{words}");
    assert!(words.contains("Choose one of the two values on the pair's page"), "{words}");
    let answers = all(&html, &format!("form[method=post][action='/pairs/{id}/decide'] button"));
    assert_eq!(
        answers.into_iter().map(text).collect::<Vec<_>>(),
        ["Take Microsoft Sentinel's: Active", "Take Halo's: On Hold"]
    );
}

#[test]
fn before_a_rebuild_its_plan_and_its_questions_stand_there() {
    let html = page("rebuild");
    let said = one(&html, "main");
    for part in ["Change the ticket in Halo.", "12 comments and notes are known", "What you would be asked", "On Hold"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let button = format!("form[method=post][action='/pairs/{}/rebuild'] button", fixtures::pair().id);
    assert_eq!(one(&html, &button), "Rebuild from both sides");
    let html = page("rebuild-refused");
    assert!(all(&html, &button).is_empty());
    assert!(one(&html, ".empty").contains("share its ticket"));
}

#[test]
fn a_page_on_a_wall_keeps_itself_new_without_a_script_too() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "dashboard").unwrap();
    let wall = PageContext { address: "/?health=needs-you&kiosk=1".into(), ..ctx.clone() };
    let html = render(&wall, &page);
    for part in ["<noscript><meta ", "http-equiv=\"refresh\"", "content=\"60\"", "console kiosk"] {
        assert!(html.contains(part), "{part}");
    }
    assert!(page.fragment(&wall).unwrap().contains("kiosk=1&fragment=1"));
    let html = render(&ctx, &page);
    assert!(!html.contains("http-equiv=\"refresh\"") && !html.contains("kiosk"));
}

#[test]
fn every_entry_of_the_palette_is_a_link_or_a_button_with_words() {
    let html = page("palette");
    let entries = all(&html, "main .palette-group li");
    let reached = all(&html, "main .palette-group li > a[href], main .palette-group li > form");
    assert_eq!(reached.len(), entries.len());
    let names: Vec<String> = entries.into_iter().map(text).collect();
    assert!(names[0].starts_with("#10478 Multiple failed sign-ins <script>"), "{names:?}");
    // Of the pages only those whose names hold what is looked for, with where they belong.
    assert!(names.iter().any(|name| name == "Sign in with Microsoft Set-up"), "{names:?}");
    assert!(!names.iter().any(|name| name == "Ledger"), "{names:?}");
    assert_eq!(one(&html, "main p > a[href='/?q=sign']"), "All linked incidents that match");
}

#[test]
fn a_pair_shows_both_sides_and_what_comes_next() {
    let html = page("pair");
    let rows = all(&html, "table.sides tbody tr");
    assert_eq!(rows.len(), 5);
    assert!(
        text(rows[2]).contains("Closed") && text(rows[2]).contains("On Hold") && text(rows[2]).contains("Both changed")
    );
    assert!(text(rows[3]).contains("The agent becomes Grace Hopper."));
    assert_eq!(all(&html, ".timeline > li").len(), 6);
    assert_eq!(all(&html, ".timeline details pre").len(), 6);
    assert!(one(&html, "section[aria-labelledby=dead]").contains("Please select a valid Site"));
}

#[test]
fn a_pair_shows_the_others_of_its_ticket_and_why() {
    let shown = one(&page("pair"), "section[aria-labelledby=mates]");
    assert!(shown.contains("It joined by the policy’s rule: the same analytics rule a1b2 as #10470"), "{shown}");
    let mates = fixtures::pair().group.expect("it has others").mates;
    assert_eq!(one(&page("pair"), &format!("a[href='/pairs/{}']", mates[0].pair)), mates[0].name);
    // One that has a ticket of its own although others are alike says why; any other pair says nothing.
    let mut view = fixtures::pair();
    let why = "it has the same host as #7, but ticket 70 is closed".to_owned();
    view.group = Some(halobridge::domain::view::pair::GroupView { why, mates: Vec::new() });
    let html = render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view.clone())));
    assert!(html.contains("It has a ticket of its own: it has the same host as #7, but ticket 70 is closed."));
    view.group = None;
    let html = render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view)));
    assert!(!html.contains("Also on this ticket"));
    let list = page("dashboard");
    let shared = all(&list, "a[href$='#mates']");
    assert!(!shared.is_empty() && shared.iter().all(|link| text(*link) == "and 2 incidents more"));
}

#[test]
fn older_entries_of_a_past_moment_stay_at_that_moment() {
    let at: jiff::Timestamp = "2026-11-20T08:00:00.123Z".parse().unwrap();
    let older = |as_of| {
        let view = PairView { as_of, back: "/?status=New".into(), ..fixtures::pair() };
        let html = Html::parse_document(&render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view))));
        let links = Selector::parse("a.button").unwrap();
        let found = html.select(&links).filter_map(|a| a.attr("href")).find(|href| href.ends_with("#history"));
        found.unwrap().to_owned()
    };
    assert_eq!(older(None), "/pairs/x?from=o.4402&list=status%3DNew#history");
    assert_eq!(older(Some(at)), "/pairs/x?from=o.4402&at=2026-11-20T08%3A00%3A00.123Z&list=status%3DNew#history");
}

#[test]
fn what_a_policy_would_do_is_told_in_all_and_of_each_workspace() {
    let said = one(&page("set-up-mapping"), "section[aria-labelledby=what-if]");
    let parts = [
        "1 of 3 workspaces counted.",
        "No workspace follows this policy yet",
        "12 incidents were created",
        "In each workspace",
        "law-<b>: 12 incidents; 5 would get a ticket, 1 of them closed at once; 4 have one, in 2 of these something would be written, 1 would be closed.",
        "law-two: not counted. Azure <b> can't be reached.",
        "1 workspace was not looked at, since that would take too long: law-three.",
    ];
    let places: Vec<usize> =
        parts.iter().map(|part| said.find(part).unwrap_or_else(|| panic!("{part}: {said}"))).collect();
    assert!(places.is_sorted(), "totals first: {said}");
}

#[test]
fn what_a_policy_would_do_leaves_out_what_does_not_happen() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "set-up-mapping").unwrap();
    let Page::Step(mut view) = page else { panic!("not a step") };
    let StepContent::Mapping(step) = &mut view.content else { panic!("not the policy") };
    for what in step.what_if.iter_mut().chain(step.what_if_of.iter_mut().filter_map(|row| row.what.as_mut())) {
        (what.closed, what.linked, what.changed, what.closing, what.more) = (0, 0, 0, 0, false);
    }
    let html = Html::parse_document(&render(&ctx, &Page::Step(view)));
    let said = one(&html, "section[aria-labelledby=what-if]");
    assert!(said.contains("law-<b>: 12 incidents; 5 would get a ticket."), "{said}");
    assert!(said.contains("5 would get a ticket. Nothing was written now."), "{said}");
    // the number alone says little
    assert_eq!(one(&html, "section[aria-labelledby=what-if] td[data-label=Client]"), "Alpine <b>");
}

#[test]
fn a_note_without_a_date_says_so() {
    let heads: Vec<String> = all(&page("pair"), "p.note-head").into_iter().map(text).collect();
    assert!(heads[2].contains("no date given") && !heads[1].contains("no date given"), "{heads:?}");
}

#[test]
fn whoever_looks_at_a_past_moment_finds_back_to_the_list() {
    let draw = |view| Html::parse_document(&render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view))));
    let view = PairView { as_of: Some(fixtures::ago(60)), back: "/?status=New&q=a+b".into(), ..fixtures::pair() };
    let html = draw(view);
    let list = all(&html, "form.moment input[type=hidden][name=list]")[0].value().attr("value");
    assert_eq!(list, Some("status=New&q=a+b"));
    let hrefs: Vec<&str> = all(&html, "main a").iter().filter_map(|a| a.value().attr("href")).collect();
    for wanted in ["/pairs/x?list=status%3DNew%26q%3Da%2Bb", "/pairs/x?at=4702&list=status%3DNew%26q%3Da%2Bb"] {
        assert!(hrefs.contains(&wanted), "{wanted}: {hrefs:?}");
    }
    assert!(all(&draw(fixtures::pair()), "form.moment input[name=list]").is_empty(), "the whole list needs no words");
}

#[test]
fn a_title_without_end_is_cut_in_heading_and_tab_and_stands_whole_below() {
    let title = "overlong ".repeat(2_500).trim_end().to_owned();
    let view = PairView { title: title.clone(), ..fixtures::pair() };
    let html = render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view)));
    assert_eq!(html.matches(&title).count(), 1, "the whole title stands once");
    let html = Html::parse_document(&html);
    assert_eq!(one(&html, "details.whole-title p"), title);
    for (css, most) in [("h1", 220), ("title", 160)] {
        let shown = one(&html, css);
        assert!(shown.contains("overlong") && shown.contains('…') && shown.chars().count() < most, "{css}: {shown}");
    }
    assert!(all(&page("pair"), "details.whole-title").is_empty(), "a title as titles are stands once");
}

/// Forced colours paint a border that is transparent; of two rules that weigh the same, the later one holds.
#[test]
fn in_forced_colours_only_the_current_tab_has_a_line() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let style: String = ["tokens", "base", "components", "pages"]
        .map(|name| std::fs::read_to_string(root.join(format!("style/{name}.css"))).unwrap())
        .concat();
    let tabs = style.rfind("border-bottom: 3px solid transparent").expect("tabs have room for a line");
    let pages = style.rfind("border-bottom: 2px solid transparent").expect("so have the pages beneath them");
    let (before, forced) = style.rsplit_once("@media (forced-colors: active)").expect("rules for forced colours");
    assert!(before.len() > tabs && before.len() > pages);
    for words in [".bar nav a", ".beneath a", "border-bottom-color: Canvas", "&[aria-current]"] {
        assert!(forced.contains(words), "{words}");
    }
}

#[test]
fn the_page_of_connections_says_when_each_is_read_next_and_what_is_late() {
    let html = page("connections");
    let tiles: Vec<String> = all(&html, "article.tile").into_iter().map(text).collect();
    assert_eq!(tiles.iter().filter(|tile| tile.contains(", next in 4 min")).count(), 2, "{tiles:#?}");
    let rows: Vec<String> = all(&html, "table.workspaces tbody tr").into_iter().map(text).collect();
    let late: Vec<&String> = rows.iter().filter(|row| row.contains("next late: due 20 min ago")).collect();
    assert_eq!(late.len(), 1, "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains(", next in 4 min")), "{rows:#?}");
    // how far each was read, and the way to the test of a Halo instance
    assert!(rows.iter().any(|row| row.contains(", up to the change of 2 h ago")), "{rows:#?}");
    assert!(tiles.iter().any(|tile| tile.contains("every 20 s, read up to the change of 1 min ago")), "{tiles:#?}");
    // and how far behind it is: not where nothing happens, and what is off is not read
    assert_eq!(tiles.iter().filter(|tile| tile.contains("Not behind")).count(), 1, "{tiles:#?}");
    let behind = |row: &String| match (row.contains("Not behind"), row.contains("66 min behind")) {
        (false, false) => "",
        (true, false) => "not",
        (_, true) => "66 min",
    };
    assert_eq!(rows.iter().map(behind).collect::<Vec<_>>(), ["not", "not", "", "66 min", "not"], "{rows:#?}");
    // Beside the other buttons, as in the tiles of Microsoft.
    assert!(!all(&html, "article.tile .acts > a.button[href^='/set-up/halo?connection='][href$='#test']").is_empty());
}

#[test]
fn a_connection_is_used_as_soon_as_somebody_signed_in() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "connections").unwrap();
    let Page::Connections(mut view) = page else { panic!("not the connections") };
    let fresh = ConnectionHealth { last_success: None, failure: None, failed_at: None, next: None };
    for row in &mut view.microsoft {
        row.health = fresh.clone();
    }
    let html = Html::parse_document(&render(&ctx, &Page::Connections(view)));
    let chips: Vec<String> = all(&html, "article.tile header .chip").into_iter().map(text).collect();
    // the app of the first row signs in by its secret
    assert_eq!(chips[..2], ["Not used yet", "Signed in, nothing read yet"]);
}

#[test]
fn a_page_below_another_marks_its_place_and_the_page_above() {
    for (name, above) in [("disconnect", "Connections"), ("set-up-microsoft", "Set-up")] {
        let html = page(name);
        assert_eq!(one(&html, ".bar nav a[aria-current]"), "Connections", "{name}");
        assert_eq!(one(&html, ".beneath a[aria-current]"), above, "{name}");
    }
}

#[test]
fn a_page_is_called_what_it_is_called_elsewhere() {
    let html = page("disconnect");
    let of_webhooks = Selector::parse("ul.points a[href='/set-up/import']").unwrap();
    assert_eq!(html.select(&of_webhooks).map(text).collect::<Vec<_>>(), ["Polling and webhooks"]);
}

#[test]
fn going_live_says_beside_its_button_how_many() {
    let html = page("set-up-live");
    assert_eq!(one(&html, "form[action='/set-up/go-live'] button"), "Go with those ticked");
    assert_eq!(
        one(&html, "form[action='/set-up/go-live'] > p.hint"),
        "1 workspace is ticked at first; the button takes those that are ticked when it is pressed."
    );
    // a workspace's start is not told as the moment it went live
    let hints: Vec<String> =
        all(&html, "form[action='/set-up/go-live'] .option p.hint").into_iter().map(text).collect();
    let live = hints.iter().find(|hint| hint.starts_with("live, both ways")).unwrap();
    assert!(live.starts_with("live, both ways. Incidents created before ") && !live.contains("since"), "{live}");
}

#[test]
fn saving_although_something_is_to_do_says_what_that_means() {
    let html = page("set-up-mapping");
    let hints: Vec<String> = all(&html, "form[action='/set-up/mapping'] > p.hint").into_iter().map(text).collect();
    let hint =
        hints.iter().find(|hint| hint.contains("saved as it stands here")).unwrap_or_else(|| panic!("{hints:?}"));
    assert!(hint.contains("a value without a counterpart does not cross"), "{hint}");
    assert_eq!(all(&html, "input[name=anyway]").len(), 1);
    // where nothing is to be put right it is not asked for
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "set-up-mapping").unwrap();
    let Page::Step(mut view) = page else { panic!("not a step") };
    let StepContent::Mapping(step) = &mut view.content else { panic!("not the policy") };
    step.findings.clear();
    let html = Html::parse_document(&render(&ctx, &Page::Step(view)));
    assert!(all(&html, "input[name=anyway]").is_empty());
}

#[test]
fn a_plan_that_lacks_a_right_is_not_pressed_for() {
    let deploy = |lines: Vec<Line>| {
        let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "set-up-import").unwrap();
        let Page::Step(mut view) = page else { panic!("not a step") };
        let StepContent::Import(step) = &mut view.content else { panic!("not the webhooks") };
        step.plan.as_mut().expect("a plan").lines = lines;
        let html = Html::parse_document(&render(&ctx, &Page::Step(view)));
        let buttons = all(&html, "section[aria-labelledby=plan] button.main");
        let main = buttons.into_iter().map(text).any(|label| label.starts_with("Deploy it"));
        let open = !all(&html, "section[aria-labelledby=plan] > details[open]").is_empty();
        (main, open)
    };
    assert_eq!(deploy(vec![Line::ok("rules", "Well.")]), (true, false));
    assert_eq!(deploy(vec![Line::note("logic_app", "It is switched off.", "")]), (true, false));
    assert_eq!(deploy(vec![Line::note("roles", "It may not give roles.", "")]), (false, true));
    assert_eq!(deploy(vec![Line::fault("rules", "It may not write rules.", "")]), (false, true));
}

#[test]
fn a_version_says_what_changed_while_it_is_folded() {
    let html = page("configuration");
    let said: Vec<String> = all(&html, "td summary").into_iter().map(text).collect();
    assert!(said.iter().any(|one| one.starts_with("Changed: policy \"<b>\"")), "{said:?}");
}

#[test]
fn what_was_done_at_many_is_folded_and_nothing_is_removed_where_nothing_is() {
    let drawn = |times: usize, open: u64| {
        let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "set-up-import").unwrap();
        let Page::Step(mut view) = page else { panic!("not a step") };
        let StepContent::Import(step) = &mut view.content else { panic!("not the webhooks") };
        step.form = FormView::default();
        step.rows = vec![step.rows.clone(); times].concat();
        step.groups[0].count = Some(open);
        let html = Html::parse_document(&render(&ctx, &Page::Step(view)));
        let unfolded = all(&html, ".step-body > .parts > details[open]").len();
        (unfolded, all(&html, ".form button.danger[value='errand-remove']").len())
    };
    assert_eq!(drawn(1, 2), (3, 1));
    assert_eq!(drawn(2, 0), (0, 0));
}

#[test]
fn the_template_opens_in_azures_portal_where_that_can_fetch_it() {
    let drawn = |portal: PortalLink| {
        let (_, ctx, page) = fixtures::pages().into_iter().find(|(name, ..)| *name == "set-up-import").unwrap();
        let Page::Step(mut view) = page else { panic!("not a step") };
        let StepContent::Import(step) = &mut view.content else { panic!("not the webhooks") };
        step.plan.as_mut().expect("a plan").portal = portal;
        Html::parse_document(&render(&ctx, &Page::Step(view)))
    };
    let file = "section[aria-labelledby=plan] a[download='halobridge-logic-app.json']";
    let html = drawn(PortalLink::To("https://portal.azure.us/#create/a".into()));
    let link = all(&html, "section[aria-labelledby=plan] a.outside");
    assert_eq!(
        link.iter().map(|a| a.value().attr("href").unwrap()).collect::<Vec<_>>(),
        ["https://portal.azure.us/#create/a"]
    );
    assert!(text(link[0]).starts_with("Deploy to Azure"));
    assert_eq!(all(&html, file).len(), 1);
    // The address is pasted there as a parameter.
    let address = all(&html, "input#webhook-url[readonly]");
    assert_eq!(address[0].value().attr("value"), Some("https://hb.example/hooks/sentinel/1"));
    assert_eq!(all(&html, "button[data-copy='webhook-url']").len(), 1);
    let html = drawn(PortalLink::None("No link, <b>because</b>.".into()));
    assert!(all(&html, "section[aria-labelledby=plan] a.outside").is_empty());
    assert_eq!(all(&html, file).len(), 1);
    assert!(one(&html, "section[aria-labelledby=plan]").contains("No link, <b>because</b>."));
}

#[test]
fn a_live_workspace_is_not_offered_its_first_cycle() {
    let html = page("set-up-live");
    let hints: Vec<String> =
        all(&html, "form[action='/set-up/go-live'] .option p.hint").into_iter().map(text).collect();
    for hint in hints.iter().filter(|hint| hint.contains("Incidents created before")) {
        let live = hint.starts_with("live, ");
        assert_eq!(hint.contains("Plan of its first cycle"), !live, "{hint}");
        assert_eq!(hint.contains("Its linked incidents"), live, "{hint}");
    }
}

#[test]
fn how_soon_a_new_incident_shows_is_said_with_the_quicker_choice() {
    let html = page("set-up-import");
    let parts: Vec<String> = all(&html, "#workspaces ~ .parts > details.part").into_iter().map(text).collect();
    for words in ["A new incident shows within 15 min", "the next one comes after 60 s", "1,440 a day instead of 96"] {
        assert!(parts[0].contains(words), "{words}: {}", parts[0]);
    }
    // what has a webhook needs no quicker polls
    assert!(parts[1].contains("tells of a new incident within seconds"), "{}", parts[1]);
    assert!(!parts[1].contains("Poll every minute"), "{}", parts[1]);
}

#[test]
fn an_unlinked_pair_says_when_by_whom_and_where_to_go_on() {
    let html = page("unlinked");
    assert!(one(&html, "title").starts_with("Unlinked: #10478 Multiple failed"));
    let said = one(&html, "section.standing-card");
    assert!(said.contains("they were unlinked 30 s ago") && said.contains("by ada."), "{said}");
    let newer = format!("section.standing-card a[href='/pairs/{}']", fixtures::unlinked_newer());
    assert_eq!(one(&html, &newer), "see its newer pair");
    assert_eq!(all(&html, "nav.crumb a[href='/?sync=behind']").len(), 1);
    let older = all(&html, "section.pair-history a.button")[0].value().attr("href").unwrap();
    assert!(older.ends_with("?from=o.4402&list=sync%3Dbehind#history"), "{older}");
    let said = one(&page("unlinked-for-good"), "section.standing-card");
    assert!(said.contains("in no other pair") && !said.contains(" by ada"), "{said}");
    // from the entries before, the pair is opened as it stood
    let then = |seq: i64| all(&html, &format!(".timeline a[href$='?at={seq}&list=sync%3Dbehind']")).len();
    assert_eq!((then(4711), then(4702), then(4402)), (0, 1, 1));
    assert_eq!(all(&html, "form.moment input[name=at]").len(), 1);
}

#[test]
fn a_pair_whose_workspace_was_taken_out_says_why_nothing_is_compared() {
    let said = "The workspace is not set up here any more";
    for (name, told) in [("pair", false), ("pair-removed", true)] {
        let html = page(name);
        assert_eq!(one(&html, "section[aria-labelledby=sides]").contains(said), told, "{name}");
        assert!(all(&html, "table.sides tbody tr").len() > 3, "{name}");
    }
}

#[test]
fn the_columns_of_a_past_moment_speak_of_then() {
    for (name, said) in [("pair", ["Sentinel now", "Halo now"]), ("pair-then", ["Sentinel then", "Halo then"])] {
        let html = page(name);
        let heads: Vec<String> = all(&html, "table.sides thead th").into_iter().map(text).collect();
        assert_eq!(heads[1..3], said, "{name}");
        let labels: Vec<&str> = all(&html, "table.sides tbody tr:first-child td")
            .iter()
            .filter_map(|td| td.value().attr("data-label"))
            .collect();
        assert_eq!(labels[..2], said, "{name}");
    }
}

#[test]
fn a_dead_letter_can_be_tried_again_or_dropped() {
    let html = page("problems");
    let id = fixtures::dead().id;
    assert_eq!(one(&html, &format!("form[action='/operations/{id}/retry'] button")), "Try again: Create the ticket");
    assert_eq!(one(&html, &format!("a[href='/operations/{id}/drop']")), "Drop… Create the ticket");
    let storm = format!("form[action='/workspaces/{}/release'] button", fixtures::problems().storms[0].workspace);
    assert_eq!(one(&html, &storm), "Release: law-contoso");
    let unsettled = halobridge::domain::operation::OperationState::Dead {
        at: fixtures::ago(1),
        reason: halobridge::domain::reason::Reason::OutcomeUnknown,
    };
    let mut view = fixtures::pair();
    view.dead[0].state = unsettled;
    let text = render(&fixtures::context("/pairs/x"), &Page::Pair(Box::new(view)));
    assert!(text.contains("Look for it again") && !text.contains("Try again"));
    let dropped = one(&page("pair"), "section[aria-labelledby=dropped]");
    assert!(dropped.contains("Close the ticket") && dropped.contains("by grace"), "{dropped}");
    assert!(dropped.contains("Plan it again"));
    let sure = page("drop");
    assert_eq!(one(&sure, &format!("form[method=post][action='/operations/{id}/drop'] button")), "Drop it");
}

#[test]
fn what_is_tried_again_is_shown_as_a_plan_first() {
    let id = fixtures::dead().id;
    assert_eq!(one(&page("problems"), &format!("a[href='/operations/{id}/retry']")), "See the plan Create the ticket");
    let html = page("replay");
    let said = one(&html, "main");
    for part in ["What would be written now", "Create the ticket in Halo.", "the newest 1 of 3"] {
        assert!(said.contains(part), "{said}");
    }
    let form = "form[method=post][action='/problems/replay']";
    assert_eq!(all(&html, &format!("{form} input[name=operation][value='{id}']")).len(), 1);
    assert_eq!(one(&html, &format!("{form} button")), "Try it again");
}

#[test]
fn a_viewer_gets_no_buttons_that_change_anything() {
    for (name, ctx, page) in fixtures::pages() {
        let person = ctx.person.clone().map(|person| Person { role: Role::Viewer, ..person });
        let html = Html::parse_document(&render(&PageContext { person, ..ctx }, &page));
        for form in all(&html, "form[method=post]") {
            let action = form.value().attr("action").unwrap();
            let own = ["/sign-out", "/preferences", "/account/", "/sign-in", "/set-up", "/views"]
                .iter()
                .any(|a| action.starts_with(a));
            // these pages are only shown to those who may; the service decides again
            let asked = ["drop", "replay", "disconnect"].contains(&name)
                || name.starts_with("rebuild")
                || name.starts_with("errand")
                || name.starts_with("accounts")
                || name.starts_with("tokens")
                || name.starts_with("tickets")
                || name.starts_with("set-up")
                || name.starts_with("configuration");
            assert!(own || asked, "{name}: {action}");
        }
    }
}

#[test]
fn a_connection_never_shows_a_secret_but_where_it_comes_from() {
    let html = page("connections");
    let words = one(&html, "main");
    assert!(words.contains("environment variable SENTINEL_SECRET"));
    assert!(words.contains("sealed in the database"));
    assert!(words.contains("287 of 300 in 5 min") && words.contains("free again in 18 s"));
    assert_eq!(all(&html, "form[action$='/sign-in'] button").len(), 1);
}

#[test]
fn the_palette_says_what_an_incident_is_found_by_where_that_is_not_shown() {
    let row = fixtures::pair_rows(1).remove(0);
    let title = row.title.split(' ').next().unwrap();
    let ticket = row.ticket.clone().unwrap().label;
    let number = row.number.unwrap();
    for text in [title, &title.to_uppercase(), &ticket, &format!("#{ticket}"), &format!("#{number} {title}"), "zz"] {
        assert_eq!(found_by(&row, text), None, "{text}");
    }
    assert_eq!(found_by(&row, "hb-0000000000").unwrap(), "its reference HB-0000000000");
    let id = row.incident.as_str().to_owned();
    assert_eq!(found_by(&row, &id).unwrap(), format!("the incident's id {id}"));
    let by = found_by(&row, &format!("{title} pc-77")).unwrap();
    assert!(by.starts_with("“pc-77”: a host"), "{by}");
    let by = found_by(&row, "#994101").unwrap();
    assert!(by.starts_with("“#994101”: its number in Defender"), "{by}");
}

/// A wait that the other side asked for is neither a failure nor nothing.
#[test]
fn a_source_that_was_told_to_wait_says_until_when() {
    let (_, ctx, _) = fixtures::pages().into_iter().find(|(name, _, _)| *name == "runs").unwrap();
    let mut runs = fixtures::runs();
    let until = "2026-11-21T12:30:00Z".parse().unwrap();
    let told = "Azure asks to wait: too many requests. It goes on by itself.";
    let failure =
        Failure { status: Some(429), ..Failure::new(Side::Sentinel, FailureKind::WaitUntil { at: until }, told) };
    runs.sources.truncate(1);
    runs.sources[0].waits = Some((until, told.to_owned()));
    if let Some(last) = &mut runs.sources[0].last {
        last.failure = Some(failure.clone());
    }
    if let Ok(listed) = &mut runs.runs {
        listed.rows.truncate(1);
        listed.rows[0].failure = Some(failure);
    }
    let html = Html::parse_document(&render(&ctx, &Page::Runs(Box::new(runs))));
    let row = one(&html, "table.sources tbody");
    assert!(row.contains("Waits until") && row.contains(&absolute(&ctx, until)) && row.contains(told), "{row}");
    let past = one(&html, "table.runs tbody");
    assert!(past.contains("Told to wait") && !past.contains("Failed"), "{past}");
    let truth = truth_of(&html);
    assert!(truth.contains("1 waiting") && !truth.contains("failed"), "{truth}");
}

#[test]
fn a_page_that_says_no_has_a_way_out() {
    let html = page("broken");
    assert_eq!(all(&html, "main a[href='/sign-in']").len(), 1);
    assert!(one(&html, ".says-no").contains("7c1f9a"));
    assert_eq!(all(&page("not-found"), "main a[href='/']").len(), 1);
}

#[test]
fn the_theme_is_set_by_the_server() {
    let (_, ctx, page) = fixtures::pages().into_iter().find(|(n, _, _)| *n == "runs").unwrap();
    let html = render(&PageContext { theme: Theme::Dark, density: Density::Roomy, ..ctx }, &page);
    assert!(html.contains("<html lang=\"en\" data-theme=\"dark\" data-density=\"roomy\">"));
}

#[test]
fn both_axes_have_words() {
    let words: Vec<_> = [SyncState::InStep, SyncState::Behind, SyncState::Unknown].map(words::sync).into();
    assert_eq!(words, ["In step", "Behind", "Unknown"]);
    let words: Vec<_> = [Health::Healthy, Health::Waiting, Health::NeedsYou].map(words::health).into();
    assert_eq!(words, ["Healthy", "Waiting", "Needs you"]);
}

#[test]
fn every_icon_is_in_the_sprite() {
    let sprite = include_str!("../../../../public/icons.svg");
    for (name, ctx, page) in fixtures::pages() {
        let html = Html::parse_document(&render(&ctx, &page));
        for used in all(&html, "use") {
            let href = used.value().attr("href").unwrap();
            let symbol = href.rsplit_once('#').expect("a sprite's symbol").1;
            assert!(sprite.contains(&format!("id=\"{symbol}\"")), "{name}: {symbol}");
        }
    }
}
