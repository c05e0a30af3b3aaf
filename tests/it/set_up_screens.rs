//! The screens of mapping, webhooks and going live as a browser without a script sees them: every form is read from its
//! page and sent back as it stands there, with what a person changes.

use halobridge::{
    domain::{
        account::{Role, Scope},
        workspace::Mode,
    },
    service::configuration,
};
use scraper::{ElementRef, Html, Selector};
use serde_json::json;

use crate::{
    import_mode::Stage,
    support::{Answer, Browser},
};

fn all(css: &str) -> Selector {
    Selector::parse(css).unwrap()
}

/// What a browser would send of the first form with this method and action that holds `needs`, without its buttons.
pub fn form(page: &str, action: &str, needs: &str) -> Vec<(String, String)> {
    let html = Html::parse_document(page);
    let forms = format!("form[method=post][action='{action}']");
    let wanted = all(needs);
    let found = html.select(&all(&forms)).find(|form| form.select(&wanted).next().is_some());
    let found: ElementRef<'_> = found.unwrap_or_else(|| panic!("no form to {action} with {needs} in {page}"));
    let mut entries = Vec::new();
    for field in found.select(&all("input, select, textarea")) {
        let at = |name: &str| field.value().attr(name);
        let Some(name) = at("name") else { continue };
        let value = match (field.value().name(), at("type")) {
            ("select", _) => {
                let options: Vec<ElementRef<'_>> = field.select(&all("option")).collect();
                let chosen = options.iter().find(|option| option.value().attr("selected").is_some());
                chosen.or(options.first()).and_then(|option| option.value().attr("value")).unwrap_or("").to_owned()
            }
            ("textarea", _) => field.text().collect(),
            (_, Some("checkbox" | "radio")) if at("checked").is_none() => continue,
            _ => at("value").unwrap_or("").to_owned(),
        };
        entries.push((name.to_owned(), value));
    }
    entries
}

/// The same with other values.
pub fn with(entries: &[(String, String)], changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut entries = entries.to_vec();
    for (name, value) in changes {
        entries.retain(|(known, _)| known != name);
        entries.push(((*name).to_owned(), (*value).to_owned()));
    }
    entries
}

pub struct Person {
    pub stage: Stage,
    pub browser: Browser,
}

impl Person {
    pub async fn new() -> Self {
        Self::at(Stage::new().await).await
    }

    pub async fn at(stage: Stage) -> Self {
        stage.test.person("ada", Role::Admin, Scope::All).await;
        let browser = stage.test.signed_in("ada").await;
        Self { stage, browser }
    }

    pub async fn page(&mut self, path: &str) -> String {
        let answer = self.stage.test.page(&mut self.browser, path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.body);
        answer.body
    }

    pub async fn send(&mut self, path: &str, entries: &[(String, String)]) -> Answer {
        let entries: Vec<(&str, &str)> = entries.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.stage.test.submit(&mut self.browser, path, &entries).await
    }

    pub async fn policies(&self) -> Vec<halobridge::domain::policy::Policy> {
        self.stage.test.app.store.installation().await.unwrap().policies
    }

    pub async fn file(&self) -> String {
        configuration::export(&self.stage.test.app.store).await.unwrap().to_toml()
    }
}

pub const MAPPING: &str = "/set-up/mapping";
pub const IMPORT: &str = "/set-up/import";
pub const LIVE: &str = "/set-up/go-live";

#[track_caller]
fn refused(answer: &Answer, words: &str) {
    assert_eq!(answer.status.as_u16(), 422, "{}", answer.body);
    assert!(answer.body.contains("There is a problem"), "{}", answer.body);
    let text: String = Html::parse_document(&answer.body).root_element().text().collect();
    assert!(text.contains(words), "{words:?} in {text}");
}

