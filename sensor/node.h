/* SPDX-License-Identifier: Apache-2.0 */
/* node - who this node is: id, name, boot, architecture, kernel.
 * Thread: any, at start.  Memory: fixed. */
#pragma once
#include "lib/diag.h"
#include "lib/limits.h"

struct node {
	char id[LIMIT_NODE_ID_BYTES + 1], name[LIMIT_NODE_ID_BYTES + 1];
	uint8_t boot_id[16];
	char boot_text[37];
	char architecture[65], os_kernel[65];
};

/* Reads the node's facts.  @id and @name (NULL: find out) override.  Else the id is derived from
 * /etc/machine-id by a hash, since that id should not leave the machine; on a node without one a
 * random id is made once and kept in @state_dir.  The name is the host name.
 * Returns 0 or a negative errno with @d. */
NODISCARD int node_read(struct node *ret, const char *id, const char *name, const char *state_dir,
			struct diag *d);

/* 128-bit id of a machine id's text, as 32 hex digits. */
void node_id_derive(const char *machine_id, size_t n, char ret[33]);

/* Writes @n bytes as 2 * @n hex digits and a NUL. */
void node_hex(const uint8_t *bytes, size_t n, char *ret);

