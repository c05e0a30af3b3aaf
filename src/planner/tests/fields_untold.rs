//! Mapped fields of which a reading, or Halo's list of fields, tells nothing.

use serde_json::json;

use super::{
    fields::maps,
    scene::{Scene, check},
};
use crate::domain::{
    catalogue::Ref,
    policy::{Direction, FieldTarget, Wins},
};

#[test]
fn a_team_that_a_row_does_not_tell_is_not_taken_for_emptied_by_an_agent() {
    fn moved(s: &mut Scene, stands: Option<&str>) {
        maps(s, FieldTarget::Member("team".into()), "$.properties.team", Direction::ToHalo);
        s.policy.fields[0].rule.wins = Wins::Ask;
        s.incident.raw = json!({ "properties": { "team": "IR" } }).into();
        s.ticket().team = stands.map(str::to_owned);
        let agreed = crate::domain::pair::Agreed { sentinel: "SOC".into(), halo: Some("SOC".into()) };
        s.pair.base.fields = [("team".to_owned(), agreed)].into();
    }
    check(&[
        ("it is not told", |s| moved(s, None), "in-step healthy -"),
        (
            "it stands as it was",
            |s| moved(s, Some("SOC")),
            "ticket team=\"IR\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an agent has emptied it",
            |s| {
                moved(s, None);
                s.ticket().raw = json!({ "id": 70, "team": "" }).into();
            },
            "behind needs-you conflict",
        ),
    ]);
}

/// A select that is named by its id: its list may be forbidden, or handed out in part.
#[test]
fn an_options_name_is_not_written_over_its_id_while_halos_list_of_fields_is_not_read() {
    fn by_id(s: &mut Scene, id: i64, title: &str, stands: &str) {
        maps(s, FieldTarget::Custom(Ref::Id(id)), "$.properties.title", Direction::ToHalo);
        s.incident.raw = json!({ "properties": { "title": title } }).into();
        s.field(id, stands);
        let agreed = crate::domain::pair::Agreed { sentinel: stands.into(), halo: Some(stands.into()) };
        s.pair.base.fields = [(id.to_string(), agreed)].into();
    }
    check(&[
        ("in step", |s| by_id(s, 112, "False alarm", "2"), "in-step healthy -"),
        (
            "the list of fields is not read",
            |s| {
                by_id(s, 112, "False alarm", "2");
                s.catalogue.fields.clear();
            },
            "behind needs-you unmapped",
        ),
        (
            "the field's options are not read",
            |s| {
                by_id(s, 112, "False alarm", "2");
                s.catalogue.fields[2].options.clear();
            },
            "behind needs-you unmapped",
        ),
        (
            "a text follows all the same",
            |s| {
                by_id(s, 120, "Impact", "Discovery");
                s.catalogue.fields.clear();
            },
            "ticket field120=\"Impact\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
    ]);
}
