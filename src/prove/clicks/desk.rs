//! What waits for a person, and what an admin makes of it: dead letters that are tried again or dropped, writes that are
//! approved or refused, questions that are answered. Some also let only comments cross for a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{AGAIN, ANSWER, APPROVE, DROP, MODE, NONE_BELOW, REFUSE, RETRY, Spot, ada, unmade::Unmade};
use crate::{
    domain::{
        account::Scope,
        approval::WriteKind,
        decision::Decision,
        failure::Side,
        ids::{OperationId, PairId},
        operation::{Operation, OperationState},
        policy::ReopenRule,
        reason::Reason,
        view::{
            approvals::ApprovalRow,
            pair::{ChoiceView, PairView},
        },
        workspace::Mode,
    },
    prove::{
        copies::marks_in,
        dice::Dice,
        seldom::{self, Apart, Rare},
        story::Who,
        watch::IncidentKey,
        world::{Broken, Event, World},
    },
    service::{
        App, acts, approvals, decisions,
        go_live::{self, Start},
        pairs,
    },
    store::DeadLetter,
};

/// Dead letters, or pairs that wait, on one page.
pub(super) const LISTED: u32 = 500;
/// When nobody does anything any more, the admin looks so often at what waits.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// So many times.
const LOOKS: u32 = 9;
/// In so many of them what was refused is tried once more.
const TRIES: u32 = 4;

/// Whether an admin sees to what waits in the world of a seed. They are worlds of their own, with unusual policies or with what
/// seldom happens: nobody presses anything else there.
pub fn sees_to(seed: u64) -> bool {
    (seed >= NONE_BELOW && seed % 8 == 5) || seldom::happens(seed)
}

/// The admin at their desk.
pub struct Desk {
    dice: Dice,
    /// How often, beside something that others do, they look at what waits.
    often: f64,
    /// How often they have looked since nobody does anything any more.
    looks: u32,
    /// Whether they change the modes of workspaces.
    changes_modes: bool,
    /// Workspaces in which only comments cross, each by an incident of it, and until when.
    only_comments: Vec<(Timestamp, IncidentKey)>,
}

impl Desk {
    /// The one of the world of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "decides");
        let changes_modes = dice.chance(0.4) && sees_to(seed) && !seldom::happens(seed);
        let often = if sees_to(seed) { 0.2 } else { 0.0 };
        Self { dice, often, looks: 0, changes_modes, only_comments: Vec::new() }
    }
}

/// A dead letter that was tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// When that last was, in the order of things.
    pub order: u64,
    /// How often it had been sent by then.
    attempts: u32,
    /// When it had been given up.
    died: Timestamp,
}

/// One side's value of a field that an admin took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// When, in the order of things.
    pub order: u64,
    /// Which field.
    pub field: String,
    /// Whose value.
    pub side: Side,
}

/// What an admin made of what waited.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// Dead letters that were tried again.
    pub retried: BTreeMap<OperationId, Retried>,
    /// Dead letters that were dropped.
    pub dropped: BTreeSet<OperationId>,
    /// Whose value was taken of what both sides had changed, by incident.
    pub taken: BTreeMap<IncidentKey, Vec<Taken>>,
    /// What they said of words that were to be shown to the end user, by incident and mark of the words: when in the order of
    /// things, and whether they let them.
    pub shown: BTreeMap<(IncidentKey, String), Vec<(u64, bool)>>,
    /// When the workspaces start, where that is not when the world begins.
    pub start: Option<Timestamp>,
    /// Tickets that are not to be made, by incident.
    pub unmade: BTreeMap<IncidentKey, Unmade>,
    /// When incidents and tickets that had been pairs were none.
    pub apart: BTreeMap<IncidentKey, Vec<Apart>>,
    /// How often the operations of their pairs had been sent by then, by what they are.
    pub sent: BTreeMap<(IncidentKey, &'static str), u32>,
    /// In the end they answered all that waited for an answer.
    pub answered: bool,
}

impl Decided {
    /// How often an operation was sent before somebody had it tried again: from then on it counts anew.
    pub fn sent_before(&self, operation: &Operation) -> u32 {
        let Some(retried) = self.retried.get(&operation.id) else { return 0 };
        // A process that ended before it took that up knows nothing of it.
        let untouched = matches!(operation.state, OperationState::Dead { at, .. } if at == retried.died);
        if untouched { 0 } else { retried.attempts }
    }

