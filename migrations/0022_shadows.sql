-- What is compared anew moves with its workspace to another client, and is counted there. docs/SCHEMA.md explains it.

DROP TRIGGER shadows_counted_over;
CREATE TRIGGER shadows_counted_over AFTER UPDATE ON shadows BEGIN
  UPDATE shadow_counts SET incidents = incidents - 1, ticketed = ticketed - old.ticketed,
    late_secs = late_secs - old.late_secs, missed = missed - old.missed, doubled = doubled - old.doubled,
    delayed = delayed - old.delayed
  WHERE client = old.client AND workspace = old.workspace;
  INSERT INTO shadow_counts
  VALUES (new.client, new.workspace, 1, new.ticketed, new.late_secs, new.missed, new.doubled, new.delayed)
  ON CONFLICT DO UPDATE SET incidents = incidents + 1, ticketed = ticketed + new.ticketed,
    late_secs = late_secs + new.late_secs, missed = missed + new.missed, doubled = doubled + new.doubled,
    delayed = delayed + new.delayed;
END;
