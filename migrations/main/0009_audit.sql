-- Rows of the audit log are kept by class, so that who has no token cannot push out what others did, and
-- questions cannot push out changes: 0 strangers who were refused, 1 questions, 2 changes.
ALTER TABLE audit ADD COLUMN class INTEGER NOT NULL DEFAULT 1;
UPDATE audit SET class = CASE WHEN token_id = 0 AND status >= 400 THEN 0 WHEN action LIKE 'GET %' THEN 1 ELSE 2 END;
CREATE INDEX audit_class ON audit (class, id);
