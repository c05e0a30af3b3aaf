-- A row or more in every table, as the first version of this program wrote them.
INSERT INTO connections VALUES ('00000000-0000-0000-0000-0000000000a1', 'microsoft', 'Sentinel',
  '{"id":"00000000-0000-0000-0000-0000000000a1","name":"Sentinel","tenant_id":"contoso.example","oauth_client_id":"app",
    "identity":"client-secret","endpoints":{"authority":"https://login.microsoftonline.com",
    "arm":"https://management.azure.com","log_analytics":"https://api.loganalytics.io",
    "graph":"https://graph.microsoft.com"},"api_version":"2025-09-01","allow_insecure":false,"writes_per_5min":600}');
INSERT INTO connections VALUES ('00000000-0000-0000-0000-0000000000a2', 'halo', 'Service desk',
  '{"id":"00000000-0000-0000-0000-0000000000a2","name":"Service desk","product":"itsm",
    "resource_server":"https://acme.haloitsm.com/api","authorisation_server":"https://acme.haloitsm.com/auth",
    "tenant":"acme","oauth_client_id":"app","scope":"all","requests_per_5min":500,"poll_secs":20,"settle_secs":60,
    "webhook":true,"webhook_header":"x-hook","allow_insecure":false}');
INSERT INTO clients VALUES ('00000000-0000-0000-0000-0000000000b1', 'Contoso Retail',
  '00000000-0000-0000-0000-0000000000a2', 12,
  '{"id":"00000000-0000-0000-0000-0000000000b1","name":"Contoso Retail","time_zone":"Europe/Berlin",
    "halo":{"connection":"00000000-0000-0000-0000-0000000000a2","halo_client_id":12,"site_id":7,"team":"Night shift"}}');
INSERT INTO policies VALUES ('00000000-0000-0000-0000-0000000000c1', 'standard',
  '{"id":"00000000-0000-0000-0000-0000000000c1","name":"standard","ticket_type":"Incident","priorities":{"High":2},
    "statuses":{"New":"New"},"statuses_back":[["On Hold","Active"]],"closed_statuses":[],"team":null,"category":null,
    "agent":null,"agents":{"ana@contoso.example":"Amira"},"requester_user_id":9,
    "fields":[{"field":120,"source":{"path":"$.a"},"always":true}],"incident_id_field":null,"classification_field":null,
    "classifications":{},"missing_verdict":{"rule":"ask"},"notes":"outcomes","note_flag":"important",
    "note_outcomes":["For Sentinel"],"outcome":"Private Note","notes_private":true,"evidence":false,"carry_owner":false,
    "carry_severity":true}');
INSERT INTO workspaces VALUES ('00000000-0000-0000-0000-0000000000d1',
  '/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/law',
  '00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000a1',
  '00000000-0000-0000-0000-0000000000c1', 'two-way',
  '{"id":"00000000-0000-0000-0000-0000000000d1",
    "arm_id":"/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/law","name":"law",
    "client":"00000000-0000-0000-0000-0000000000b1","connection":"00000000-0000-0000-0000-0000000000a1",
    "tenant_id":"contoso.example","policy":"00000000-0000-0000-0000-0000000000c1","mode":"two-way",
    "since":"2026-01-01T00:00:00Z","poll_secs":900,"portal":"azure","webhook":true}');
UPDATE installation SET version = 7;
INSERT INTO secrets VALUES ('connection/00000000-0000-0000-0000-0000000000a2', 'client_secret', 'env', NULL, 'HALO_SECRET', 5);
INSERT INTO catalogues VALUES ('00000000-0000-0000-0000-0000000000a2', '{"statuses":[{"id":1,"name":"New"}]}', 5);
INSERT INTO requests (kind, detail, asked_ms) VALUES ('sync-once', '{}', 6);

INSERT INTO users VALUES ('00000000-0000-0000-0000-0000000000e1', 'Ada', 'operator',
  '{"sees":"clients","clients":["00000000-0000-0000-0000-0000000000b1"]}', 'Europe/Berlin', '$argon2id$x', 0, 5, 6);
INSERT INTO sessions VALUES ('session', '{"signed-in":{"user":"00000000-0000-0000-0000-0000000000e1"}}', 99);
INSERT INTO settings VALUES ('instance-mark', 'the mark');

INSERT INTO bodies VALUES (zeroblob(32), '{"name":"one"}');
INSERT INTO ledger VALUES (1, 'installation', 1, 10, 'human-act', NULL, '{"act":"set-up"}', NULL, zeroblob(32), zeroblob(32));
INSERT INTO ledger VALUES (2, '00000000-0000-0000-0000-0000000000b1', 1, 20, 'pair-opened',
  '00000000-0000-0000-0000-0000000000f1', '{"pair":"f1"}', zeroblob(32), zeroblob(32), zeroblob(32));
INSERT INTO chains VALUES ('00000000-0000-0000-0000-0000000000b1', 1, zeroblob(32));

INSERT INTO subjects (id, workspace, incident, client, number, title, severity, severity_rank, status, owner, etag,
    comments_count, opened_ms, modified_ms, body, first_seen_ms, changed_ms)
  VALUES (1, '00000000-0000-0000-0000-0000000000d1', 'one', '00000000-0000-0000-0000-0000000000b1', 101,
    'Beacon to a rare domain', 'High', 3, 'Active', 'ana', 'e1', 2, 11, 12, zeroblob(32), 13, 14);
INSERT INTO subjects (id, workspace, incident, client, number, title, severity, severity_rank, status, comments_count,
    opened_ms, body, first_seen_ms, changed_ms)
  VALUES (2, '00000000-0000-0000-0000-0000000000d1', 'two', '00000000-0000-0000-0000-0000000000b1', 102,
    'Held back', 'Low', 1, 'New', 0, 21, zeroblob(32), 23, 24);
UPDATE subjects SET held_code = 'older-than-start', held = '{"reason":"older-than-start"}' WHERE id = 2;
INSERT INTO pairs VALUES (1, '00000000-0000-0000-0000-0000000000f1', '00000000-0000-0000-0000-0000000000b1',
  '00000000-0000-0000-0000-0000000000d1', 'one', '00000000-0000-0000-0000-0000000000a2', 12, 30207, 'HB-12AB34CD56',
  '{"status_id":1,"owner":"ana"}', 'behind', 'needs-you', NULL, NULL, 101, 3, 'High', 'Active', 11, 1, 0, zeroblob(32),
  zeroblob(32), zeroblob(32), 15, 16);
INSERT INTO operations VALUES ('00000000-0000-0000-0000-000000000111', '00000000-0000-0000-0000-0000000000b1',
  '00000000-0000-0000-0000-0000000000f1', 1, 'add-note', 'key', 'dead', '{"state":"dead"}', 0, 3, NULL, 17, 18,
  zeroblob(32));
INSERT INTO note_links VALUES ('00000000-0000-0000-0000-0000000000f1', 'c1', '00000000-0000-0000-0000-0000000000a2',
  30207, 3, 0, 'sentinel', 19);

INSERT INTO cursors VALUES ('00000000-0000-0000-0000-0000000000d1', 12, 101);
INSERT INTO halo_cursors VALUES ('00000000-0000-0000-0000-0000000000a2', 12);
INSERT INTO runs VALUES ('workspace/00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-0000000000b1',
  '{}', 30, 30, 0);
INSERT INTO deliveries VALUES ('00000000-0000-0000-0000-000000000222', NULL, '{}', 31, NULL, zeroblob(2));
