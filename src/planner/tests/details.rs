//! What a new ticket says: its reference, the way to the incident, every member of it, and what it lacks.

use serde_json::json;

use super::scene::{Scene, at, in_step};
use crate::{
    domain::{
        catalogue::{Named, Ref},
        ids::{TicketId, reference},
        incident::{Evidence, Owner},
        policy::{Direction, RequesterRule},
        reason::Reason,
        ticket::{HaloUser, Requester, TicketDraft},
        workspace::Portal,
    },
    planner::{draft, gate, requester::Affected},
};

fn passed(scene: &Scene) -> gate::Passed {
    gate::needs(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue)).expect("it passes")
}

fn drafted(scene: &Scene) -> draft::Drafted {
    let (passed, evidence, known) = (passed(scene), scene.evidence.as_ref(), Affected::NotKnown);
    draft::draft(&scene.workspace, &scene.policy, &scene.catalogue, &passed, &scene.incident, evidence, known)
}

/// Whoever makes the ticket again, even after a restore, finds it by the same reference.
#[test]
fn a_tickets_reference_is_built_from_outside_identities_alone() {
    let scene = in_step();
    let (workspace, incident) = (&scene.workspace, &scene.incident);
    let parts = ["ticket", workspace.arm_id.as_str(), incident.id.as_str()];
    assert_eq!(draft::ticket_reference(workspace, incident), reference(&parts));
    assert_eq!(drafted(&scene).draft.reference, reference(&parts));
    let after = draft::reference_after(workspace, incident, TicketId(70));
    assert_eq!(after, reference(&[parts[0], parts[1], parts[2], "after", "70"]));
    let before = drafted(&scene).draft;
    let mut draft = before.clone();
    draft::refer(&mut draft, "HB-AFTER");
    assert!(before.details_html.contains(&before.reference));
    assert_eq!(draft.details_html, before.details_html.replace(&before.reference, "HB-AFTER"));
    assert_eq!(draft.reference, "HB-AFTER");
}

#[test]
fn the_link_leads_to_microsofts_own_portals_alone() {
    let mut scene = in_step();
    scene.incident.resource_id = "/r".into();
    let azure = "https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident/r";
    let own = "https://portal.azure.us/#x";
    let defender = "https://security.microsoft.com/incidents/9?tid=t";
    // The incident's own address, Defender's, the provider's name and id; what Azure's and Defender's portal get.
    let table = [
        (None, None, "Azure Sentinel", None, azure, azure),
        (Some(own), None, "Azure Sentinel", None, own, own),
        (Some("https://portal.azure.com.evil.example/"), None, "Azure Sentinel", None, azure, azure),
        (Some("https://portal.azure.com/\" onclick=\""), None, "Azure Sentinel", None, azure, azure),
        (Some("https://portal.azure.com/a b"), None, "Azure Sentinel", None, azure, azure),
        (None, None, "Microsoft XDR", Some("9"), azure, defender),
        (Some(own), None, "Azure Sentinel", Some("9"), own, own),
        (
            None,
            Some("https://security.microsoft.us/i/9"),
            "Microsoft XDR",
            Some("9"),
            azure,
            "https://security.microsoft.us/i/9",
        ),
        (None, Some("http://security.microsoft.com/i/9"), "Microsoft XDR", Some("9"), azure, defender),
        (None, Some("http://security.microsoft.com/i/9"), "Microsoft XDR", None, azure, azure),
    ];
    for (url, provider_url, provider, id, in_azure, in_defender) in table {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let incident = &mut scene.incident;
        (incident.url, incident.provider_url) = (text(url), text(provider_url));
        (incident.provider_name, incident.provider_incident_id) = (text(Some(provider)), text(id));
        for (portal, expected) in [(Portal::Azure, in_azure), (Portal::Defender, in_defender)] {
            scene.workspace.portal = portal;
            let found = draft::portal_link(&scene.workspace, &scene.incident);
            assert_eq!(found, expected, "{url:?} {provider_url:?} {provider} {id:?}");
        }
    }
}

fn row(name: &str, value: &str) -> String {
    format!("<tr><td><b>{name}</b></td><td>{value}</td></tr>")
}

#[test]
fn every_member_that_has_a_value_is_told_once() {
    let mut scene = in_step();
    scene.incident.description = Some("  ".into());
    scene.incident.raw = json!({
        "name": "n", "etag": "e", "kind": "k", "flags": [],
        "alerts": [{ "properties": { "x": 1 } }],
        "properties": {
            "title": "not again", "additionalData": { "tactics": ["A", null, 3] }, "empty": null, "flag": true,
            "alerts": [{ "properties": { "y": 1 } }], "list": [{ "a": 1 }, { "b": [2] }], "mixed": [4, [5]],
            "deep": { "properties": [{ "properties": 6 }] },
        },
    })
    .into();
    let html = drafted(&scene).draft.details_html;
    let (_, told) = html.split_once(&row("Workspace", "w")).expect("the table");
    let rows = [
        ("kind", "k"),
        ("alerts[0].properties.x", "1"),
        ("additionalData.tactics", "A, 3"),
        ("flag", "true"),
        ("list[0].a", "1"),
        ("list[1].b", "2"),
        ("mixed[0]", "4"),
        ("mixed[1]", "5"),
        ("deep.properties[0].properties", "6"),
    ];
    let rows: String = rows.iter().map(|(name, value)| row(name, value)).collect();
    let reference = drafted(&scene).draft.reference;
    assert_eq!(told, format!("{rows}</table><p>Halobridge reference {reference}</p>"));
    assert!(html.starts_with("<p><a href="), "no empty paragraph for a description of blanks");
    scene.incident.description = Some("seen".into());
    assert!(drafted(&scene).draft.details_html.starts_with("<p>seen</p><p><a href="));
}