#[tokio::test]
async fn a_suggested_policy_needs_nothing_but_next() {
    let mut ada = Person::new().await;
    let page = ada.page("/set-up/mapping?policy=new").await;
    let suggested = form(&page, MAPPING, "[name='priority.High']");
    let saved = ada.send(MAPPING, &with(&suggested, &[("name", "suggested")])).await;
    assert_eq!((saved.status.as_u16(), saved.location()), (303, "/set-up/check"), "{}", saved.body);
    let file = ada.file().await;
    for words in ["name = \"suggested\"", "High = \"P2 - High\"", "\"On Hold\" = \"Active\"", "notes = \"public\""] {
        assert!(file.contains(words), "{words}: {file}");
    }
    // What is stored is what the page shows again, and saving that changes nothing.
    let page = ada.page("/set-up/mapping?policy=suggested").await;
    let shown = form(&page, MAPPING, "[name='priority.High']");
    let before = ada.policies().await;
    assert_eq!(ada.send(MAPPING, &shown).await.status.as_u16(), 303);
    assert_eq!(ada.policies().await, before);
    assert_eq!(ada.stage.writes(), 0);
}

#[tokio::test]
async fn what_is_wrong_in_a_mapping_is_said_at_its_field_and_nothing_typed_is_lost() {
    let mut ada = Person::new().await;
    let page = ada.page(MAPPING).await;
    let good = form(&page, MAPPING, "[name='priority.High']");
    let before = ada.policies().await;
    for (changes, words) in [
        (&[("priority.Low", "")][..], "Low: this severity has no counterpart in Halo. Choose a priority"),
        (&[("status.Active", "")][..], "Active: this status has no counterpart in Halo. Choose a ticket status"),
        (&[("status.New", "9")][..], "what is open becomes closed on the way"),
        (&[("notes", "")][..], "Notes is missing."),
        (&[("owner.0", "ana@contoso.example")][..], "an owner and an agent belong together"),
        (&[("field.0", "m:category_2")][..], "a field and a value belong together"),
        (&[("field.0", "m:category_2"), ("source.0", "$.properties[")][..], "lacks a closing ]"),
        (&[("field.0", "m:category_2"), ("source.0", "$nothing.here")][..], "is none of $, $alerts"),
        (&[("ticket_type", "")][..], "Ticket type is missing."),
    ] {
        let typed = with(
            &good,
            &[changes, &[("team", "1"), ("source.1", "typed <kept>"), ("field.1", "m:category_3")]].concat(),
        );
        let answer = ada.send(MAPPING, &typed).await;
        refused(&answer, words);
        assert!(answer.body.contains("typed &lt;kept&gt;") || answer.body.contains("typed <kept>\""), "{words}: lost");
        for (name, value) in changes.iter().filter(|(name, _)| !name.contains("ticket_type")) {
            let again = form(&answer.body, MAPPING, "[name='priority.High']");
            let kept = again.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            assert!(kept.is_none_or(|kept| kept == *value), "{name}: {kept:?}");
        }
    }
    assert_eq!(ada.policies().await, before, "nothing was saved");
    // Somebody else saved in between.
    let answer = ada.send(MAPPING, &with(&good, &[("seen", "0000")])).await;
    assert_eq!(answer.status.as_u16(), 409);
    assert!(answer.body.contains("This step was saved in the meantime"));
    // A hole that is accepted is saved.
    let answer = ada.send(MAPPING, &with(&good, &[("priority.Low", ""), ("anyway", "on")])).await;
    assert_eq!(answer.status.as_u16(), 303);
    assert!(!ada.file().await.contains("Low = \"P4 - Low\""));
}

