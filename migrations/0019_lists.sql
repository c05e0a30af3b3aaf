-- Lists of a million pairs: each order has its index, and so has what few pairs match. docs/SCHEMA.md explains them.

-- By number alone, as before, and in order.
DROP INDEX pairs_by_ticket_number;
CREATE INDEX pairs_by_ticket_number ON pairs (ifnull(ticket, -1), subject);

CREATE INDEX pairs_by_severity ON pairs (severity_rank, subject);
CREATE INDEX pairs_by_state ON pairs (
  CASE health WHEN 'needs-you' THEN 6 WHEN 'waiting' THEN 3 ELSE 0 END
  + CASE sync WHEN 'unknown' THEN 2 WHEN 'behind' THEN 1 ELSE 0 END, subject);
CREATE INDEX pairs_of_client ON pairs (client, subject);

-- Most pairs are closed, and stand as they do for no reason.
CREATE INDEX pairs_unclosed ON pairs (status, severity_rank, subject) WHERE status <> 'Closed';
CREATE INDEX pairs_by_reason ON pairs (reason_code, subject) WHERE reason_code IS NOT NULL;
CREATE INDEX pairs_further ON pairs (subject) WHERE further IS NOT NULL;

-- Few pairs are in these at a time, but they are found and sorted without a look at each: the index has all it takes.
DROP INDEX pairs_not_in_step;
CREATE INDEX pairs_not_in_step ON pairs (sync, changed_ms, subject, health, client, workspace, severity_rank, severity,
  status, number, ticket) WHERE sync <> 'in-step';
DROP INDEX pairs_not_healthy;
CREATE INDEX pairs_not_healthy ON pairs (health, changed_ms, subject, sync, client, workspace, severity_rank, severity,
  status, number, ticket) WHERE health <> 'healthy';
