//! The admin routes: what was called, how it ended up, acts, faults, clock, limits. JSON in and out.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Twin,
    faults::Fault,
    halo::HaloOptions,
    limits::Limits,
    options::Product,
    stamp,
    wire::{Call, Reply},
};

/// Every route, for `GET /admin`.
const ROUTES: [(&str, &str); 21] = [
    ("GET /admin/connection", "the line printed at the start"),
    (
        "GET /admin/calls?since=&kind=&limit=",
        "every call received: time, side, kind, method, path, status, budget left",
    ),
    ("GET /admin/calls/summary", "counts by kind"),
    (
        "POST /admin/calls",
        "{bodies: true}: keep people's acts too, and writes and acts with what was sent and answered",
    ),
    ("DELETE /admin/calls", "forget the calls"),
    ("GET /admin/state", "end state: workspaces with incidents, Halo instances with tickets"),
    (
        "POST /admin/acts/{verb}",
        "a person's act: incident.create, incident.update, incident.comment, incident.close, incident.merge, incident.alert, incident.delete, incidents.seed, comment.edit, comment.delete, ticket.create, ticket.note, ticket.close, …, user.revoke, user.disable, tokens.expire, tokens.challenge, tokens.script, keys.rotate, secret.add, certificate.add ({jwk: {kty, n, e}}: the public key of a certificate that signs assertions), role.assign, workspace.offboard, webhook.set, …",
    ),
    ("GET /admin/faults", "the faults in force"),
    (
        "POST /admin/faults",
        "add a fault: {effect: lost_answer|cut|status|throttle|html|half_body|truncated_json|slow|stale_read, side, kind, method, path, probability, count, skip, status, applied, retry_after, html, ms}",
    ),
    ("DELETE /admin/faults[/{id}]", "remove one or all"),
    ("GET /admin/deliveries", "what was sent and how it ended"),
    (
        "POST /admin/deliveries/faults",
        "disturb deliveries: {effect: lost|duplicate|reordered|delayed|batched, kind: logic-app|halo-webhook, probability, count, ms}; batched ones of Halo's to one address are one array",
    ),
    ("DELETE /admin/deliveries/faults", "leave deliveries alone"),
    ("GET /admin/switches", "every switch and its value"),
    ("POST /admin/switches", "set switches: {name: value, …}"),
    ("GET /admin/clock", "{now, scale}"),
    ("POST /admin/clock", "{now}, {advance_s}, {scale}, {hold: true}"),
    ("POST /admin/limits", "{limits: real|off|scaled:N}"),
    ("POST /admin/latency", "{ms}"),
    ("POST /admin/halo", "add a Halo instance: {name, product: itsm|psa}"),
    ("POST /admin/reset", "the world and its clock as they were at the start; {seed} for another world"),
];

/// Answers a call below `/admin`.
pub fn handle(twin: &Twin, call: &Call) -> Reply {
    let path = call.path.trim_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let body = if call.body.is_empty() { Some(json!({})) } else { call.json() };
    let Some(body) = body else { return wrong("the body is no JSON") };
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Reply::json(
            200,
            &json!({"routes": ROUTES.iter().map(|(route, what)| json!({"route": route, "what": what})).collect::<Vec<_>>()}),
        ),
        ("GET", ["connection"]) => Reply::json(200, &twin.connection(&call.origin)),
        (_, ["calls", ..]) => calls(twin, call, &parts, &body),
        ("GET", ["state"]) => Reply::json(200, &twin.with(|world, _| world.state())),
        ("POST", ["acts", verb]) => twin.act(verb, &body),
        (_, ["faults", ..]) => call_faults(twin, call, &parts, &body),
        (_, ["deliveries", ..]) => deliveries(twin, call, &parts, &body),
        ("GET" | "POST", ["switches"]) => switches(twin, call, &body),
        ("GET", ["clock"]) => clock_json(twin),
        ("POST", ["clock"]) => set_clock(twin, &body),
        ("POST", ["limits"]) => match body.get("limits").and_then(Value::as_str).unwrap_or("").parse::<Limits>() {
            Ok(limits) => {
                twin.with(|world, _| world.set_limits(limits));
                done()
            }
            Err(text) => wrong(&text),
        },
        ("POST", ["latency"]) => match body.get("ms").and_then(Value::as_u64) {
            Some(ms) => {
                twin.with(|world, _| world.latency_ms = ms);
                done()
            }
            None => wrong("ms is a whole number from 0"),
        },
        ("POST", ["halo"]) => add_halo(twin, call, &body),
        ("POST", ["reset"]) => {
            let mut options = twin.with(|world, _| world.options().clone());
            options.seed = body.get("seed").and_then(Value::as_u64).unwrap_or(options.seed);
            twin.reset(options);
            Reply::json(200, &twin.connection(&call.origin))
        }
        _ => Reply::json(404, &json!({"error": "there is no such admin route; GET /admin lists them"})),
    }
}

