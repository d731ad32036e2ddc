/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/https.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include <mbedtls/ssl.h>

#include "lib/cert.h"
#include "lib/monotonic.h"

/* One connection; every wait ends at @until_ms. */
struct talk {
	int fd;
	bool plain;
	uint64_t until_ms;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_x509_crt ca;
};

/* ---- addresses ---- */

static bool is_loopback(const char *host)
{
	struct in_addr four;
	struct in6_addr six;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* Cuts "host", "host:port" or "[v6]:port" at @s into its parts. */
static bool cut(struct https_url *u, const char *s)
{
	bool bracket = *s == '[';
	size_t n = bracket ? strcspn(s + 1, "]") : strcspn(s, ":/?#");
	const char *rest = bracket ? s + 1 + n + (s[1 + n] == ']') : s + n;

	if (n == 0 || n >= sizeof(u->host) || (bracket && s[1 + n] != ']'))
		return false;
	memcpy(u->host, s + bracket, n);
	u->host[n] = '\0';
	snprintf(u->port, sizeof(u->port), "%s", "8443");
	if (*rest == ':') {
		size_t digits = strspn(rest + 1, "0123456789");

		if (digits == 0 || digits >= sizeof(u->port))
			return false;
		snprintf(u->port, sizeof(u->port), "%.*s", (int)digits, rest + 1);
		rest += 1 + digits;
	}
	return *rest == '\0' || (rest[0] == '/' && rest[1] == '\0');
}

int https_url_parse(struct https_url *ret, const char *url, struct diag *d)
{
	const char *host = strstr(url, "://");

	memset(ret, 0, sizeof(*ret));
	ret->plain = strncmp(url, "http://", 7) == 0;
	if ((!ret->plain && strncmp(url, "https://", 8) != 0) || !cut(ret, host + 3))
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"%.200s: expected the collector's address, such as "
				"https://collector.example:8443",
				url);
	if (ret->plain && !is_loopback(ret->host))
		return diag_set(
			d, err_origin(-EINVAL), 0, 0,
			"%.200s: over http:// anyone on the way could take the token; expected "
			"https://",
			url);
	return 0;
}

/* ---- bytes ---- */

/* Waits for @events.  Returns 0 or -ETIMEDOUT. */
static int wait_for(const struct talk *t, short events)
{
	struct pollfd p = { .fd = t->fd, .events = events };
	uint64_t now = monotonic_ms();

	while (now < t->until_ms) {
		if (poll(&p, 1, (int)(t->until_ms - now)) > 0)
			return 0;
		now = monotonic_ms();
	}
	return err_origin(-ETIMEDOUT);
}

