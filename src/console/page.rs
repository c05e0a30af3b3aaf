//! The pages, by name.

use leptos::prelude::*;

use super::{context::PageContext, pages, words};
use crate::domain::{
    text,
    view::{
        account::AccountView,
        accounts::AccountsView,
        approvals::ApprovalsView,
        backfill::BackfillsView,
        connections::ConnectionsView,
        dashboard::DashboardView,
        disconnect::DisconnectView,
        drift::DriftView,
        entrance::{ConsentView, SetUpView, SignInView},
        errand::ErrandView,
        failed::{DropView, FailedKind, FailedView},
        form::FormView,
        help::HelpView,
        ledger::LedgerView,
        look_up::LookUpView,
        not_linked::{LinkingView, NotLinkedView},
        pair::PairView,
        pair_errands::{PairErrandView, PairErrandsView},
        palette::PaletteView,
        problems::ProblemsView,
        rebuild::RebuildView,
        replay::ReplayView,
        runs::RunsView,
        saved::SavedViewsView,
        set_up::{StepContent, StepView, StepsView},
        shadow::ShadowView,
        tickets::TicketsView,
        tokens::TokensView,
        unlinked::UnlinkedView,
        versions::VersionsView,
    },
};

/// Longest heading in a document's title: tabs, histories and bookmarks show far less.
const TITLE_MAX: usize = 120;

/// A page with everything it shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// The first admin is made.
    SetUp(SetUpView),
    /// Sign-in.
    SignIn(SignInView),
    /// An administrator of a tenant came back from the consent link.
    Consent(ConsentView),
    /// The steps of the set-up.
    Steps(Box<StepsView>),
    /// One step of the set-up.
    Step(Box<StepView>),
    /// The documentation that comes with the program.
    Help(Box<HelpView>),
    /// Linked incidents.
    Dashboard(Box<DashboardView>),
    /// Incidents without a ticket, and why.
    NotLinked(Box<NotLinkedView>),
    /// One of them is linked by hand.
    Linking(Box<LinkingView>),
    /// What Halo's own integration missed, doubled and carried over late.
    Shadow(Box<ShadowView>),
    /// Writes that wait for a person's approval.
    Approvals(Box<ApprovalsView>),
    /// What full readings found.
    Drift(Box<DriftView>),
    /// Old incidents that get their tickets after all.
    Backfill(Box<BackfillsView>),
    /// One pair.
    Pair(Box<PairView>),
    /// One that was taken apart.
    Unlinked(Box<UnlinkedView>),
    /// One act at many pairs: its plan, or how far it is.
    Errand(Box<PairErrandView>),
    /// The last ones.
    Errands(Box<PairErrandsView>),
    /// What asks for a person.
    Problems(Box<ProblemsView>),
    /// What was read when.
    Runs(Box<RunsView>),
    /// Ways to the outside systems.
    Connections(Box<ConnectionsView>),
    /// One of them is taken out again.
    Disconnect(Box<DisconnectView>),
    /// Versions of the configuration.
    Versions(Box<VersionsView>),
    /// One ticket, looked up by its number.
    Tickets(Box<TicketsView>),
    /// One incident, looked up by its number, id or address.
    LookUp(Box<LookUpView>),
    /// Accounts of people.
    Accounts(Box<AccountsView>),
    /// Saved views of lists.
    Views(Box<SavedViewsView>),
    /// Tokens of programs.
    Tokens(Box<TokensView>),
    /// The ledger.
    Ledger(Box<LedgerView>),
    /// The reader's own account.
    Account(Box<AccountView>),
    /// "Drop this operation?"
    Drop(Box<DropView>),
    /// Dead letters before they are tried again, each with its plan.
    Replay(Box<ReplayView>),
    /// Everything that one can go to or do, by its name.
    Palette(Box<PaletteView>),
    /// A pair before it is rebuilt from both sides.
    Rebuild(Box<RebuildView>),
    /// A page that says no.
    Failed(FailedView),
}