fn done() -> Reply {
    Reply::json(200, &json!({"done": true}))
}

fn wrong(text: &str) -> Reply {
    Reply::json(400, &json!({ "error": text }))
}

fn calls(twin: &Twin, call: &Call, parts: &[&str], body: &Value) -> Reply {
    match (call.method.as_str(), parts) {
        ("GET", [_]) => {
            let number =
                |name: &str, default: u64| call.query(name).and_then(|text| text.parse().ok()).unwrap_or(default);
            let limit = usize::try_from(number("limit", 10_000)).unwrap_or(usize::MAX);
            Reply::json(200, &twin.with(|world, _| world.calls.list(number("since", 0), call.query("kind"), limit)))
        }
        ("GET", [_, "summary"]) => Reply::json(200, &twin.with(|world, _| world.calls.summary())),
        ("POST", [_]) => match body.get("bodies").and_then(Value::as_bool) {
            Some(keep) => {
                twin.with(|world, _| world.calls.keep_bodies(keep));
                done()
            }
            None => wrong("bodies is missing"),
        },
        ("DELETE", [_]) | ("POST", [_, "reset"]) => {
            twin.with(|world, _| world.calls.reset());
            done()
        }
        _ => Reply::json(404, &json!({"error": "there is no such admin route"})),
    }
}

fn call_faults(twin: &Twin, call: &Call, parts: &[&str], body: &Value) -> Reply {
    match (call.method.as_str(), parts) {
        ("GET", [_]) => Reply::json(200, &json!({"faults": twin.with(|world, _| world.faults.list())})),
        ("POST", [_]) => match Fault::from_json(body).and_then(|fault| twin.with(|world, _| world.knows(fault))) {
            Ok(fault) => Reply::json(200, &json!({"id": twin.with(|world, _| world.faults.add(fault))})),
            Err(text) => wrong(&text),
        },
        ("DELETE", [_]) => {
            twin.with(|world, _| world.faults.remove(None));
            done()
        }
        ("DELETE", [_, id]) => match id.parse() {
            Ok(id) => {
                twin.with(|world, _| world.faults.remove(Some(id)));
                done()
            }
            Err(_) => wrong("a fault is named by its number"),
        },
        _ => Reply::json(404, &json!({"error": "there is no such admin route"})),
    }
}

fn deliveries(twin: &Twin, call: &Call, parts: &[&str], body: &Value) -> Reply {
    match (call.method.as_str(), parts) {
        ("GET", [_]) => Reply::json(200, &twin.with(|world, _| world.deliveries.to_json())),
        ("POST", [_, "faults"]) => match twin.with(|world, _| world.deliveries.disturb(body)) {
            Ok(id) => Reply::json(200, &json!({ "id": id })),
            Err(text) => wrong(&text),
        },
        ("DELETE", [_, "faults"]) => {
            twin.with(|world, _| world.deliveries.calm(None));
            done()
        }
        _ => Reply::json(404, &json!({"error": "there is no such admin route"})),
    }
}

