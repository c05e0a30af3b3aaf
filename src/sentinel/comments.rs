//! Comments of an incident.

use std::sync::PoisonError;

use http::Method;
use jiff::SignedDuration;

use super::{
    Place, Sentinel, Written, body,
    call::{Call, segment},
    error,
    incidents::rows_of,
    paging::Trail,
    read,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{CommentId, IncidentId},
        incident::Comment,
    },
    outbound::budget::{Class, Kind},
};

impl Sentinel {
    fn comments_call<'a>(&self, at: &'a Place, method: Method, url: String, kind: Kind, class: Class) -> Call<'a> {
        let subscription = Some(at.workspace.subscription.as_str());
        Call { tenant: &at.tenant, subscription, method, url, body: None, kind, class }
    }

    pub(super) async fn read_comments(
        &self,
        at: &Place,
        id: &IncidentId,
        class: Class,
    ) -> Result<Vec<Comment>, Failure> {
        let mut comments: Vec<Comment> = Vec::new();
        let first = self.address(at, &format!("incidents/{}/comments", segment(id.as_str())));
        let budget = self.budget(&at.workspace.subscription);
        let most = budget.most(Kind::CommentsRead, class);
        self.mind_long_list(&first, most)?;
        let mut cursor = self.comments_page(at, &first, (class, 0), &mut comments).await?;
        if cursor.is_some() {
            // Several long lists at once would take the places that each of them lacks, again and again. No person waits
            // for that.
            let _turn = if class.paced() { Some(budget.alone().await) } else { None };
            let mut pages = 1;
            while let Some(here) = cursor {
                if pages >= most {
                    return Err(self.too_long(first, pages));
                }
                cursor = self.comments_page(at, &here, (class, pages), &mut comments).await?;
                pages += 1;
            }
        }
        comments.sort_by(|a, b| a.created.cmp(&b.created).then_with(|| a.id.cmp(&b.id)));
        Ok(comments)
    }

    /// A list of more pages than a window bears: begun anew each time, it would only use up what others need. Nobody asks
    /// for it again for a while.
    fn too_long(&self, list: String, pages: u64) -> Failure {
        let now = self.clock.now();
        let mut known = self.long_lists.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (until, _)| *until > now);
        known.insert(list, (now + LONG_LIST_RESTS, pages));
        of_too_many(pages)
    }

    /// Whether a list is known to have more pages than so many.
    fn mind_long_list(&self, list: &str, most: u64) -> Result<(), Failure> {
        let known = self.long_lists.lock().unwrap_or_else(PoisonError::into_inner).get(list).copied();
        match known {
            Some((until, pages)) if pages >= most && until > self.clock.now() => Err(of_too_many(pages)),
            _ => Ok(()),
        }
    }

    /// The page that begins `here`, after so many others: gives where the next one begins.
    async fn comments_page(
        &self,
        at: &Place,
        here: &str,
        (class, pages): (Class, u64),
        comments: &mut Vec<Comment>,
    ) -> Result<Option<String>, Failure> {
        let (url, trail) = Trail::resume(&self.arm, here)?;
        let call = self.comments_call(at, Method::GET, url.clone(), Kind::CommentsRead, class);
        let answer = self.call_on(call, pages).await?;
        let mut page = answer.json()?;
        let rows = rows_of(&mut page).ok_or_else(|| answer.unreadable())?;
        for comment in rows.iter().map(read::comment) {
            if !comments.iter().any(|known| known.id == comment.id) {
                comments.push(comment);
            }
        }
        Ok(trail.next(&url, &page))
    }

    pub(super) async fn put_comment(
        &self,
        at: &Place,
        id: &IncidentId,
        comment: &CommentId,
        message: &str,
        class: Class,
    ) -> Result<Written, Failure> {
        let tail = format!("incidents/{}/comments/{}", segment(id.as_str()), segment(comment.as_str()));
        let url = self.address(at, &tail);
        let body = body::comment_body(message);
        let mut call = self.comments_call(at, Method::PUT, url.clone(), Kind::CommentWrite, class);
        call.body = Some(&body);
        match self.call(call).await {
            // Neither nothing at all, nor a page with 200, of a proxy or a sign-in, nor an empty object is anybody's word that
            // the comment stands, or that it does not: look.
            Ok(answer) => {
                if answer.json_if_any().is_some_and(|told| names(&told, comment)) {
                    return Ok(if answer.status == 201 { Written::Created } else { Written::AlreadyThere });
                }
                match self.call(self.comments_call(at, Method::GET, url, Kind::CommentsRead, class)).await {
                    Ok(there) if there.json().is_ok_and(|there| names(&there, comment)) => Ok(Written::AlreadyThere),
                    Ok(_) => Err(answer.unreadable()),
                    Err(look) if look.kind == FailureKind::Gone => Err(answer.unreadable()),
                    Err(look) => Err(look),
                }
            }
            // A PUT over an existing comment without its etag may be refused (rule 6): look whether it is there.
            Err(failure)
                if failure.kind == FailureKind::Conflict
                    || failure.status == Some(409) && failure.kind == FailureKind::Transient =>
            {
                match self.call(self.comments_call(at, Method::GET, url, Kind::CommentsRead, class)).await {
                    Ok(answer) => answer.json().map(|_| Written::AlreadyThere),
                    Err(look) if look.kind == FailureKind::Gone => Err(failure),
                    Err(look) => Err(look),
                }
            }
            // Nobody reads the incident before its comments are written: it may be gone for good.
            Err(failure) if error::leaves_open(&failure) => match self.read_incident(at, id, class).await {
                Err(look) if look.kind == FailureKind::Gone => Err(look),
                _ => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }
}

/// How long a list that is too long is not asked for.
const LONG_LIST_RESTS: SignedDuration = SignedDuration::from_hours(1);

fn of_too_many(pages: u64) -> Failure {
    let text = format!(
        "Azure hands them out on more than {pages} pages, and no more are read within five minutes. Raise the connection's \
         “writes_per_5min” where Azure allows more, or press “Look again”, which may use all of it."
    );
    Failure::new(Side::Sentinel, FailureKind::Unreadable, text)
}

/// Whether an answer is about this comment: by its name, or by the end of its ARM id.
fn names(told: &serde_json::Value, comment: &CommentId) -> bool {
    let text = |member: &str| told.get(member).and_then(serde_json::Value::as_str).unwrap_or_default();
    let last = text("id").rsplit('/').next().unwrap_or_default();
    [text("name"), last].iter().any(|name| name.eq_ignore_ascii_case(comment.as_str()))
}