#[tokio::test]
async fn any_value_is_mapped_by_picking_it_from_a_real_incident() {
    let mut ada = Person::new().await;
    ada.stage.act("incident.create", json!({ "title": "Sign-in from two places", "severity": "High" }));
    ada.stage.pass(1);
    let page = ada.page(MAPPING).await;
    let shown = form(&page, MAPPING, "[name='priority.High']");
    let look = ada.send(MAPPING, &with(&shown, &[("do", "look"), ("team", "1")])).await;
    assert_eq!(look.status.as_u16(), 200);
    assert!(look.body.contains("$.properties.title") && look.body.contains("Sign-in from two places"));
    let again = form(&look.body, MAPPING, "[name='priority.High']");
    let pick = "pick $.properties.incidentNumber";
    let picked = ada.send(MAPPING, &with(&again, &[("do", pick)])).await;
    let rows = form(&picked.body, MAPPING, "[name='priority.High']");
    let value = |name: &str| rows.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(value("source.0"), Some("$.properties.incidentNumber"));
    assert_eq!(value("team"), Some("1"), "what was chosen before stays");
    assert!(picked.body.contains("In that incident"));
    // A template with its preview, then saved.
    let typed =
        with(&rows, &[("source.0", "{$.properties.severity}: {$.properties.title}"), ("field.0", "m:category_2")]);
    let previewed = ada.send(MAPPING, &with(&typed, &[("do", "look")])).await;
    assert!(previewed.body.contains("High: Sign-in from two places"), "{}", previewed.body);
    assert_eq!(ada.send(MAPPING, &typed).await.status.as_u16(), 303);
    assert!(ada.file().await.contains("template = \"{$.properties.severity}: {$.properties.title}\""));
    assert_eq!(ada.stage.writes(), 0);
}

#[tokio::test]
async fn what_a_draft_would_do_is_shown_before_it_is_saved() {
    let mut ada = Person::new().await;
    for title in ["One", "Two"] {
        ada.stage.act("incident.create", json!({ "title": title, "severity": "Low" }));
    }
    ada.stage.pass(60);
    let before = ada.policies().await;
    let page = ada.page(MAPPING).await;
    let shown = form(&page, MAPPING, "[name='priority.High']");
    let asked = ada.send(MAPPING, &with(&shown, &[("do", "what-if"), ("priority.Low", "")])).await;
    let text: String = Html::parse_document(&asked.body).root_element().text().collect();
    assert!(text.contains("2 would get a ticket"), "{text}");
    let looked_at = ada.stage.test.app.installation().await.unwrap().workspaces[0].name.clone();
    assert!(text.contains(&format!("Of the workspace {looked_at}.")), "{text}");
    assert!(text.contains("Tickets would lack"), "{text}");
    assert_eq!((ada.policies().await, ada.stage.writes()), (before, 0));
}

#[tokio::test]
async fn a_ticket_type_brings_its_own_priorities() {
    let mut ada = Person::new().await;
    let page = ada.page("/set-up/mapping?policy=standard&ticket_type=1").await;
    let html = Html::parse_document(&page);
    let offered: Vec<String> = html
        .select(&all("select[name='priority.High'] option"))
        .map(|option| option.text().collect::<String>())
        .collect();
    assert_eq!(offered, ["No priority", "Critical", "High", "Medium", "Low"], "not those of another SLA");
    assert!(form(&page, MAPPING, "[name='priority.High']").contains(&("ticket_type".to_owned(), "1".to_owned())));
}

#[tokio::test]
async fn taking_a_ticket_type_keeps_what_was_typed() {
    let mut ada = Person::new().await;
    let before = ada.policies().await;
    let page = ada.page(MAPPING).await;
    let shown = form(&page, MAPPING, "[name='priority.High']");
    let button = all("form[method=post] button[name='do'][value='type']");
    assert_eq!(Html::parse_document(&page).select(&button).count(), 1, "it is a button of the form itself");
    let typed = [("ticket_type", "1"), ("team", "1"), ("field.0", "m:category_2"), ("source.0", "typed <kept>")];
    let taken = ada.send(MAPPING, &with(&with(&shown, &typed), &[("do", "type")])).await;
    assert_eq!(taken.status.as_u16(), 200, "{}", taken.body);
    let again = form(&taken.body, MAPPING, "[name='priority.High']");
    let value = |name: &str| again.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    for (name, kept) in typed {
        assert_eq!(value(name), kept, "{name}");
    }
    // each severity has a priority of that type's SLA, and no other is offered
    let offered = |severity: &str| -> Vec<String> {
        let html = Html::parse_document(&taken.body);
        let options = all(&format!("select[name='priority.{severity}'] option"));
        html.select(&options).map(|option| option.text().collect::<String>()).collect()
    };
    for severity in ["High", "Medium", "Low", "Informational"] {
        assert_eq!(offered(severity), ["No priority", "Critical", "High", "Medium", "Low"], "{severity}");
        assert!(!value(&format!("priority.{severity}")).is_empty(), "{severity}");
    }
    assert_eq!((ada.policies().await, ada.stage.writes()), (before, 0));
}