static int net_send(void *arg, const unsigned char *data, size_t n)
{
	const struct talk *t = arg;
	ssize_t sent = send(t->fd, data, n, MSG_NOSIGNAL);

	if (sent >= 0)
		return (int)sent;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE
						 : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int net_recv(void *arg, unsigned char *data, size_t n)
{
	const struct talk *t = arg;
	ssize_t got = recv(t->fd, data, n, 0);

	if (got >= 0)
		return (int)got;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ
						 : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int kernel_random(void *unused, unsigned char *to, size_t n)
{
	(void)unused;
	return n <= 256 && getrandom(to, n, 0) == (ssize_t)n ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
}

/* ---- connecting ---- */

static int dial(struct talk *t, const struct addrinfo *a)
{
	socklen_t n = sizeof(int);
	int error = 0;

	t->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return err_origin(-errno);
	if (connect(t->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		error = errno;
	if (!error && wait_for(t, POLLOUT) < 0)
		error = ETIMEDOUT;
	if (!error && getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (!error)
		return 0;
	close(t->fd);
	t->fd = -1;
	return err_origin(-error);
}

static int connect_to(struct talk *t, const struct https_url *u, struct diag *d)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int e = getaddrinfo(u->host, u->port, &hints, &all), r = -EHOSTUNREACH;

	if (e != 0)
		return diag_set(d, err_origin(-EHOSTUNREACH), 0, 0, "%s: %s", u->host,
				gai_strerror(e));
	for (const struct addrinfo *a = all; a && r < 0; a = a->ai_next)
		r = dial(t, a);
	freeaddrinfo(all);
	return r == 0 ? 0
		      : diag_set(d, r, 0, 0, "cannot reach %s port %s: %s", u->host, u->port,
				 strerror(-r));
}

/* ---- TLS ---- */

static int tls_failed(int e, struct diag *d)
{
	if (e == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
		return diag_set(
			d, err_origin(-EACCES), 0, 0,
			"this is not the collector that the token is for: its certificate is "
			"not signed by that CA");
	return diag_set(d, err_origin(-EPROTO), 0, 0, "no TLS with the collector (mbed TLS: -0x%x)",
			(unsigned)-e);
}

static int set_up_tls(struct talk *t, const char *ca)
{
	int e = mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_CLIENT,
					    MBEDTLS_SSL_TRANSPORT_STREAM,
					    MBEDTLS_SSL_PRESET_DEFAULT);

	if (e)
		return e;
	mbedtls_ssl_conf_min_version(&t->config, MBEDTLS_SSL_MAJOR_VERSION_3,
				     MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_rng(&t->config, kernel_random, NULL);
	mbedtls_ssl_conf_authmode(&t->config,
				  ca ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
	if (ca) {
		e = mbedtls_x509_crt_parse(&t->ca, (const uint8_t *)ca, strlen(ca) + 1);
		mbedtls_ssl_conf_ca_chain(&t->config, &t->ca, NULL);
	}
	if (e == 0)
		e = mbedtls_ssl_setup(&t->ssl, &t->config);
	if (e ==
	    0) /* whatever address it was reached by: its CA signs only one name for collectors */
		e = mbedtls_ssl_set_hostname(&t->ssl, CERT_COLLECTOR_NAME);
	mbedtls_ssl_set_bio(&t->ssl, t, net_send, net_recv, NULL);
	return e;
}

/* True when the call that returned @e is to be made again. */
static bool again(const struct talk *t, int e, int *ret)
{
	*ret = 0;
	if (e == MBEDTLS_ERR_SSL_WANT_READ)
		*ret = wait_for(t, POLLIN);
	else if (e == MBEDTLS_ERR_SSL_WANT_WRITE)
		*ret = wait_for(t, POLLOUT);
	else
		return false;
	return *ret == 0;
}

static int shake_hands(struct talk *t, const char *ca, struct diag *d)
{
	int e = set_up_tls(t, ca), r = 0;

	if (e)
		return tls_failed(e, d);
	do {
		e = mbedtls_ssl_handshake(&t->ssl);
	} while (again(t, e, &r));
	if (r < 0)
		return diag_set(d, r, 0, 0, "the collector does not answer");
	return e ? tls_failed(e, d) : 0;
}

/* ---- a request ---- */

static int put(struct talk *t, const void *data, size_t n)
{
	const unsigned char *at = data;
	int e, r = 0;

	while (n) {
		do {
			e = t->plain ? net_send(t, at, n) : mbedtls_ssl_write(&t->ssl, at, n);
		} while (again(t, e, &r));
		if (r < 0 || e <= 0)
			return r < 0 ? r : err_origin(-EPIPE);
		at += e;
		n -= (size_t)e;
	}
	return 0;
}

/* All until the other end closes. */
static int get(struct talk *t, struct buf *to)
{
	unsigned char part[4096];
	int e, r = 0;

	for (;;) {
		do {
			e = t->plain ? net_recv(t, part, sizeof(part))
				     : mbedtls_ssl_read(&t->ssl, part, sizeof(part));
		} while (again(t, e, &r));
		if (r < 0 || e <= 0)
			return r;
		buf_add(to, part, (size_t)e);
		if (to->n > HTTPS_ANSWER_BYTES)
			return err_origin(-EFBIG);
	}
}

static int exchange(struct talk *t, const struct https_url *u, const struct https_request *q,
		    struct buf *answer)
{
	AUTO_BUF struct buf out = { 0 };
	size_t n = q->body ? strlen(q->body) : 0;
	int r;

	buf_printf(&out,
		   "%s %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n"
		   "User-Agent: rtsec-sensor/" RTSEC_VERSION "\r\n",
		   q->body ? "POST" : "GET", q->path, u->host, u->port);
	if (q->body)
		buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", n);
	buf_str(&out, "\r\n");
	buf_add(&out, q->body, n);
	if (!buf_ok(&out))
		return err_origin(-ENOMEM);
	r = put(t, out.data, out.n);
	explicit_bzero(out.data, out.n); /* a token may stand in it */
	if (r == 0)
		r = get(t, answer);
	return r == 0 && !buf_ok(answer) ? err_origin(-ENOMEM) : r;
}

int https_parse(const char *answer, size_t n, unsigned *ret_status, const char **ret_body,
		size_t *ret_n)
{
	const char *end = memmem(answer, n, "\r\n\r\n", 4), *code;

	if (n < 12 || !end || memcmp(answer, "HTTP/1.", 7) != 0)
		return err_origin(-EBADMSG);
	code = answer + 9;
	for (int i = 0; i < 3; i++)
		if (code[i] < '0' || code[i] > '9')
			return err_origin(-EBADMSG);
	*ret_status = (unsigned)(code[0] - '0') * 100 + (unsigned)(code[1] - '0') * 10 +
		      (unsigned)(code[2] - '0');
	*ret_body = end + 4;
	*ret_n = n - (size_t)(end + 4 - answer);
	return 0;
}

static int talk_over(struct talk *t, const struct https_url *u, const struct https_request *q,
		     unsigned *ret_status, struct buf *body, struct diag *d)
{
	AUTO_BUF struct buf answer = { 0 };
	const char *at;
	size_t n;
	int r = connect_to(t, u, d);

	if (r == 0 && !t->plain)
		r = shake_hands(t, q->ca, d);
	if (r < 0)
		return r;
	r = exchange(t, u, q, &answer);
	if (r == 0)
		r = https_parse((const char *)answer.data, answer.n, ret_status, &at, &n);
	if (r < 0)
		return diag_set(d, r, 0, 0, "no answer of the collector's API at %s port %s: %s",
				u->host, u->port, strerror(-r));
	buf_add(body, at, n);
	buf_byte(body, 0);
	return buf_ok(body) ? 0 : err_origin(-ENOMEM);
}

int https_ask(const struct https_request *q, unsigned *ret_status, struct buf *body, struct diag *d)
{
	struct talk t = { .fd = -1, .until_ms = monotonic_ms() + HTTPS_WAIT_MS };
	struct https_url u;
	int r = https_url_parse(&u, q->url, d);

	if (r < 0)
		return r;
	t.plain = u.plain;
	mbedtls_ssl_init(&t.ssl);
	mbedtls_ssl_config_init(&t.config);
	mbedtls_x509_crt_init(&t.ca);
	r = talk_over(&t, &u, q, ret_status, body, d);
	mbedtls_ssl_free(&t.ssl);
	mbedtls_ssl_config_free(&t.config);
	mbedtls_x509_crt_free(&t.ca);
	if (t.fd >= 0)
		close(t.fd);
	return r;
}
