-- SPDX-License-Identifier: Apache-2.0
-- Blocks whose bytes were found damaged: they are told with their range and not read again.  An index that is made
-- again from its log does not know of them and finds out anew.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY,   -- of the block
	found_ns INTEGER NOT NULL, -- when, by the collector's clock
	reason TEXT NOT NULL
) STRICT;