/// Every rule that the applied file has, each with a value that is not its default; some of what is named Halo does not have.
const EVERY_RULE: &str = r#"
[[policy]]
name = "standard"
ticket_type = "Security Incident"
notes = "outcomes"
note_outcomes = ["Private Note", "An outcome of old"]
priorities = { High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }
priorities_back = { "P1 - Critical" = "High" }
statuses = { New = "New", Active = "In Progress", Closed = "Closed" }
statuses_back = { "On Hold" = "Active", "A status of old" = "Active" }
closed_statuses = ["Resolved", "Another status of old"]
team = "A team of old"
category = "A category of old"
agent = "An agent of old"
agents = { "ann@contoso.example" = "Amira Haddad", "bo@contoso.example" = "Somebody of old" }
requester = 4711
incident_id_field = "CFSentinelIncidentId"
classification_field = "CFSentinelClassification"
missing_verdict = { classification = "Undetermined", comment = "Closed without a word." }
outcome = "Private Note"
notes_private = false
approve = ["reopen", "severity-down"]
drift = { only_in_sentinel = "heal", only_in_halo = "ignore", value = "ask", lost_comment = "heal", wrong_client = "ignore" }
link_comment = false
adopt = true
push = { ticket_types = ["Incident", "A type of old"], outcomes = ["Private Note"], although_joined = true }
digest_from = 70
reopened = { in_sentinel = "new-ticket", in_halo = "ask" }
after_closing = { comments = "note-only", fields = "note-only" }
flips_per_hour = 9
evidence = false
tickets_per_hour = 33
group = { by = ["analytics-rule", "main-entity"], hours = 48, most = 5 }
late_alerts = "ignore"
severity = { direction = "both", when = "on-create", wins = "ask" }
status = { direction = "to-halo", when = "always", wins = "halo" }
owner = { direction = "none", when = "always", wins = "sentinel" }
title = { direction = "both", when = "always", wins = "ask" }
labels = { field = "CFAffectedAsset", direction = "both", when = "always" }

[policy.include]
severity = ["High", "Med*"]
product = ["Microsoft Defender*", "Azure Sentinel"]
owner = ["unassigned"]

[policy.exclude]
status = ["Closed"]
label = ["test", "tuning-*"]
title = ["*[synthetic]*, with a comma"]
analytics_rule = ["5f1c2f2e-98d6-4f0b-9d5f-f0a3a1c7d001"]

[policy.classifications]
"true positive - suspicious activity" = { classification = "TruePositive", reason = "SuspiciousActivity", comment = "As found." }
"a choice of old" = { classification = "Undetermined" }

[[policy.fields]]
field = "CFSentinelLink"
path = "$.properties.incidentUrl"
when = "on-create"
wins = "ask"

[[policy.fields]]
field = "CFOfOld"
text = "kept"
direction = "none"

[[policy.fields]]
member = "impact"
text = "2"
"#;

