//! Where sources disagree, or the real behaviour is not known: switches. Each default is the most
//! probable behaviour (Sentinel sheet, section 11).

/// Switches that take one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("put_answer", &["whole", "bare", "empty"]),
    ("app_author", &["absent", "null"]),
    ("open_classification", &["dropped", "kept", "refused"]),
];

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $default:expr;)*) => {
        /// Every switch of Microsoft's side.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Switches {
            $($(#[$doc])* pub $name: $kind,)*
        }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Switches {
            /// Sets a switch by name; `Ok(false)` when there is none of that name.
            ///
            /// # Errors
            /// When the value does not fit the switch.
            pub fn set(&mut self, name: &str, value: &str) -> Result<bool, String> {
                if let Some((_, words)) = WORDS.iter().find(|(one, _)| *one == name).filter(|(_, w)| !w.contains(&value)) {
                    return Err(format!("{name} takes one of {}, not {value:?}", words.join(", ")));
                }
                match name {
                    $(stringify!($name) => {
                        // `on` and `off` are as good as `true` and `false`.
                        let word = match (stringify!($kind), value) {
                            ("bool", "on" | "yes" | "1") => "true",
                            ("bool", "off" | "no" | "0") => "false",
                            _ => value,
                        };
                        self.$name = word
                            .parse::<$kind>()
                            .map_err(|_| format!("{name} takes a {}, not {value:?}", stringify!($kind)))?;
                        Ok(true)
                    })*
                    _ => Ok(false),
                }
            }

            /// Every switch and its value.
            pub fn to_json(&self) -> serde_json::Value {
                let mut all = serde_json::Map::new();
                $(all.insert(stringify!($name).to_owned(), serde_json::Value::from(self.$name.clone()));)*
                serde_json::Value::Object(all)
            }
        }
    };
}

