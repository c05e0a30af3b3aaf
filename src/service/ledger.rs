//! The ledger's page.

use std::{
    collections::{HashMap, HashSet},
    sync::PoisonError,
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{App, caller::Caller, error::ServiceError, fault, names, unlinked, words};
use crate::{
    domain::{
        account::Scope,
        ids::{ClientId, PairId, UserId},
        view::{
            ledger::{ChainRow, ChainState, LedgerFilter, LedgerView, TimelineEntry},
            list::{self, Listed, Rows},
        },
    },
    ledger::{
        entry::{Broken, Chain, Seq},
        fact::Fact,
    },
    store::{self, Installation, StoreError},
};

/// A chain that was checked counts as checked for this long.
const CHECKED_FOR: SignedDuration = SignedDuration::from_secs(60);
/// Entries of a download that are read at once.
const PART_ROWS: u32 = 500;
/// A page waits this long for a check.
const CHECK_WITHIN: Duration = Duration::from_secs(3);

/// Names of all facts, as the filter offers them.
const FACTS: [&str; 29] = [
    "actions-read",
    "backfill-moved",
    "base-agreed",
    "comments-read",
    "cursor-moved",
    "decided",
    "delivery-handled",
    "delivery-received",
    "drift-found",
    "evidence-read",
    "halo-cursor-moved",
    "human-act",
    "incident-held",
    "incident-read",
    "note-linked",
    "operation-moved",
    "operation-planned",
    "pair-judged",
    "pair-opened",
    "paused",
    "record-gone",
    "resumed",
    "run-ended",
    "shadow-compared",
    "survivor-found",
    "ticket-linked",
    "ticket-read",
    "unlinked",
    "unreadable",
];

/// The page's view: the chosen chain's entries, newest first, and whether the chain holds.
///
/// # Errors
/// `NotFound` for a client outside the scope.
pub async fn view(app: &App, caller: &Caller, filter: LedgerFilter) -> Result<LedgerView, ServiceError> {
    if let Some(client) = filter.client {
        caller.see(client)?;
    }
    let installation = app.installation().await?;
    let chains = chains(caller, &installation);
    let chosen = chosen(caller, &chains, filter.client);
    let mut rows = Vec::with_capacity(chains.len());
    for (client, name) in chains {
        rows.push(chain(app, client, name, client == chosen).await?);
    }
    let entries = if rows.is_empty() {
        Ok(Listed::default())
    } else {
        entries(app, caller, &installation, chosen, &filter).await
    };
    Ok(LedgerView {
        filter: LedgerFilter { client: chosen, ..filter },
        chains: rows,
        facts: FACTS.iter().map(|fact| (*fact).to_owned()).collect(),
        entries,
    })
}

/// Chains that the caller may see, the installation's first.
fn chains(caller: &Caller, installation: &Installation) -> Vec<(Option<ClientId>, String)> {
    let mut chains = Vec::new();
    if caller.scope == Scope::All {
        chains.push((None, "Installation".to_owned()));
    }
    let seen = installation.clients.iter().filter(|client| caller.scope.allows(Some(client.id)));
    chains.extend(seen.map(|client| (Some(client.id), client.name.clone())));
    chains
}

/// Who may not see the installation's chain reads the first one they may see.
fn chosen(caller: &Caller, chains: &[(Option<ClientId>, String)], asked: Option<ClientId>) -> Option<ClientId> {
    asked.or_else(|| match caller.scope {
        Scope::All => None,
        Scope::Clients(_) => chains.first().and_then(|(client, _)| *client),
    })
}

/// Entries of the page's chain and filter as data, newest first, and where the next part begins.
///
/// # Errors
/// `NotFound` for a client outside the scope; the ledger cannot be read.
pub async fn part(
    app: &App,
    caller: &Caller,
    filter: &LedgerFilter,
) -> Result<(Vec<Value>, Option<String>), ServiceError> {
    if let Some(client) = filter.client {
        caller.see(client)?;
    }
    let installation = app.installation().await?;
    let chains = chains(caller, &installation);
    if chains.is_empty() {
        return Ok((Vec::new(), None));
    }
    let (items, older) = items(app, caller, chosen(caller, &chains, filter.client), filter, PART_ROWS).await?;
    let names = names_in(app, &items).await?;
    let foreign = foreign(app, caller, &installation, &items).await?;
    let rows = items.into_iter().map(|item| {
        let entry = item.entry.clone();
        let hidden = foreign.contains(&entry.seq);
        let data = item.fact.as_ref().filter(|_| !hidden).and_then(words::data);
        let told = if hidden { words::withheld(&entry) } else { words::entry(item, &names, true) };
        json!({
            "seq": entry.seq.0,
            "chain": entry.chain.to_string(),
            "chain_seq": entry.chain_seq,
            "at": entry.at.to_string(),
            "fact": entry.fact,
            "pair": told.pair.map(|pair| pair.to_string()),
            "who": told.who,
            "words": told.words,
            "data": data,
            "prev": hex::encode(entry.prev.0),
            "hash": hex::encode(entry.hash.0),
        })
    });
    Ok((rows.collect(), older))
}

/// The chosen chain is checked, entry by entry; of the others only the end is read.
async fn chain(app: &App, client: Option<ClientId>, name: String, check: bool) -> Result<ChainRow, ServiceError> {
    let chain = Chain::of(client);
    let head = app.store.head(chain).await.map_err(|e| fault("read a chain", &e))?;
    let state = if check { state(app, chain).await? } else { ChainState::Unchecked };
    Ok(ChainRow { client, name, entries: names::count(head.chain_seq), head: hex::encode(head.hash.0), state })
}

/// Whether the chain holds. A long one takes a while, so the answer is good for a minute, and one that takes
/// longer than a page may stays unchecked here (`halobridge doctor` takes its time).
async fn state(app: &App, chain: Chain) -> Result<ChainState, ServiceError> {
    let now = app.clock.now();
    let kept = app.kept.chains.lock().unwrap_or_else(PoisonError::into_inner).get(&chain).copied();
    if let Some((at, state)) = kept
        && now.duration_since(at).abs() < CHECKED_FOR
    {
        return Ok(state);
    }
    let state = match tokio::time::timeout(CHECK_WITHIN, app.store.verify(chain)).await {
        Err(_) => ChainState::Unchecked,
        Ok(Ok(_)) => ChainState::Whole { at: now },
        Ok(Err(StoreError::Ledger(broken))) => {
            tracing::error!(%broken, "a chain of the ledger does not hold");
            ChainState::Broken { seq: place(&broken) }
        }
        Ok(Err(error)) => return Err(fault("check a chain", &error)),
    };
    app.kept.chains.lock().unwrap_or_else(PoisonError::into_inner).insert(chain, (now, state));
    Ok(state)
}

/// The first entry that does not fit; of a chain that was cut, the number its end should have.
fn place(broken: &Broken) -> i64 {
    match broken {
        Broken::Changed { seq, .. } | Broken::Gap { seq, .. } | Broken::Body { seq, .. } => seq.0,
        Broken::Cut { expected, .. } => *expected,
    }
}

async fn entries(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    client: Option<ClientId>,
    filter: &LedgerFilter,
) -> Rows<TimelineEntry> {
    let read = async {
        let (page, older) = items(app, caller, client, filter, names::PAGE_ROWS).await?;
        let names = names_in(app, &page).await?;
        let foreign = foreign(app, caller, installation, &page).await?;
        let row = |item: store::Item| match foreign.contains(&item.entry.seq) {
            true => words::withheld(&item.entry),
            false => words::entry(item, &names, true),
        };
        let rows = page.into_iter().map(row).collect();
        Ok::<_, ServiceError>(Listed::at(&filter.from, rows, None, older))
    };
    read.await.map_err(|error| names::trouble(&error))
}

async fn items(
    app: &App,
    caller: &Caller,
    client: Option<ClientId>,
    filter: &LedgerFilter,
    rows: u32,
) -> Result<(Vec<store::Item>, Option<String>), ServiceError> {
    let asked = store::LedgerFilter {
        fact: (!filter.fact.is_empty()).then(|| filter.fact.clone()),
        chain: Some(Chain::of(client)),
        scope: caller.scope.clone(),
        ..store::LedgerFilter::default()
    };
    let after = list::key(&filter.from).parse().ok().map(Seq);
    let mut page = app.store.ledger_page(&asked, after, rows + 1).await.map_err(|e| fault("read the ledger", &e))?;
    let more = page.len() > rows as usize;
    page.truncate(rows as usize);
    let older = page.last().filter(|_| more).map(|item| item.entry.seq.0.to_string());
    Ok((page, older))
}

/// Those of the entries that tell of a workspace which a client outside the caller's scope has by now.
async fn foreign(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    items: &[store::Item],
) -> Result<HashSet<Seq>, ServiceError> {
    let mut found = HashSet::new();
    if caller.scope == Scope::All {
        return Ok(found);
    }
    let mut pairs: HashMap<PairId, bool> = HashMap::new();
    for item in items {
        let seen = match (item.fact.as_ref().and_then(Fact::workspace), item.entry.pair) {
            (Some(workspace), _) => names::see_workspace(installation, caller, workspace).is_ok(),
            (None, None) => true,
            (None, Some(pair)) => match pairs.get(&pair).copied() {
                Some(seen) => seen,
                None => {
                    let seen = unlinked::lies_in_sight(app, caller, installation, pair).await?;
                    pairs.insert(pair, seen);
                    seen
                }
            },
        };
        if !seen {
            found.insert(item.entry.seq);
        }
    }
    Ok(found)
}

/// What the ids in these entries stand for.
///
/// # Errors
/// The store cannot be read.
pub async fn names_in(app: &App, items: &[store::Item]) -> Result<words::Names, ServiceError> {
    let mut names = words::Names { people: people(app).await?, ..words::Names::default() };
    for item in items {
        if let Some(Fact::OperationMoved { operation, .. }) = item.fact
            && !names.operations.contains_key(&operation)
            && let Some(found) = app.store.operation(operation).await.map_err(|e| fault("read an operation", &e))?
        {
            names.operations.insert(operation, found.kind.words());
        }
    }
    Ok(names)
}

/// Sign-in names by id, and the names of programs' tokens.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn people(app: &App) -> Result<HashMap<UserId, String>, ServiceError> {
    let users = app.store.users().await.map_err(|e| fault("read accounts", &e))?;
    let tokens = app.store.api_tokens().await.map_err(|e| fault("read tokens", &e))?;
    let programs = tokens.into_iter().map(|token| (token.id, format!("{} (API token)", token.name)));
    Ok(users.into_iter().map(|user| (user.id, user.name)).chain(programs).collect())
}