#[tokio::test]
async fn no_rule_of_a_policy_is_lost_when_its_page_is_saved() {
    let mut ada = Person::new().await;
    // Halo's look-ups are read once, so that the page knows what there is
    ada.page(MAPPING).await;
    let app = &ada.stage.test.app;
    let options = configuration::ReadOptions { offline: true, ..Default::default() };
    let reading = configuration::read(EVERY_RULE, Some(&app.store), false, &options).await.unwrap();
    let wanted = reading.applied.unwrap_or_else(|| panic!("{:#?}", reading.faults));
    configuration::apply(&app.store, &wanted, false, ada.stage.test.now(), &*app.ids).await.unwrap();
    let before = ada.policies().await;
    let page = ada.page(MAPPING).await;
    assert!(page.contains("A team of old (Halo does not offer it)"), "it is shown as it is");
    let shown = form(&page, MAPPING, "[name='priority.High']");
    // nothing is changed, three times over
    for _ in 0..3 {
        let seen = mark_of(&mut ada).await;
        let answer = ada.send(MAPPING, &with(&shown, &[("anyway", "on"), ("seen", &seen)])).await;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.body);
        assert_eq!(ada.policies().await, before, "every rule is as it was");
    }
    // a page that asks for something on the way loses nothing either
    let asked = ada.send(MAPPING, &with(&shown, &[("do", "walk")])).await;
    let again = form(&asked.body, MAPPING, "[name='priority.High']");
    let answer = ada.send(MAPPING, &with(&again, &[("anyway", "on")])).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.body);
    assert_eq!(ada.policies().await, before);
    assert_eq!(ada.stage.writes(), 0);
}

/// The mark that the page carries now.
async fn mark_of(ada: &mut Person) -> String {
    let page = ada.page(MAPPING).await;
    let entries = form(&page, MAPPING, "[name='priority.High']");
    entries.into_iter().find(|(name, _)| name == "seen").expect("a mark").1
}

/// A rule of the page: what is typed, and the line of the file that it becomes.
type Rule = (&'static [(&'static str, &'static str)], &'static str);

const RULES: &[Rule] = &[
    (&[("include.severity", "High\r\nMed*")], "include = { severity = [\"High\", \"Med*\"] }"),
    (&[("exclude.title", "*[synthetic]*")], "exclude = { title = [\"*[synthetic]*\"] }"),
    (&[("tickets_per_hour", "33")], "tickets_per_hour = 33"),
    (
        &[("group.by.host", "on"), ("group.hours", "48"), ("group.most", "5")],
        "group = { by = [\"host\"], hours = 48, most = 5 }",
    ),
    (&[("pback.1", "High")], "priorities_back = { \"P1 - Critical\" = \"High\" }"),
    (&[("closed.8", "on")], "closed_statuses = [\"Resolved\"]"),
    (&[("title", "both"), ("title.when", "always"), ("title.wins", "ask")], "title = { direction = \"both\""),
    (&[("owner.wins", "sentinel")], "wins = \"sentinel\""),
    (&[("reopened.in_sentinel", "new-ticket")], "in_sentinel = \"new-ticket\""),
    (&[("reopened.in_halo", "ask")], "in_halo = \"ask\""),
    (&[("after.comments", "note-only")], "comments = \"note-only\""),
    (&[("flips_per_hour", "9")], "flips_per_hour = 9"),
    (&[("requester", "affected-user")], "requester = \"affected-user\""),
    (&[("requester", "user"), ("requester_id", "4711")], "requester = 4711"),
    (&[("notes", "flagged"), ("note_flag", "important")], "note_flag = \"important\""),
    (&[("notes", "outcomes"), ("note_outcome.{Private Note}", "on")], "note_outcomes = [\"Private Note\"]"),
    (&[("notes_private", "")], "notes_private = false"),
    (&[("evidence", "")], "evidence = false"),
    (&[("late_alerts", "ignore")], "late_alerts = \"ignore\""),
    (&[("digest_from", "70")], "digest_from = 70"),
    (&[("labels", "{CFAffectedAsset}"), ("labels.direction", "both")], "field = \"CFAffectedAsset\""),
    (&[("incident_id_field", "{CFSentinelIncidentId}")], "incident_id_field = \"CFSentinelIncidentId\""),
    (&[("approve.close", "on")], "approve = [\"close\"]"),
    (&[("drift.lost_comment", "heal")], "lost_comment = \"heal\""),
    (&[("push.type.1", "on"), ("push.although_joined", "on")], "push = { although_joined = true, ticket_types"),
    (&[("adopt", "on")], "adopt = true"),
];

