/* SPDX-License-Identifier: Apache-2.0 */
/* containers - the containers of this node: each once, with what its runtime told of it, and the
 * news that one began or ended.
 *
 * Runtimes are asked on a helper thread, which is started with the first container, until one
 * answers. The begin of a container is told when it was asked for, or after a second without an
 * answer; the end when it has been without a process for a second, or begins anew.
 * Thread: sensor consumer.  Memory: CONTAINERS_MOST containers; of more nothing is asked or
 * told, but their processes have the id. */
#pragma once
#include "sensor/runtime.h"

enum { CONTAINERS_MOST = 1024 };

struct containers;

enum container_news { CONTAINER_STARTED, CONTAINER_STOPPED };

/* @config is copied, its texts are borrowed; NULL: runtimes are not asked.
 * Returns 0 or -ENOMEM.  *ret is freed with containers_free(). */
NODISCARD int containers_new(struct containers **ret, const struct runtime_config *config);
struct containers *containers_free(struct containers *c);
DEFINE_FREEP(containers)

/* A reference to the container of that id, made when it is new; the caller's, given back with
 * container_unref().  NULL: no memory. */
struct container *containers_find(struct containers *c, const struct container_ref *ref);

/* Takes answers and asks for what is due; then the next piece of news, or NULL.  @now_ns since
 * boot; UINT64_MAX: what waits is told now. */
struct container *containers_next(struct containers *c, uint64_t now_ns,
				  enum container_news *ret_news);

/* Containers for which there was no room. */
uint64_t containers_refused(const struct containers *c);