impl Page {
    /// The heading, without the product's name.
    pub fn heading(&self) -> String {
        match self {
            Self::SetUp(_) => "Set up the first admin".into(),
            Self::SignIn(_) => "Sign in".into(),
            Self::Consent(view) if view.given => "Consent was given".into(),
            Self::Consent(_) => "Consent was not given".into(),
            Self::Steps(_) => "Set-up".into(),
            Self::Step(view) => view.step.name().into(),
            Self::Help(view) => view.open.as_ref().map_or_else(|| "Help".into(), |open| open.title.clone()),
            Self::Dashboard(_) => "Linked incidents".into(),
            Self::NotLinked(_) => "Incidents not linked".into(),
            Self::Linking(_) => "Link by hand".into(),
            Self::Shadow(_) => "Shadow mode".into(),
            Self::Approvals(_) => "Approvals".into(),
            Self::Drift(_) => "Drift".into(),
            Self::Backfill(_) => "Backfill".into(),
            Self::Pair(view) => pages::pair::name(view),
            Self::Unlinked(view) => pages::pair::titled(view.number, &view.title),
            Self::Errand(view) if view.errand.begun.is_none() => "Plan for several at once".into(),
            Self::Errand(_) => "Errand".into(),
            Self::Errands(_) => "Errands".into(),
            Self::Problems(_) => "Problems".into(),
            Self::Runs(_) => "Runs".into(),
            Self::Connections(_) => "Connections".into(),
            Self::Disconnect(_) => "Disconnect".into(),
            Self::Versions(_) => "Configuration".into(),
            Self::Tickets(_) => "Look a ticket up".into(),
            Self::LookUp(_) => "Look an incident up".into(),
            Self::Accounts(view) if view.changing.is_some() => format!("Account {}", view.form.value("name")),
            Self::Accounts(_) => "Accounts".into(),
            Self::Views(view) if view.changing.is_some() => "Change a saved view".into(),
            Self::Views(_) => "Saved views".into(),
            Self::Tokens(_) => "API tokens".into(),
            Self::Ledger(_) => "Ledger".into(),
            Self::Account(_) => "Account".into(),
            Self::Drop(_) => "Drop this operation?".into(),
            Self::Replay(_) => "Try again".into(),
            Self::Palette(_) => "Go to".into(),
            Self::Rebuild(_) => "Rebuild from both sides".into(),
            Self::Failed(view) => pages::failed::heading(view.kind).into(),
        }
    }

    /// The document's title, with what matters most in front: a tab shows little of it.
    pub fn title(&self, ctx: &PageContext) -> String {
        let failed = self.forms().into_iter().any(|form| !form.problems.is_empty());
        let stopped = ctx.pulse.as_ref().is_some_and(|pulse| !pulse.alive);
        let state = match self {
            _ if failed => "Error: ".to_owned(),
            _ if stopped => "Engine stopped: ".to_owned(),
            Self::Pair(view) => format!("{}: ", words::standing(view.sync, view.health)),
            Self::Unlinked(_) => "Unlinked: ".to_owned(),
            _ => ctx.needs_you.filter(|&count| count > 0).map_or_else(String::new, |count| format!("({count}) ")),
        };
        format!("{state}{} · Halobridge", text::cut(&self.heading(), TITLE_MAX))
    }