#[tokio::test]
async fn every_rule_can_be_set_on_the_page() {
    let mut ada = Person::new().await;
    ada.page(MAPPING).await;
    let halo = ada.stage.halo().await;
    let (catalogue, _) = ada.stage.test.app.store.catalogue(halo).await.unwrap().expect("look-ups are kept");
    let outcome = catalogue.outcomes.iter().find(|row| row.name == "Private Note").unwrap().id;
    let field = |name: &str| catalogue.fields.iter().find(|row| row.name == name).map(|row| format!("c:{}", row.id));
    for (change, line) in RULES {
        let page = ada.page(MAPPING).await;
        let mut typed = form(&page, MAPPING, "[name='priority.High']");
        for (name, value) in *change {
            let name = name.replace("{Private Note}", &outcome.to_string());
            let value = match value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(named) => field(named).unwrap(),
                None => (*value).to_owned(),
            };
            typed = with(&typed, &[(&name, &value)]);
            // a box that is not ticked is not sent
            let unticked = value.is_empty();
            typed.retain(|(known, _)| *known != name || !unticked);
        }
        let answer = ada.send(MAPPING, &with(&typed, &[("anyway", "on")])).await;
        assert_eq!(answer.status.as_u16(), 303, "{change:?}: {}", answer.body);
        let file = ada.file().await;
        let words: String = line.split_whitespace().collect();
        let packed: String = file.split_whitespace().collect();
        assert!(packed.contains(&words), "{line} is not in {file}");
    }
    assert_eq!(ada.stage.writes(), 0);
}

#[tokio::test]
async fn polling_and_webhooks_are_set_from_their_page() {
    let mut ada = Person::new().await;
    let id = ada.stage.workspace().await.to_string();
    let page = ada.page(IMPORT).await;
    let polling = form(&page, IMPORT, "[name='poll_secs']");
    for (value, words) in [("soon", "which is no whole number. Enter one from 30 to 86400"), ("5", "30")] {
        let typed = with(&polling, &[("do", "polling"), ("poll_secs", value)]);
        let answer = ada.send(IMPORT, &typed).await;
        refused(&answer, words);
        assert!(answer.body.contains(&format!("value=\"{value}\"")), "typed is kept: {}", answer.body);
    }
    let answer = ada.send(IMPORT, &with(&polling, &[("do", "polling"), ("poll_secs", "300")])).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, IMPORT), "{}", answer.body);
    assert!(ada.file().await.contains("poll_secs = 300"));
    let quick = form(&ada.page(IMPORT).await, IMPORT, "[type='hidden'][name='poll_secs']");
    let answer = ada.send(IMPORT, &with(&quick, &[("do", "polling")])).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, IMPORT), "{}", answer.body);
    assert!(ada.file().await.contains("poll_secs = 60"));
    assert!(!ada.page(IMPORT).await.contains("Poll every minute"), "it is as quick as that");
    // This console is at a loopback address: the plan says that Azure cannot reach it.
    let page = ada.page(&format!("{IMPORT}?plan={id}")).await;
    assert!(page.contains("Azure cannot reach this console") && page.contains("Logic App Halobridge-"));
    let own = form(&page, IMPORT, "[name='secret']");
    refused(
        &ada.send(IMPORT, &with(&own, &[("do", "secret"), ("secret", "short")])).await,
        "at least 20 characters. Nothing was changed.",
    );
    let secret = "a secret of my own, long enough";
    let answer = ada.send(IMPORT, &with(&own, &[("do", "secret"), ("secret", secret)])).await;
    let plan = format!("{IMPORT}?plan={id}#plan");
    assert_eq!((answer.status.as_u16(), answer.location()), (303, plan.as_str()), "{}", answer.body);
    let page = ada.page(IMPORT).await;
    assert!(page.contains(&format!("/hooks/sentinel/{id}")) && !page.contains(secret));
    let hook = ada.stage.test.hook(&format!("/hooks/sentinel/{id}"), &[("x-halobridge-secret", secret)], "{}").await;
    assert_eq!(hook.status.as_u16(), 202);
    let template = ada.stage.test.page(&mut ada.browser, &format!("{IMPORT}/template?workspace={id}")).await;
    assert_eq!(template.status.as_u16(), 200);
    assert!(template.headers["content-disposition"].to_str().unwrap().contains("halobridge-logic-app.json"));
    assert!(!template.body.contains(secret));
    // An act that does not exist is none.
    let answer = ada.send(IMPORT, &[("do".into(), "explode".into())]).await;
    assert_eq!(answer.status.as_u16(), 404);
}