    /// Whether a side's value of a field was taken before a moment in the order of things. It holds whenever both sides say
    /// again what they said then.
    pub fn took(&self, key: &IncidentKey, field: &str, side: Side, before: u64) -> bool {
        let taken = self.taken.get(key).map_or(&[][..], Vec::as_slice);
        taken.iter().any(|one| one.field == field && one.side == side && one.order < before)
    }

    fn said_of(&self, key: &IncidentKey, mark: &str) -> &[(u64, bool)] {
        self.shown.get(&(key.clone(), mark.to_owned())).map_or(&[][..], Vec::as_slice)
    }

    /// Whether words were refused when somebody was last asked about them.
    pub fn refused(&self, key: &IncidentKey, mark: &str) -> bool {
        self.said_of(key, mark).last().is_some_and(|(_, lets)| !lets)
    }

    /// Whether words were let later than others that had been written after them.
    pub fn let_later(&self, key: &IncidentKey, words: &str, after: &str) -> bool {
        let lets = |mark| self.said_of(key, mark).iter().filter(|(_, lets)| *lets).map(|(order, _)| *order);
        lets(words).max().zip(lets(after).min()).is_some_and(|(first, second)| first > second)
    }

    fn tried(&mut self, operation: &Operation, order: u64) {
        let OperationState::Dead { at: died, .. } = operation.state else { return };
        let sent = self.sent_before(operation);
        self.retried.insert(operation.id, Retried { order, attempts: sent + operation.attempts, died });
    }
}

/// One of a list.
pub(super) fn one_of<T>(mut rows: Vec<T>, pick: u64) -> Option<T> {
    let n = pick.checked_rem(rows.len() as u64)?;
    Some(rows.swap_remove(usize::try_from(n).ok()?))
}

/// One of the dead letters, as the page lists them.
async fn dead_letter(app: &App, pick: u64) -> Option<DeadLetter> {
    one_of(app.store.dead_page(&Scope::All, None, LISTED).await.ok()?.rows, pick)
}

/// The pairs that need somebody, as the inbox lists them.
async fn needing(app: &App) -> Option<Vec<PairId>> {
    let found = app.store.needing_pairs(&Scope::All, LISTED).await.ok()?;
    Some(found.into_iter().map(|pair| pair.id).collect())
}

/// What a pair asks. The admin stands by what they refused.
fn asked(view: &PairView) -> impl Iterator<Item = &ChoiceView> {
    view.choices.iter().filter(|choice| !matches!(choice.reason, Reason::Rejected { .. }))
}

impl World {
    /// Now and then an admin looks at what waits. It is drawn by itself: what everybody else does stays the same.
    pub(in crate::prove) fn admin_sees_to_it(&mut self) {
        self.let_all_cross_again();
        let desk = &mut self.people.desk;
        if desk.dice.chance(desk.often) {
            let (what, changes_modes) = (desk.dice.below(12), desk.changes_modes);
            match what {
                0..=5 => self.press_answer(),
                6..=8 => self.press_retry(),
                9 => self.press_drop(),
                _ if changes_modes => self.press_only_comments(),
                _ => {}
            }
        }
    }

    /// In a workspace in which everything crosses only comments do, for minutes to hours.
    fn press_only_comments(&mut self) {
        let secs = self.people.desk.dice.spread(60.0, 3.0 * 3_600.0) as i64;
        let Some(key) = self.people.desk.dice.pick(&self.people.raised).cloned() else { return };
        let all_cross = self.shape.places.get(key.0).is_some_and(|place| place.mode == Mode::TwoWay.as_str());
        let changed = self.people.desk.only_comments.iter().any(|(_, other)| other.0 == key.0);
        if all_cross && !changed && self.press_mode(&key, Mode::CommentOnly) {
            let until = self.now() + SignedDuration::from_secs(secs);
            self.people.desk.only_comments.push((until, key));
        }
    }

    fn let_all_cross_again(&mut self) {
        let now = self.now();
        for (until, key) in std::mem::take(&mut self.people.desk.only_comments) {
            if until > now {
                self.people.desk.only_comments.push((until, key));
            } else if !self.press_mode(&key, Mode::TwoWay) {
                self.people.desk.only_comments.push((now + AGAIN, key));
            }
        }
    }

    /// Whether the incident's workspace has the mode now.
    fn press_mode(&mut self, key: &IncidentKey, mode: Mode) -> bool {
        let changed = self.press_at(key, move |app: App, spot: Spot| async move {
            let (_, mark) = go_live::rows(&app, &ada()).await.ok()?;
            let workspaces = [spot.workspace.id];
            go_live::go(&app, &ada(), &workspaces, mode, Start::AsObserved, &mark).await.ok()
        });
        if changed.is_some() {
            self.people.hand.clicks.pressed(MODE);
            self.tell(Who::Admin, format!("sets the workspace of incident {} to {}", key.1, mode.as_str()));
        }
        changed.is_some()
    }