    fn forms(&self) -> Vec<&FormView> {
        match self {
            Self::SetUp(view) => vec![&view.form],
            Self::SignIn(view) => vec![&view.form],
            Self::Account(view) => vec![&view.password_form],
            Self::Dashboard(view) => vec![&view.refused],
            Self::Linking(view) => vec![&view.form],
            Self::Disconnect(view) => vec![&view.form],
            Self::Versions(view) => vec![&view.form],
            Self::Tickets(view) => vec![&view.form],
            Self::LookUp(view) => vec![&view.form],
            Self::Accounts(view) => vec![&view.form],
            Self::Views(view) => vec![&view.form],
            Self::Tokens(view) => vec![&view.form],
            Self::Step(view) => view.content.form().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The HTTP status of the page when nothing else is known: 422 for a form that came back.
    pub fn status(&self) -> u16 {
        match self {
            Self::Failed(view) => match view.kind {
                FailedKind::NotFound => 404,
                FailedKind::SignedOut => 401,
                FailedKind::Forbidden => 403,
                FailedKind::Invalid => 400,
                FailedKind::Conflict => 409,
                FailedKind::TooMany => 429,
                FailedKind::Busy => 503,
                FailedKind::Slow => 504,
                FailedKind::Internal => 500,
            },
            _ if self.forms().into_iter().any(|form| !form.problems.is_empty()) => 422,
            _ => 200,
        }
    }

    /// Address of the parts that change while the page is open; `None` if there are none.
    pub fn fragment(&self, ctx: &PageContext) -> Option<String> {
        let live = matches!(
            self,
            Self::Dashboard(_)
                | Self::NotLinked(_)
                | Self::Shadow(_)
                | Self::Approvals(_)
                | Self::Drift(_)
                | Self::Backfill(_)
                | Self::Pair(_)
                | Self::Unlinked(_)
                | Self::Errand(_)
                | Self::Errands(_)
                | Self::Problems(_)
                | Self::Runs(_)
                | Self::Connections(_)
        ) || self.errand().is_some();
        let joint = if ctx.address.contains('?') { '&' } else { '?' };
        live.then(|| format!("{}{joint}fragment=1", ctx.address))
    }

    /// The errand on it.
    fn errand(&self) -> Option<&ErrandView> {
        match self {
            Self::Step(view) => match &view.content {
                StepContent::Import(import) => import.errand.as_ref(),
                _ => None,
            },
            _ => None,
        }
    }

    /// What stands in `<main>`.
    pub fn body(&self, ctx: &PageContext) -> AnyView {
        match self {
            Self::SetUp(view) => pages::entrance::set_up(ctx, view),
            Self::SignIn(view) => pages::entrance::sign_in(ctx, view),
            Self::Consent(view) => pages::entrance::consent(ctx, *view),
            Self::Steps(view) => pages::set_up::list(ctx, view),
            Self::Step(view) => pages::set_up::step(ctx, view),
            Self::Help(view) => pages::help::body(view),
            Self::Dashboard(view) => pages::dashboard::body(ctx, view),
            Self::NotLinked(view) => pages::not_linked::body(ctx, view),
            Self::Linking(view) => pages::linking::body(ctx, view),
            Self::Shadow(view) => pages::shadow::body(ctx, view),
            Self::Approvals(view) => pages::approvals::body(ctx, view),
            Self::Drift(view) => pages::drift::body(ctx, view),
            Self::Backfill(view) => pages::backfill::body(ctx, view),
            Self::Pair(view) => pages::pair::body(ctx, view),
            Self::Unlinked(view) => pages::unlinked::body(ctx, view),
            Self::Errand(view) => pages::errands::one(ctx, view),
            Self::Errands(view) => pages::errands::all(ctx, view),
            Self::Problems(view) => pages::problems::body(ctx, view),
            Self::Runs(view) => pages::runs::body(ctx, view),
            Self::Connections(view) => pages::connections::body(ctx, view),
            Self::Disconnect(view) => pages::disconnect::body(ctx, view),
            Self::Versions(view) => pages::versions::body(ctx, view),
            Self::Tickets(view) => pages::tickets::body(ctx, view),
            Self::LookUp(view) => pages::look_up::body(ctx, view),
            Self::Accounts(view) => pages::accounts::body(ctx, view),
            Self::Views(view) => pages::saved::body(ctx, view),
            Self::Tokens(view) => pages::tokens::body(ctx, view),
            Self::Ledger(view) => pages::ledger::body(ctx, view),
            Self::Account(view) => pages::account::body(ctx, view),
            Self::Drop(view) => pages::failed::drop(ctx, view),
            Self::Replay(view) => pages::replay::body(ctx, view),
            Self::Palette(view) => pages::palette::body(ctx, view),
            Self::Rebuild(view) => pages::rebuild::body(ctx, view),
            Self::Failed(view) => pages::failed::body(ctx, view),
        }
    }

    /// The parts that change while the page is open.
    pub fn live(&self, ctx: &PageContext) -> AnyView {
        match self {
            Self::Dashboard(view) => pages::dashboard::live(ctx, view),
            Self::NotLinked(view) => pages::not_linked::live(ctx, view),
            Self::Shadow(view) => pages::shadow::live(ctx, view),
            Self::Approvals(view) => pages::approvals::live(ctx, view),
            Self::Drift(view) => pages::drift::live(ctx, view),
            Self::Backfill(view) => pages::backfill::live(ctx, view),
            Self::Pair(view) => pages::pair::live(ctx, view),
            Self::Unlinked(view) => pages::unlinked::live(ctx, view),
            Self::Errand(view) => pages::errands::live(ctx, view),
            Self::Errands(view) => pages::errands::all_live(ctx, view),
            Self::Problems(view) => pages::problems::live(ctx, view),
            Self::Runs(view) => pages::runs::live(ctx, view),
            Self::Connections(view) => pages::connections::live(ctx, view),
            _ => self.errand().map(|errand| pages::set_up::errand::live(ctx, errand)).into_any(),
        }
    }
}
