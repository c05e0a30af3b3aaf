-- A pair is at rest when both sides are closed. One whose ticket stays open (its workspace was in comment-only when
-- the incident closed) is still reconciled, and planned anew when the mode changes.

DROP INDEX pairs_open;
DROP INDEX pairs_open_of_workspace;
CREATE INDEX pairs_open ON pairs (halo, id)
  WHERE NOT (status = 'Closed' AND sync = 'in-step' AND ticket_closed = 1);
CREATE INDEX pairs_open_of_workspace ON pairs (workspace, subject)
  WHERE NOT (status = 'Closed' AND sync = 'in-step' AND ticket_closed = 1);
