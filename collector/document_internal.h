/* SPDX-License-Identifier: Apache-2.0 */
/* document_internal - a document_reader inside: document_read.c reads a document into it, and
 * document_put.c puts it into a batch.
 * Thread and memory: as document_read.h. */
#pragma once
#include <jansson.h>

#include "collector/document_read.h"
#include "lib/slots.h"

enum { MAX_NAMES = 512, NAME_BYTES = 64 };

/* A name that documents have, and the field that it means. */
struct name {
	char text[NAME_BYTES];
	struct field_ref ref;
};

/* An image of a process: what it had executed when an event happened. */
struct image {
	uint64_t entity, hash;
	uint32_t generation;
};

struct document_reader {
	struct name names[MAX_NAMES];
	size_t n_names;
	json_t *root;
	const json_t *values[VIA_MAX][FIELD_MAX + 1];
	struct document_event event;
	/* of the batch at hand */
	struct slots by_entity;
	struct image *images;
	uint32_t n_images, images_room;
	uint32_t *strings; /* of a list */
	size_t strings_room;
};

/* Reads a number, a truth, a time or an id.  Returns false when @v is none such as @type has. */
bool document_number(const json_t *v, enum field_type type, uint64_t *ret);

/* True when the document tells something of that process that a batch has. */
bool document_has_process(const struct document_reader *r, enum field_via via);