#[tokio::test]
async fn one_click_goes_live_and_one_goes_back() {
    let mut ada = Person::new().await;
    ada.stage.act("incident.create", json!({ "title": "One", "severity": "Low" }));
    ada.stage.pass(60);
    let id = ada.stage.workspace().await;
    let page = ada.page(&format!("{LIVE}?plan={id}")).await;
    let text: String = Html::parse_document(&page).root_element().text().collect();
    assert!(text.contains("1 would get a ticket"), "{text}");
    let ready = form(&page, LIVE, "[name='mode']");
    assert!(ready.contains(&("workspace".to_owned(), id.to_string())), "it is ticked: {ready:?}");
    let none: Vec<(String, String)> = ready.iter().filter(|(name, _)| name != "workspace").cloned().collect();
    refused(&ada.send(LIVE, &none).await, "Choose at least one workspace");
    assert_eq!(ada.send(LIVE, &with(&ready, &[("seen", "0000")])).await.status.as_u16(), 409);
    refused(&ada.send(LIVE, &with(&ready, &[("mode", "")])).await, "From now on is missing");
    let mode = async |ada: &Person| ada.stage.test.app.installation().await.unwrap().workspaces[0].mode;
    assert_eq!(mode(&ada).await, Mode::Observe);
    let answer = ada.send(LIVE, &ready).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.body);
    assert_eq!(mode(&ada).await, Mode::TwoWay);
    let page = ada.page(LIVE).await;
    let name = ada.stage.test.app.installation().await.unwrap().workspaces[0].name.clone();
    assert!(page.contains(&format!("Live now, both ways: {name} (")), "{page}");
    let again = ada.page(&format!("{LIVE}?plan={id}")).await;
    assert!(again.contains("is live already: its first cycle is behind it") && !again.contains("would get a ticket"));
    let back = with(&form(&page, LIVE, "[name='mode']"), &[("workspace", &id.to_string()), ("mode", "observe")]);
    assert_eq!(ada.send(LIVE, &back).await.status.as_u16(), 303);
    assert_eq!(mode(&ada).await, Mode::Observe);
    assert_eq!(ada.stage.writes(), 0);
}