switches! {
    /// An update without `owner` keeps the owner instead of unassigning.
    put_keeps_owner: bool = false;
    /// An update without `labels` keeps them.
    put_keeps_labels: bool = false;
    /// An update without `description` keeps it.
    put_keeps_description: bool = false;
    /// An update without the classification members keeps them.
    put_keeps_classification: bool = false;
    /// An update without the activity times keeps them.
    put_keeps_activity_times: bool = true;
    /// An update of a known incident without an etag is refused with 409.
    missing_etag_conflicts: bool = false;
    /// An update with an etag of an incident that is not there (any more) is refused with 409 instead of making it.
    unknown_etag_conflicts: bool = false;
    /// Status of the refusal of a stale version: 409, or 412 (never reported, but not excluded).
    conflict_status: u16 = 409;
    /// The version is told in the `ETag` header alone, not in the body.
    etag_in_header: bool = false;
    /// What a write of an incident is answered with: `whole`, `bare` (id and name alone) or `empty`.
    put_answer: String = "whole".to_owned();
    /// Code of the 404 for an incident that is not there.
    missing_incident_code: String = "NotFound".to_owned();
    /// Text of that 404; `{name}` stands for the incident's name. Where code and text are empty, so is the body.
    missing_incident_text: String = "Incident '{name}' was not found".to_owned();
    /// Mail address and sign-in name of an application that wrote something: `absent` or `null`.
    app_author: String = "absent".to_owned();
    /// A label that was assigned automatically stays so when it is sent back by name; else it is a person's.
    labels_keep_auto: bool = true;
    /// Classification members sent with another status than Closed: `dropped`, `kept` or `refused`.
    open_classification: String = "dropped".to_owned();
    /// `additionalData` (counts, tactics) is told.
    counts_told: bool = true;
    /// A list without rows comes as `{"value": null}`.
    empty_lists_null: bool = false;
    /// A list in the order of modification is refused; the order of creation is not (section 13, question 7).
    modified_order_refused: bool = false;
    /// `$orderby` is ignored: lists come newest first.
    order_ignored: bool = false;
    /// A `$filter` of incidents with `or` in it is refused.
    or_refused: bool = false;
    /// `If-Match` is compared (412) instead of ignored.
    if_match_honoured: bool = false;
    /// Editing a comment moves the incident's etag and modification time.
    comment_edit_bumps: bool = false;
    /// Deleting a comment moves them.
    comment_delete_bumps: bool = true;
    /// Writing a task moves them.
    task_write_bumps: bool = false;
    /// Comments an incident may have.
    comments_max: usize = 100;
    /// Status of the refusal beyond that.
    comments_max_status: u16 = 400;
    /// Text of the refusal beyond that.
    comments_max_text: String = "The incident has reached the maximum number of comments (100)".to_owned();
    /// Characters a comment may have.
    comment_length_max: usize = 30_000;
    /// An incident takes 64,000 characters, 20 bookmarks and 150 alerts, a workspace 512 automation rules: 400 beyond.
    limits_kept: bool = true;
    /// A description above 5,000 characters is refused.
    description_limited: bool = true;
    /// Changing a comment without its etag is refused with 409.
    comment_etag_needed: bool = false;
    /// An owner not in the user table is refused.
    unknown_owner_refused: bool = true;
    /// A reason that does not belong to the classification is refused.
    wrong_reason_refused: bool = true;
    /// `Undetermined` with a reason is refused.
    undetermined_reason_refused: bool = true;
    /// Incidents of a page when `$top` is not given.
    page_default: usize = 50;
    /// Largest page of incidents; a larger `$top` is trimmed without a word.
    incident_page_max: usize = 1_000;
    /// `$skipToken` counts rows: what moves or goes between two pages makes the next one leave a row out.
    skip_by_offset: bool = false;
    /// `$top` above 1,000 is refused instead of cut.
    top_refused: bool = false;
    /// Seconds until alerts and entities of a new incident show.
    evidence_delay_s: i64 = 0;
    /// Writes by a delegated token are refused with a claims challenge unless it came from multi-factor sign-in.
    mfa_on_writes: bool = false;
    /// Every sign-in and refresh is refused with 50076.
    mfa_on_sign_in: bool = false;
    /// People's tokens given before it was set are refused with a claims challenge (401, `insufficient_claims`).
    claims_challenge: bool = false;
    /// The promised floor of 75 and 100 calls per five minutes is also the ceiling.
    promised_floor: bool = false;
    /// Buckets as large as recordings show (1,100 reads, 800 writes) instead of the documented 250 and 200.
    large_buckets: bool = false;
    /// 429 comes without `Retry-After`.
    throttle_silent: bool = false;
    /// Workspace ids are listed in lower case.
    lower_case_ids: bool = true;
    /// Rows of one page of discovery lists.
    discovery_page: usize = 1_000;
    /// The other tenants' subscriptions are delegated to the first one (Azure Lighthouse).
    lighthouse: bool = false;
    /// Sign-in needs no click.
    auto_approve: bool = true;
    /// Error that authorize comes back with, when not empty.
    authorize_error: String = String::new();
    /// Seconds an access token lives; 0 draws 3,600 to 5,400 as the real service does.
    token_life_s: i64 = 0;
    /// While no certificate is registered, an assertion is taken by its claims alone, whoever signed it.
    any_certificate: bool = true;
    /// The application may be a public client: a device code, a code with its verifier and a refresh need no secret.
    public_client: bool = false;
    /// A deployment has ended when its `PUT` is answered; else it says `Accepted`, and `Running` to the first who asks.
    deployments_at_once: bool = false;
    /// The application has no consent in any tenant until admin consent is given (65001).
    consent_missing: bool = false;
    /// The Log Analytics API has no service principal in any tenant (650052).
    log_analytics_missing: bool = false;
    /// Workspaces are managed in the Defender portal: provider, links, titles, merges, delays.
    defender: bool = false;
    /// Seconds until a Defender incident shows in Sentinel.
    defender_delay_s: i64 = 60;
    /// Preview members `mergedIncidentNumber` and `mergedIncidentUrl` name a merge's target.
    merged_incident_members: bool = false;
    /// The label of an incident that was merged away, as Defender spells it.
    redirected_label: String = "Redirected".to_owned();
    /// Seconds until automation rules run; -1 is the portal's own wait: none in Azure, 300 in Defender, where changes
    /// within it collapse into one event.
    automation_delay_s: i64 = -1;
    /// The trigger body's `objectEventType` for updates.
    update_event_type: String = "Update".to_owned();
    /// `incidentUpdates` also tells `updatedTime`, and the `comments`, `labels` and `tactics` that were added.
    update_details: bool = false;
    /// A logic app's calls carry its `x-ms-` headers (workflow, run, correlation).
    workflow_headers: bool = true;
    /// Saving a rule needs the application "Azure Security Insights" to have its role on the playbook's group.
    playbook_role_needed: bool = false;
    /// Seconds until a change shows in the log tables.
    log_lag_s: i64 = 180;
    /// Log queries answer 200 with `PartialError`.
    log_partial_error: bool = false;
}
