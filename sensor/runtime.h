/* SPDX-License-Identifier: Apache-2.0 */
/* runtime - asks container runtimes what they know of a container: name, image, Kubernetes pod.
 *
 * Docker and podman are asked by HTTP on their unix sockets (GET /containers/ID/json, which both
 * have); containerd and CRI-O by the OCI bundle that they leave in /run (config.json, whose
 * annotations name pod, container and image), and where that tells nothing by cri.h.
 * Source: Docker Engine API 1.24 and later, OCI runtime-spec config.md, containerd
 * pkg/cri/annotations, cri-o pkg/annotations.
 * Thread: a helper: it may sleep, at most some seconds.  Memory: an answer of at most 1 MiB. */
#pragma once
#include "sensor/container.h"

enum {
	RUNTIME_ANSWER_BYTES = 1 << 20,
	RUNTIME_E_NONE = 1, /* nobody knows the container */
};

/* Where they are; NULL: the usual place. */
struct runtime_config {
	const char *docker_socket, *podman_socket;
	const char *containerd_dir;		     /* folder that has NAMESPACE/ID/config.json */
	const char *storage_dir;		     /* of CRI-O: has ID/userdata/config.json */
	const char *containerd_socket, *crio_socket; /* that serve the CRI */
	const char *proc_root;
};

/* Fills @ret, also which runtime it was that knew the container.  Returns 0, RUNTIME_E_NONE,
 * -ENOMEM, -EBADMSG (an answer that is none), -ETIMEDOUT or another negative errno of the socket.
 */
NODISCARD int runtime_ask(const struct runtime_config *c, const struct container_ref *ref,
			  struct container_facts *ret);

/* A connection to the unix socket @path that waits at most 2 s for each piece; a descriptor of the
 * caller's, or a negative errno. */
NODISCARD int runtime_connect(const char *path);

/* Names of the ids in container @id, of which @tgid is a process; *ret is the caller's.  Returns 0,
 * RUNTIME_E_NONE (the process is gone, another one's now, or still has the host's root) or -ENOMEM.
 */
NODISCARD int runtime_users(const struct runtime_config *c, const char *id, uint32_t tgid,
			    struct users **ret);

/* Parsers of what comes back: JSON of an inspection; of a bundle; a whole HTTP response, whose body
 * is found.  Return 0, RUNTIME_E_NONE (404), or -EBADMSG. */
NODISCARD int runtime_parse_inspection(const char *json, size_t n, struct container_facts *ret);
NODISCARD int runtime_parse_bundle(const char *json, size_t n, struct container_facts *ret);
NODISCARD int runtime_parse_http(const char *s, size_t n, const char **ret_body, size_t *ret_n);
