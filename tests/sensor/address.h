/* SPDX-License-Identifier: Apache-2.0 */
/* address - socket addresses for the kernel tests of the network. */
#pragma once
#include "tests/sensor/kernel_fixture.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline UNUSED union address make_address(const char *ip, uint16_t port)
{
	union address a = { 0 };

	if (strchr(ip, ':')) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, ip, &a.v6.sin6_addr), 1);
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, ip, &a.v4.sin_addr), 1);
	}
	return a;
}

static inline UNUSED socklen_t address_size(const union address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

static inline UNUSED uint16_t own_port(int fd)
{
	union address a;
	socklen_t n = sizeof(a);

	assert_int_equal(getsockname(fd, &a.any, &n), 0);
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static inline UNUSED void assert_address(const uint8_t *bytes, uint8_t version,
					 const char *expected)
{
	static const uint8_t zeroes[12];
	char text[INET6_ADDRSTRLEN];

	inet_ntop(version == REC_IPV4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	assert_string_equal(text, expected);
	if (version == REC_IPV4)
		assert_memory_equal(bytes + 4, zeroes, 12);
}
