/* SPDX-License-Identifier: Apache-2.0 */
/* container - a container as the sensor knows it: what the cgroup path says, what its runtime told,
 * how many of its processes are alive.
 *
 * Known paths: docker-ID.scope, docker/ID, cri-containerd-ID.scope, SLICE:cri-containerd:ID,
 * nerdctl-ID.scope, crio-ID.scope, libpod-ID.scope, libpod_parent/libpod-ID, kubepods/.../podUID/ID
 * (ID: 64 hex digits; kubepods-pod<UID with _>.slice), machine-NAME.scope and
 * systemd-nspawn@NAME.service of systemd-nspawn, lxc.payload.NAME and lxc/NAME.  Cgroups of
 * monitors (conmon, lxc.monitor, nspawn's supervisor) and of virtual machines are none.
 * Thread: sensor consumer.  Memory: one block a container, shared by reference count. */
#pragma once
#include "sensor/users.h"

enum {
	CONTAINER_ID_BYTES = 65, /* 64 hex digits or the name of a machine, NUL */
	CONTAINER_POD_BYTES = 37,
	CONTAINER_MEMBERS = 8, /* processes of it that are remembered */
};

enum container_runtime {
	RUNTIME_UNKNOWN,
	RUNTIME_DOCKER,
	RUNTIME_CONTAINERD,
	RUNTIME_CRIO,
	RUNTIME_PODMAN,
	RUNTIME_NSPAWN,
	RUNTIME_LXC,
};

/* What a cgroup path says. */
struct container_ref {
	char id[CONTAINER_ID_BYTES];
	char pod_uid[CONTAINER_POD_BYTES]; /* "": in no Kubernetes pod */
	enum container_runtime runtime;
};

/* What its runtime says; "": not known. */
struct container_facts {
	char name[128], image[256];
	char pod[254], namespace[64], pod_uid[CONTAINER_POD_BYTES];
	enum container_runtime runtime; /* that said it */
};

/* A process of it, and when. */
struct container_process {
	uint64_t start_ns, at_ns; /* since boot */
	uint64_t cgroup;	  /* its id; 0: not known */
	uint32_t tgid;
};

struct container {
	uint32_t refs, alive; /* alive: processes */
	struct container_ref ref;
	struct container_facts facts;
	struct users *users; /* of its own passwd and group; NULL: not read */
	bool asked, answered;
	uint32_t tries;	   /* that brought not all */
	uint64_t asked_ns; /* when its facts were asked for */
	/* From its first process until its end is told: a runtime's own processes come and go while
	 * it begins, so that it may have none for a moment. */
	bool running, told_start;
	bool again; /* it ended, which is not told yet, and began anew with @next */
	struct container_process first, last, next;	/* that entered, that left */
	uint32_t members[CONTAINER_MEMBERS], n_members; /* of those alive, oldest first */
	bool *news; /* set when a container begins or ends; NULL: nobody asks */
};

/* Finds the innermost container in /proc/PID/cgroup text or a bare cgroup path.  Returns false when
 * there is none (ret->id is "" then). */
bool container_parse(const char *s, size_t n, struct container_ref *ret);

/* Word of container.runtime; NULL: not known. */
const char *container_runtime_name(enum container_runtime r);

/* Makes one with one reference; NULL: no memory. */
struct container *container_new(const struct container_ref *ref);
void container_unref(struct container *c);

/* A process comes or goes.  @p->at_ns 0: it was there before.  What enters an empty container in
 * another cgroup than its first process begins it anew. */
void container_enter(struct container *c, const struct container_process *p);
void container_leave(struct container *c, const struct container_process *p);

/* Its end is told: it runs no more, or, when it began anew meanwhile, again. */
void container_end(struct container *c);