fn switches(twin: &Twin, call: &Call, body: &Value) -> Reply {
    if call.method == "GET" {
        return Reply::json(
            200,
            &twin.with(|world, _| {
                let halo: serde_json::Map<String, Value> = world
                    .halos
                    .iter()
                    .map(|one| {
                        let all: serde_json::Map<String, Value> = one
                            .halo
                            .switches()
                            .into_iter()
                            .map(|switch| (switch.name.to_owned(), switch.value))
                            .collect();
                        (one.name.clone(), Value::Object(all))
                    })
                    .collect();
                json!({"microsoft": world.microsoft.switches.to_json(), "halo": halo})
            }),
        );
    }
    let Some(map) = body.as_object() else { return wrong("the body is {name: value, …}") };
    let wanted: Vec<(&String, String)> = map
        .iter()
        .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    // All or none: half of a set-up would be a third one.
    let set = twin.with(|world, _| -> Result<(), String> {
        wanted.iter().try_for_each(|(name, value)| world.check_switch(name, value))?;
        wanted.iter().try_for_each(|(name, value)| world.set_switch(name, value))
    });
    match set {
        Ok(()) => done(),
        Err(text) => wrong(&text),
    }
}

fn clock_json(twin: &Twin) -> Reply {
    let scale = twin.steering().map_or(1.0, crate::clock::SteerableClock::scale);
    Reply::json(200, &json!({"now": twin.now().to_string(), "scale": scale}))
}

fn set_clock(twin: &Twin, body: &Value) -> Reply {
    const MEMBERS: [&str; 4] = ["now", "advance_s", "scale", "hold"];
    let Some(map) = body.as_object() else { return wrong("the body is no object") };
    for (name, value) in map {
        let fits = match name.as_str() {
            "now" => value.is_string(),
            "advance_s" | "scale" => value.is_number(),
            "hold" => value.is_boolean(),
            _ => return wrong(&format!("there is no member {name:?}: {}", MEMBERS.join(", "))),
        };
        if !fits {
            return wrong(&format!("{name} cannot be {value}"));
        }
    }
    let Some(clock) = twin.steering() else { return wrong("this twin lives by a clock that cannot be set here") };
    if let Some(text) = body.get("now").and_then(Value::as_str) {
        match stamp::parse(text) {
            Some(at) => clock.set(at),
            None => return wrong("now is no RFC 3339 time"),
        }
    }
    if let Some(seconds) = body.get("advance_s").and_then(Value::as_f64) {
        let by = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
        match twin.now().checked_add(by) {
            Ok(at) => clock.set(at),
            Err(_) => return wrong("advance_s leads beyond the calendar"),
        }
    }
    match (body.get("scale").and_then(Value::as_f64), body.get("hold").and_then(Value::as_bool)) {
        (_, Some(true)) => clock.hold(twin.now()),
        (Some(scale), _) if scale.is_finite() && scale >= 0.0 => clock.run(scale),
        (Some(_), _) => return wrong("scale is a number from 0"),
        (None, Some(false)) => clock.run(1.0),
        (None, None) => {}
    }
    twin.with(|world, now| {
        world.microsoft.clock_set();
        world.tick(now);
    });
    clock_json(twin)
}

fn add_halo(twin: &Twin, call: &Call, body: &Value) -> Reply {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("");
    let product = match text("product") {
        "" => Ok(Product::Itsm),
        other => other.parse::<Product>(),
    };
    let added = product.and_then(|product| {
        let name = text("name").to_owned();
        twin.with(|world, _| {
            let limits = world.options().limits;
            world.add_halo(&HaloOptions { name: name.clone(), product, limits })
        })
        .map(|connection| (name, connection))
    });
    match added {
        Ok((name, mut connection)) => {
            if let Some(map) = connection.as_object_mut() {
                map.insert("auth".into(), format!("{}/{name}/auth", call.origin).into());
                map.insert("api".into(), format!("{}/{name}/api", call.origin).into());
            }
            Reply::json(200, &connection)
        }
        Err(text) => wrong(&text),
    }
}
