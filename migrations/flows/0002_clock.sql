-- SPDX-License-Identifier: Apache-2.0
-- The last measured clock of a node: its sensor has none of its own yet when it has just started.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).
ALTER TABLE node ADD COLUMN ahead_ns INTEGER NOT NULL DEFAULT 0; -- how far it was ahead of the collector's