#[tokio::test]
async fn a_halo_instance_is_tested_from_its_page() {
    let mut ada = Person::new().await;
    let id = ada.stage.halo().await;
    let page = ada.page("/set-up/halo").await;
    let test = form(&page, "/set-up/halo/test", "[name='connection']");
    let answer = ada.send("/set-up/halo/test", &with(&test, &[("do", "read")])).await;
    assert_eq!(answer.location(), format!("/set-up/halo?connection={id}#test"), "{}", answer.body);
    let page = ada.page("/set-up/halo").await;
    assert!(page.contains("Halo takes client id and secret.") && page.contains("Everything is done as the agent"));
    assert_eq!(ada.stage.writes(), 0);
    let test = form(&page, "/set-up/halo/test", "[name='connection']");
    ada.send("/set-up/halo/test", &with(&test, &[("do", "write")])).await;
    let page = ada.page("/set-up/halo").await;
    assert!(page.contains("No test ticket was made"), "a client has to be chosen");
    let html = Html::parse_document(&page);
    let client =
        html.select(&all("select[name='client'] option")).nth(2).unwrap().value().attr("value").unwrap().to_owned();
    drop(html);
    ada.send("/set-up/halo/test", &with(&test, &[("do", "write"), ("client", &client)])).await;
    let page = ada.page("/set-up/halo").await;
    assert!(page.contains("was made and read back") && page.contains("was deleted again"), "{page}");
    // what was chosen is chosen again
    let again = form(&page, "/set-up/halo/test", "[name='connection']");
    let value = |entries: &[(String, String)], name: &str| {
        entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(value(&again, "client"), client);
    for name in ["ticket_type", "outcome"] {
        assert_eq!(value(&again, name), value(&test, name), "{name}");
    }
}

#[tokio::test]
async fn a_test_ticket_is_taken_away_even_if_who_asked_for_it_hangs_up() {
    let mut ada = Person::new().await;
    let page = ada.page("/set-up/halo").await;
    let test = form(&page, "/set-up/halo/test", "[name='connection']");
    ada.send("/set-up/halo/test", &with(&test, &[("do", "read")])).await;
    let page = ada.page("/set-up/halo").await;
    let test = form(&page, "/set-up/halo/test", "[name='connection']");
    let ready = {
        let html = Html::parse_document(&page);
        let client = html.select(&all("select[name='client'] option")).nth(2).unwrap();
        with(&test, &[("do", "write"), ("client", client.value().attr("value").unwrap())])
    };
    let twin = ada.stage.twin.clone();
    let called = |method: &str| {
        let list = twin.with(|world, _| world.calls.list(0, None, 1_000));
        let tickets = |row: &&serde_json::Value| row["path"].as_str().unwrap().to_lowercase().contains("/api/tickets");
        list["calls"].as_array().unwrap().iter().filter(tickets).filter(|row| row["method"] == method).count()
    };
    twin.with(|world, _| world.latency_ms = 5);
    {
        let mut sending = std::pin::pin!(ada.send("/set-up/halo/test", &ready));
        while called("POST") == 0 {
            let polled = futures::poll!(sending.as_mut()).map(|answer| answer.body);
            assert!(polled.is_pending(), "it ended before a ticket was made: {polled:?}");
            tokio::task::yield_now().await;
        }
    }
    // Nobody waits for the answer any more.
    let taken_away = async {
        while called("DELETE") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), taken_away).await.expect("the ticket is taken away");
}

#[tokio::test]
async fn a_halo_instance_that_does_not_tell_where_to_sign_in_is_saved() {
    let mut ada = Person::new().await;
    let page = ada.page("/set-up/halo").await;
    let stored = form(&page, "/set-up/halo", "[name='resource_server']");
    let unserved = json!({ "effect": "status", "status": 404, "kind": "halo.authinfo.list" });
    let unserved = halobridge::twin::faults::Fault::from_json(&unserved).unwrap();
    ada.stage.twin.with(|world, _| world.faults.add(unserved));
    let answer = ada.send("/set-up/halo", &stored).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.body);
}

#[tokio::test]
async fn a_halo_instance_that_is_typed_wrong_is_refused_at_its_field() {
    let mut ada = Person::new().await;
    let page = ada.page("/set-up/halo").await;
    let stored = form(&page, "/set-up/halo", "[name='resource_server']");
    for (field, value, words) in [
        ("tenant", "nobody", "Halo says that the tenant"),
        (
            "client_secret",
            "9d3f6f0a-3f44-4d0c-9a51-1f8f0c8b1c11-9d3f6f0a-3f44-4d0c-9a51-1f8f0c8b1c11",
            "Make a new secret",
        ),
        ("oauth_client_id", "halobridge", "not the form of Halo's client ids"),
        ("authorisation_server", "https://twin.example/nowhere/auth", "Authorisation Server"),
        ("resource_server", "twin.example/halo/api", "is not a web address"),
    ] {
        let answer = ada.send("/set-up/halo", &with(&stored, &[(field, value)])).await;
        refused(&answer, words);
        assert!(!answer.body.contains("9d3f6f0a"), "a secret never comes back");
        let problem = format!("id=\"{field}-problem\"");
        assert!(answer.body.contains(&problem), "{field} is marked");
    }
}
