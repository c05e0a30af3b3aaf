//! What was learnt of a pair while a call was under way stays when its answer says what both sides agree on by it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::pair::Base;

use super::fields::{owner, severity, status, title};

/// What is agreed on after a call: `grounds` is what was when it set out, `told` follows from that by what the call came to,
/// and `now` is what is known by the time of its answer. What the call does not concern stays as it was learnt meanwhile. A
/// field that it concerns is taken as a whole, its two halves and when they moved: of two halves from different moments
/// nobody could say that they were ever agreed on.
pub fn merged(grounds: &Base, told: &Base, now: &Base) -> Base {
    let marks = |base: &Base, name: &str| {
        (base.moves.get(name).cloned(), base.joined.contains(name), base.unsettled.get(name).copied())
    };
    let marked = |name: &str| marks(grounds, name) != marks(told, name);
    let concerned = [
        (severity::NAME, (&grounds.severity, grounds.priority_id) != (&told.severity, told.priority_id)),
        (
            status::NAME,
            (&grounds.incident_status, grounds.status_id, grounds.ticket_closed)
                != (&told.incident_status, told.status_id, told.ticket_closed),
        ),
        (owner::NAME, (&grounds.owner, grounds.agent_id) != (&told.owner, told.agent_id)),
        (title::NAME, (&grounds.title, &grounds.summary) != (&told.title, &told.summary)),
    ];
    let whole = |name: &str| concerned.iter().any(|(known, valued)| *known == name && (*valued || marked(name)));
    let of = |name: &str| if whole(name) { told } else { now };
    let (severity, status, owner, title) = (of(severity::NAME), of(status::NAME), of(owner::NAME), of(title::NAME));
    let all = [grounds, told, now];
    // Which labels both have says nothing of another place than where they were seen.
    let as_before = (&told.labels, told.labels_in) == (&grounds.labels, grounds.labels_in);
    let labelled = if as_before { now } else { told };
    Base {
        severity: severity.severity.clone(),
        priority_id: severity.priority_id,
        incident_status: status.incident_status.clone(),
        status_id: status.status_id,
        ticket_closed: status.ticket_closed,
        owner: owner.owner.clone(),
        agent_id: owner.agent_id,
        title: title.title.clone(),
        summary: title.summary.clone(),
        labels: labelled.labels.clone(),
        labels_in: labelled.labels_in,
        fields: map(all, |base| &base.fields, |_| false),
        moves: map(all, |base| &base.moves, |name| whole(name)),
        flips: one(all, |base| &base.flips),
        joined: set(all, |base| &base.joined, |name| whole(name)),
        unsettled: map(all, |base| &base.unsettled, |name| whole(name)),
        linked: one(all, |base| &base.linked),
        foreign: set(all, |base| &base.foreign, |_| false),
        unarrived: set(all, |base| &base.unarrived, |_| false),
        emptied: one(all, |base| &base.emptied),
        deleted: set(all, |base| &base.deleted, |_| false),
        alerts: alerts(all),
        replaced: set(all, |base| &base.replaced, |_| false),
        left: set(all, |base| &base.left, |_| false),
        unsaid: one(all, |base| &base.unsaid),
        unsaid_back: one(all, |base| &base.unsaid_back),
        verdict: one(all, |base| &base.verdict),
        own_closing: one(all, |base| &base.own_closing),
        spent: one(all, |base| &base.spent),
        refused_owner: one(all, |base| &base.refused_owner),
        kept: map(all, |base| &base.kept, |_| false),
        kept_names: map(all, |base| &base.kept_names, |_| false),
        frozen: one(all, |base| &base.frozen),
        held_open: one(all, |base| &base.held_open),
        ticketed: one(all, |base| &base.ticketed),
        affected: one(all, |base| &base.affected),
        looked_up: one(all, |base| &base.looked_up),
    }
}

/// One member: as told, unless that is as it was.
fn one<T: Clone + PartialEq>(all: [&Base; 3], member: impl Fn(&Base) -> &T) -> T {
    let [grounds, told, now] = all;
    let from = if member(told) == member(grounds) { now } else { told };
    member(from).clone()
}

/// The same key by key; those that are `whole` always as told.
fn map<K: Ord + Clone, V: Clone + PartialEq>(
    all: [&Base; 3],
    member: impl Fn(&Base) -> &BTreeMap<K, V>,
    whole: impl Fn(&K) -> bool,
) -> BTreeMap<K, V> {
    let [grounds, told, now] = all.map(member);
    let keys: BTreeSet<&K> = told.keys().chain(now.keys()).collect();
    let taken = |key: &K| {
        let from = if whole(key) || told.get(key) != grounds.get(key) { told } else { now };
        from.get(key).map(|value| (key.clone(), value.clone()))
    };
    keys.into_iter().filter_map(taken).collect()
}

/// The same of what is in a set.
fn set<T: Ord + Clone>(
    all: [&Base; 3],
    member: impl Fn(&Base) -> &BTreeSet<T>,
    whole: impl Fn(&T) -> bool,
) -> BTreeSet<T> {
    let [grounds, told, now] = all.map(member);
    let taken = |one: &&T| {
        let from = if whole(one) || told.contains(*one) != grounds.contains(*one) { told } else { now };
        from.contains(*one)
    };
    told.union(now).filter(taken).cloned().collect()
}

/// Alerts that the ticket tells of by either are told: beside those of the answer what was learnt meanwhile.
fn alerts(all: [&Base; 3]) -> Option<BTreeSet<String>> {
    let [grounds, told, now] = all;
    let known = grounds.alerts.clone().unwrap_or_default();
    match (one(all, |base| &base.alerts), &told.alerts, &now.alerts) {
        (Some(_), Some(told), Some(now)) => Some(told | &(now - &known)),
        (alerts, ..) => alerts,
    }
}
