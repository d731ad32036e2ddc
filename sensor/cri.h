/* SPDX-License-Identifier: Apache-2.0 */
/* cri - asks containerd or CRI-O about a container of Kubernetes: ContainerStatus of the Container
 * Runtime Interface, a gRPC call (HTTP/2, one message of protobuf each way) on their unix socket.
 * The only file that touches nghttp2.
 * Source: k8s.io/cri-api runtime/v1, gRPC over HTTP2 (PROTOCOL-HTTP2.md), RFC 9113.
 * Thread: a helper: it may sleep, at most some seconds.  Memory: an answer of at most 1 MiB. */
#pragma once
#include "sensor/container.h"

/* Fills @ret with what the runtime at @socket_path says of container @id.  Returns 0,
 * RUNTIME_E_NONE (runtime.h: no such socket, no such container, or it serves no CRI), -ENOMEM,
 * -EBADMSG (an answer that is none), -ETIMEDOUT or another negative errno of the socket. */
NODISCARD int cri_ask(const char *socket_path, const char *id, struct container_facts *ret);

/* Parser of a gRPC body: length, then the message.  Returns 0, -EBADMSG or -ENOMEM. */
NODISCARD int cri_parse(const uint8_t *body, size_t n, struct container_facts *ret);
