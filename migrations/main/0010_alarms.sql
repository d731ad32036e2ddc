-- SPDX-License-Identifier: Apache-2.0
-- What is wrong with each node, so that a restart neither raises nor clears an alarm twice (collector/watch.h).
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

ALTER TABLE node ADD COLUMN alarms INTEGER NOT NULL DEFAULT 0;        -- a bit for each enum watch_condition
ALTER TABLE node ADD COLUMN highest_version TEXT NOT NULL DEFAULT ''; -- that its sensor had
