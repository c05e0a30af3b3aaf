//! What both clouds send by themselves, on its way to the process that receives it.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::{
    nemesis::Nemesis,
    shape::{HOOK, ORIGIN},
    story::Who,
    world::{Event, World},
};
use crate::{
    service::intake::{self, Receipt},
    twin::wire::Outgoing,
};

/// Webhooks being received: the sender's, and what the receiver said.
#[derive(Clone, Default)]
pub struct Receipts(Rc<RefCell<BTreeMap<u64, Awaited>>>);

type Awaited = (Outgoing, Option<u16>);

impl World {
    /// Lets both clouds send webhooks, as an installation is set up.
    pub fn connect_webhooks(&mut self) {
        for place in self.shape.places.clone() {
            let body = json!({
                "workspace": place.workspace, "url": format!("{ORIGIN}/hooks/sentinel/{}", place.workspace),
                "headers": { "Authorization": format!("Bearer {HOOK}"), "Content-Type": "application/json" },
            });
            self.twin.act("webhook.set", &body);
        }
        let Some(token) = self.halo_token() else { return };
        let hook = json!([{
            "name": "Halobridge", "url": format!("{ORIGIN}/hooks/halo/desk"), "active": true, "type": 0, "method": 0,
            "content_type": "application/json", "authentication_type": 3, "authentication_header": "X-Halo-Signature",
            "basic_password": HOOK, "algorithm": 0, "batch_method": 0,
        }]);
        let made = self.outside("POST", "/halo/api/Webhook", "application/json", &token, hook.to_string());
        let Some(id) = made.and_then(|made| made.get("id").or_else(|| made.pointer("/0/id")).cloned()) else { return };
        for event in [3, 61, 76] {
            let wanted = json!([{
                "webhook_id": id, "type": -2, "delivery_method": 6, "eventno": event, "agent_id": 0, "filter_type": 2,
                "emailtemplate_id": 32, "conditions": [],
            }]);
            self.outside("POST", "/halo/api/Notification", "application/json", &token, wanted.to_string());
        }
    }

    /// A webhook leaves its cloud.
    pub fn webhook(&mut self, one: Outgoing) {
        let strength = |nemesis: Nemesis| if self.calm { 0.0 } else { self.shape.fate.of(nemesis) };
        let (lost, twice, late) =
            (strength(Nemesis::WebhookLost), strength(Nemesis::WebhookTwice), strength(Nemesis::WebhookLate));
        if self.wire_dice.chance(lost * 0.3) {
            self.coverage.struck(Nemesis::WebhookLost);
            return;
        }
        let mut copies = 1;
        if self.wire_dice.chance(twice * 0.3) {
            self.coverage.struck(Nemesis::WebhookTwice);
            copies = 2;
        }
        for _ in 0..copies {
            let mut travel = self.wire_dice.between(10, 400);
            if self.wire_dice.chance(late * 0.3) {
                self.coverage.struck(Nemesis::WebhookLate);
                travel = (self.wire_dice.spread(1.0, 1_800.0) * 1_000.0) as i64;
            }
            self.later(travel, Event::Deliver(Box::new(one.clone())));
        }
    }

    /// A webhook reaches us.
    pub fn deliver(&mut self, one: Outgoing) {
        let Some(app) = self.host(0).map(|host| host.app.clone()) else {
            self.tell(Who::Cloud, "sends a webhook to a process that does not run");
            self.twin.delivered(one, None);
            return;
        };
        self.next_receipt += 1;
        let number = self.next_receipt;
        let receipts = self.receipts.clone();
        receipts.0.borrow_mut().insert(number, (one.clone(), None));
        self.spawn(0, "a webhook".to_owned(), async move {
            let status = receive(&app, &one).await;
            if let Some(entry) = receipts.0.borrow_mut().get_mut(&number) {
                entry.1 = Some(status);
            }
        });
    }

    /// Tells the clouds what became of their webhooks.
    pub fn settle_receipts(&mut self) {
        let ended: Vec<u64> =
            self.receipts.0.borrow().iter().filter(|(_, (_, status))| status.is_some()).map(|(n, _)| *n).collect();
        for number in ended {
            let taken = self.receipts.0.borrow_mut().remove(&number);
            if let Some((one, Some(status))) = taken {
                self.tell(Who::Cloud, format!("a webhook of {} was answered {status}", one.kind));
                self.twin.delivered(one, Some(status));
            }
        }
    }

    /// The process that was receiving them is gone.
    pub fn lose_receipts(&mut self, place: usize) {
        if place != 0 {
            return;
        }
        let lost = std::mem::take(&mut *self.receipts.0.borrow_mut());
        for (one, status) in lost.into_values() {
            self.twin.delivered(one, status);
        }
    }
}

/// Receives a webhook as the server does.
async fn receive(app: &crate::service::App, one: &Outgoing) -> u16 {
    let mut headers = HeaderMap::new();
    for (name, value) in &one.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let path = one.url.strip_prefix(ORIGIN).unwrap_or_default();
    let door = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["", "hooks", "sentinel", key] => intake::sentinel_door(app, key, &headers).await,
        ["", "hooks", "halo", key] => intake::halo_door(app, key, &headers, &one.body).await,
        _ => Err(Receipt::Refused),
    };
    let receipt = match door {
        Ok(door) => intake::take(app, door, one.body.clone()).await,
        Err(receipt) => receipt,
    };
    match receipt {
        Receipt::Stored => 202,
        Receipt::Refused => 401,
        Receipt::TooLarge => 413,
        Receipt::NotStored => 503,
    }
}