#[test]
fn beyond_twenty_five_alerts_are_counted() {
    let mut scene = in_step();
    scene.policy.evidence = true;
    let mut with = |count| {
        let alerts = (0..count).map(|n| json!({ "n": format!("alert {n};") })).collect();
        scene.evidence = Some(Evidence { alerts, entities: Vec::new() });
        drafted(&scene).draft.details_html
    };
    let html = with(25);
    assert!(html.contains("<h3>Alerts (25)</h3>") && html.contains("alert 24;") && !html.contains("more are kept"));
    let html = with(27);
    assert!(html.contains("<p>2 more are kept in Halobridge.</p>") && !html.contains("alert 25;"), "{html}");
    assert!(!html.contains("Entities"), "there are none");
}

/// A team or category by name: as Halo writes it, believed while the list is not whole, else a hole.
#[test]
fn a_team_or_category_that_halo_lacks_is_a_hole() {
    type Set = fn(&mut Scene, Ref);
    type Get = fn(&TicketDraft) -> &Option<String>;
    let table: [(&str, Set, Get); 2] = [
        ("team", |s, wanted| s.policy.team = Some(wanted), |draft| &draft.team),
        ("category", |s, wanted| s.policy.category = Some(wanted), |draft| &draft.category_1),
    ];
    for (table, set, get) in table {
        let mut scene = in_step();
        scene.policy.team = None;
        scene.catalogue.teams = vec![Named { id: 1, name: "Security".into() }];
        scene.catalogue.categories = vec![Named { id: 1, name: "Mail".into() }];
        let listed = if table == "team" { "Security" } else { "Mail" };
        let of = |scene: &Scene| {
            let drafted = drafted(scene);
            let holes = scene.with(draft::holes);
            assert_eq!(drafted.lacking, holes, "{table}: what it lacks is shown on the pair too");
            (get(&drafted.draft).clone(), holes)
        };
        set(&mut scene, Ref::Name(listed.to_uppercase()));
        assert_eq!(of(&scene), (Some(listed.to_owned()), Vec::new()), "{table}");
        set(&mut scene, Ref::Name("Other".into()));
        let hole = Reason::Unmapped { table: table.into(), value: Ref::Name("Other".into()).to_string() };
        assert_eq!(of(&scene), (None, vec![hole]), "{table}");
        scene.catalogue.partial = vec![table.into()];
        assert_eq!(of(&scene), (Some("Other".to_owned()), Vec::new()), "{table}: a part is listed");
        scene.catalogue.partial = Vec::new();
        (scene.catalogue.teams, scene.catalogue.categories) = (Vec::new(), Vec::new());
        assert_eq!(of(&scene), (Some("Other".to_owned()), Vec::new()), "{table}: nothing was read");
    }
}

/// Whom the ticket before is for, if Halo says user and site; else the user who was found when it was drafted.
#[test]
fn a_ticket_in_the_place_of_another_is_for_the_same_user() {
    let mut scene = in_step();
    scene.policy.requester = RequesterRule::AffectedUser;
    scene.pair.base.affected = Some(HaloUser { id: 9, name: "Li".into(), site_id: Some(2) });
    let mut of = |user_id, site_id| {
        let ticket = scene.ticket();
        (ticket.user_id, ticket.site_id) = (user_id, site_id);
        let draft = scene.with(|s| draft::in_place_of(s, &passed(&scene), TicketId(70)));
        let Requester::User { id } = draft.requester else { return None };
        Some(id)
    };
    let found = [of(Some(8), Some(4)), of(Some(0), Some(4)), of(Some(8), Some(0)), of(None, Some(4))];
    assert_eq!(found, [Some(8), Some(9), Some(9), Some(9)]);
}

/// A fallback agent that Halo lacks is nobody's matter where an owner's agent has the ticket anyway.
#[test]
fn a_lacking_fallback_shows_while_an_owner_gives_no_agent() {
    let mut scene = in_step();
    scene.policy.agent = Some(Ref::Name("Nobody".into()));
    assert_eq!(scene.with(draft::holes).len(), 1);
    scene.incident.owner = Owner { user_principal_name: Some("amira@soc.example".into()), ..Owner::default() };
    assert_eq!(scene.with(draft::holes), [], "its owner is somebody in Halo");
    scene.policy.owner.direction = Direction::ToSentinel;
    assert_eq!(scene.with(draft::holes).len(), 1, "owners do not cross to Halo");
    scene.ticket().agent_id = Some(5);
    assert_eq!(scene.with(draft::holes), [], "somebody has it");
}

#[test]
fn a_moment_is_told_to_the_second_or_not_at_all() {
    assert_eq!(draft::moment(Some(at("2026-03-01T11:30:00.900Z"))), "2026-03-01 11:30:00 UTC");
    assert_eq!(draft::moment(None), "no date given");
}