    /// A question that waits on a pair is answered.
    fn press_answer(&mut self) {
        let pick = self.people.desk.dice.below(1 << 20);
        let view = self.press(move |app: App| async move {
            let pair = one_of(needing(&app).await?, pick)?;
            pairs::view(&app, &ada(), pair, "").await.ok()
        });
        let Some(view) = view else { return };
        let asked: Vec<ChoiceView> = asked(&view).cloned().collect();
        if let Some(choice) = self.people.desk.dice.pick(&asked).cloned() {
            self.answer_question(&view, &choice);
        }
    }

    /// So are all of them.
    fn press_answer_all(&mut self) {
        for pair in self.press(|app: App| async move { needing(&app).await }).unwrap_or_default() {
            let view = self.press(move |app: App| async move { pairs::view(&app, &ada(), pair, "").await.ok() });
            let Some(view) = view else { continue };
            for choice in asked(&view) {
                self.answer_question(&view, choice);
            }
        }
    }

    fn answer_question(&mut self, view: &PairView, choice: &ChoiceView) {
        if self.merges_as_proposed(&choice.reason) {
            return;
        }
        let into = self.key_of(view).and_then(|key| self.merged_into(&key));
        let Some(decision) = self.chosen(choice, into.as_deref()) else { return };
        let (pair, sent) = (view.id, decision.clone());
        let shown = self.words_to_be_shown(pair, &decision);
        let answered =
            self.press(move |app: App| async move { decisions::decide(&app, &ada(), pair, Some(sent)).await.ok() });
        if answered.is_none() {
            return;
        }
        let order = self.watch.next_order();
        if let (Decision::Take { field, side, .. }, Some(key)) = (&decision, self.key_of(view)) {
            let taken = Taken { order, field: field.clone(), side: *side };
            self.people.decided.taken.entry(key).or_default().push(taken);
        }
        if let Some(marks) = shown {
            let lets = matches!(decision, Decision::Approve { .. });
            self.people.seldom.answered(lets);
            for mark in marks {
                let Some(key) = self.key_of(view) else { continue };
                self.people.decided.shown.entry((key, mark)).or_default().push((order, lets));
            }
        }
        self.people.seldom.decided(&decision);
        let what = match &decision {
            Decision::Approve { .. } => APPROVE,
            Decision::Reject { .. } => REFUSE,
            _ => ANSWER,
        };
        self.people.hand.clicks.pressed(what);
        self.tell(Who::Admin, format!("answers for incident {}: {}", view.incident, decision.words()));
    }

    /// The marks of the words in a note for the end user that an answer is about; `None` when it is about none.
    fn words_to_be_shown(&self, pair: PairId, decision: &Decision) -> Option<Vec<String>> {
        if !self.people.seldom.has(Rare::Visible) {
            return None;
        }
        let asked = decision.clone();
        let differences = self.press(move |app: App| async move {
            let waiting = approvals::page(&app, &ada(), "", 1_000).await.ok()?;
            let this = |row: &ApprovalRow| row.pair == pair && (row.approve == asked || row.reject == asked);
            let row = waiting.rows.into_iter().find(this)?;
            row.kinds.contains(&WriteKind::ClientVisibleNote).then_some(row.differences)
        })?;
        let texts = differences.iter().map(|difference| difference.to.as_str());
        Some(texts.flat_map(marks_in).map(str::to_owned).collect())
    }

    /// The incident of a pair.
    fn key_of(&self, view: &PairView) -> Option<IncidentKey> {
        let at = |place: usize| self.shape.places.get(place).map(|place| place.workspace.as_str()).unwrap_or_default();
        let of_it =
            |key: &&IncidentKey| key.1 == view.incident.as_str() && at(key.0).eq_ignore_ascii_case(&view.workspace);
        self.people.raised.iter().find(of_it).cloned()
    }

