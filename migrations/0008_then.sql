-- What an incident said at any moment: its readings are found without reading the whole ledger.
CREATE INDEX ledger_by_incident ON ledger
  (ifnull(json_extract(detail, '$.id'), json_extract(detail, '$.incident')), seq)
  WHERE fact IN ('incident-read', 'evidence-read');
