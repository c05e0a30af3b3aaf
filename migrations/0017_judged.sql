-- When it was last concluded how a pair stands: since when it needs somebody. Other readings do not renew it.
-- docs/SCHEMA.md explains the table.
ALTER TABLE pairs ADD COLUMN judged_ms INTEGER;
UPDATE pairs SET judged_ms = ifnull((SELECT max(l.at_ms) FROM ledger l
  WHERE l.pair = pairs.id AND l.fact IN ('pair-judged', 'pair-opened')), changed_ms);
