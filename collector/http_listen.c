/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/http_listen.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
			 struct diag *d)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return 0;
	}
	return diag_set(d, -EINVAL, 0, 0, "'%s' is not an IP address to listen on", text);
}

int http_listen(const char *text, uint16_t port, uint16_t *ret_port, struct diag *d)
{
	struct sockaddr_storage address;
	socklen_t n = sizeof(address);
	AUTO_FD int fd = -1;
	int one = 1, r = parse_address(text, port, &address, d);

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 128) < 0 || getsockname(fd, (struct sockaddr *)&address, &n) < 0) {
		r = -errno;
		return diag_set(d, err_origin(r), 0, 0, "cannot listen on %s port %u: %s", text,
				port, strerror(-r));
	}
	*ret_port = ntohs(address.ss_family == AF_INET
				  ? ((const struct sockaddr_in *)&address)->sin_port
				  : ((const struct sockaddr_in6 *)&address)->sin6_port);
	r = fd;
	fd = -1;
	return r;
}