    /// What an admin answers. In the end they refuse nothing, and ask for nothing that may come to the same question again.
    /// `into`: name of the incident that this one was merged into.
    fn chosen(&mut self, choice: &ChoiceView, into: Option<&str>) -> Option<Decision> {
        let refuses = self.people.desk.dice.chance(0.25) && !self.calm;
        let late = self.calm && self.people.desk.looks > TRIES;
        let seldom = &self.people.seldom;
        let (follows, copies) = (seldom.has(Rare::Follows), seldom.has(Rare::Drift));
        let merges = seldom.has(Rare::Merges);
        let fits = |decision: &Decision| match decision {
            Decision::Approve { .. } => !refuses,
            Decision::Reject { .. } => refuses,
            Decision::Take { .. } | Decision::LeaveKept { .. } | Decision::LeaveName { .. } => true,
            // Where that is no rule of the policy, the onlooker could not tell which ticket is the matter's then. It gets all that
            // is said from then on, for which the last hours are too short.
            Decision::Reopening { rule, .. } => *rule != ReopenRule::NewTicket || (follows && !late),
            // A new ticket gets all that had been said, for which the last hours are too short.
            Decision::Gone { heal, .. } => !heal || !late,
            Decision::TryOwner { .. } | Decision::Thaw { .. } => !late,
            Decision::Copy { .. } => copies,
            // Of what Defender merged only the other incident tells what became of it: it is named where somebody asks the portal.
            Decision::MergedInto { incident } => merges && into == Some(incident.as_str()),
            Decision::KeepApart => merges,
            // All that is said is to be found on the other side in the end.
            Decision::LeaveUntold { .. } => false,
        };
        let answers = choice.answers.iter().filter(|answer| fits(&answer.decision));
        let fitting: Vec<Decision> = answers.map(|answer| answer.decision.clone()).collect();
        self.people.desk.dice.pick(&fitting).cloned()
    }

    /// A dead letter is tried again.
    fn press_retry(&mut self) {
        let pick = self.people.desk.dice.below(1 << 20);
        let tried = self.press(move |app: App| async move {
            let letter = dead_letter(&app, pick).await?;
            acts::retry(&app, &ada(), letter.operation.id).await.ok()?;
            Some(letter)
        });
        if let Some(letter) = tried {
            self.was_retried(&letter);
        }
    }

    /// A dead letter is dropped; not one that was to make a ticket, for nothing of its incident would cross.
    fn press_drop(&mut self) {
        let pick = self.people.desk.dice.below(1 << 20);
        let dropped = self.press(move |app: App| async move {
            let letter = dead_letter(&app, pick).await.filter(|letter| !letter.operation.kind.makes_ticket())?;
            acts::drop_operation(&app, &ada(), letter.operation.id).await.ok()?;
            Some(letter)
        });
        let Some(letter) = dropped else { return };
        self.people.decided.dropped.insert(letter.operation.id);
        self.people.hand.clicks.pressed(DROP);
        let what = letter.operation.kind.words();
        self.tell(Who::Admin, format!("drops a dead letter of incident {}: {what}", letter.incident));
    }

    /// All of them are tried again.
    fn press_retry_all(&mut self) {
        let tried = self.press(|app: App| async move {
            let mut tried = Vec::new();
            for letter in app.store.dead_page(&Scope::All, None, LISTED).await.ok()?.rows {
                if acts::retry(&app, &ada(), letter.operation.id).await.is_ok() {
                    tried.push(letter);
                }
            }
            Some(tried)
        });
        for letter in tried.into_iter().flatten() {
            self.was_retried(&letter);
        }
    }

    fn was_retried(&mut self, letter: &DeadLetter) {
        let order = self.watch.next_order();
        self.people.decided.tried(&letter.operation, order);
        self.people.hand.clicks.pressed(RETRY);
        let what = letter.operation.kind.words();
        self.tell(Who::Admin, format!("has a dead letter of incident {} tried again: {what}", letter.incident));
    }

    /// What waits when nobody does anything any more is seen to, and what that brings about an hour later.
    ///
    /// # Errors
    /// The simulation could not.
    pub(super) fn admin_clears(&mut self) -> Result<(), Broken> {
        let desk = &mut self.people.desk;
        if desk.often <= 0.0 || desk.looks >= LOOKS {
            return Ok(());
        }
        desk.looks += 1;
        let looks = desk.looks;
        if looks == 1 && desk.changes_modes {
            // An old backup may have brought back another mode than the one set last.
            desk.only_comments.clear();
            self.apply(0)?;
            self.tell(Who::Admin, "sees to it that each workspace has its mode");
        }
        if looks <= TRIES {
            self.press_retry_all();
        }
        self.press_answer_all();
        self.start_backfills();
        self.people.decided.answered = looks == LOOKS;
        self.at(self.now() + EVERY, Event::Calm);
        Ok(())
    }
}
