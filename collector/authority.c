/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/authority.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/log.h"

#define DAY_NS UINT64_C(86400000000000)

enum { NAME_BYTES = 256 };

struct authority {
	struct cert_issuer *issuer;
	char dir[512];
	char cert[CERT_PEM_BYTES], key[CERT_PEM_BYTES];
	char names[CERT_NAMES][NAME_BYTES];
	const char *name_list[CERT_NAMES];
	size_t n_names;
};

struct authority *authority_free(struct authority *a)
{
	if (!a)
		return NULL;
	cert_issuer_free(a->issuer);
	explicit_bzero(a->key, sizeof(a->key));
	free(a);
	return NULL;
}

const char *authority_ca(const struct authority *a)
{
	return cert_issuer_pem(a->issuer);
}

const char *authority_cert(const struct authority *a)
{
	return a->cert;
}

const char *authority_key(const struct authority *a)
{
	return a->key;
}

const struct cert_issuer *authority_issuer(const struct authority *a)
{
	return a->issuer;
}

const char *authority_fingerprint(const struct authority *a)
{
	return cert_issuer_cert(a->issuer)->fingerprint;
}

/* ---- files ---- */

static void path_of(const struct authority *a, const char *name, char ret[600])
{
	snprintf(ret, 600, "%s/%s", a->dir, name);
}

static int load(const struct authority *a, const char *name, char to[CERT_PEM_BYTES],
		struct diag *d)
{
	char path[600];

	path_of(a, name, path);
	return file_read(path, to, CERT_PEM_BYTES, NULL, d);
}

static int save(const struct authority *a, const char *name, const char *text, unsigned mode,
		struct diag *d)
{
	char path[600];

	path_of(a, name, path);
	return file_write(path, text, strlen(text), mode, d);
}

/* ---- the CA ---- */

/* The key first: a certificate without its key would lock everyone out for good. */
static int make_ca(struct authority *a, char *ca, char *key, uint64_t now_ns, struct diag *d)
{
	int r = cert_key_new(key);

	if (r == 0)
		r = cert_ca_new(key, now_ns, AUTHORITY_CA_DAYS, ca, d);
	if (r == 0)
		r = save(a, "ca.key", key, 0600, d);
	if (r == 0)
		r = save(a, "ca.pem", ca, 0644, d);
	if (r == 0)
		log_info("authority.made", "dir=%s days=%d", a->dir, AUTHORITY_CA_DAYS);
	return r;
}

static int open_ca(struct authority *a, uint64_t now_ns, struct diag *d)
{
	char ca[CERT_PEM_BYTES], key[CERT_PEM_BYTES], path[600];
	int r = load(a, "ca.pem", ca, d);

	path_of(a, "ca.key", path);
	if (r == -ENOENT)
		r = make_ca(a, ca, key, now_ns, d);
	else if (r == 0)
		r = load(a, "ca.key", key, d);
	if (r == 0)
		r = cert_issuer_new(&a->issuer, ca, key, d);
	if (r < 0)
		diag_file(d, path);
	explicit_bzero(key, sizeof(key));
	return r;
}

/* ---- names ---- */

static void add_name(struct authority *a, const char *name)
{
	if (!name[0] || a->n_names == CERT_NAMES || strlen(name) >= NAME_BYTES)
		return;
	for (size_t i = 0; i < a->n_names; i++)
		if (strcmp(a->names[i], name) == 0)
			return;
	snprintf(a->names[a->n_names], NAME_BYTES, "%s", name);
	a->name_list[a->n_names] = a->names[a->n_names];
	a->n_names++;
}

static void add_address(struct authority *a, const struct ifaddrs *i)
{
	char text[INET6_ADDRSTRLEN];
	const void *bytes = NULL;

	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
		return;
	if (i->ifa_addr->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
	if (i->ifa_addr->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
	if (bytes && inet_ntop(i->ifa_addr->sa_family, bytes, text, sizeof(text)))
		add_name(a, text);
}

static void collect_names(struct authority *a, const char *const *names, size_t n_names)
{
	struct ifaddrs *all = NULL;
	char host[NAME_BYTES] = "";

	for (size_t i = 0; i < n_names; i++)
		add_name(a, names[i]);
	add_name(a, "localhost");
	add_name(a, "127.0.0.1");
	add_name(a, "::1");
	if (gethostname(host, sizeof(host) - 1) == 0)
		add_name(a, host);
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		add_address(a, i);
	freeifaddrs(all);
}

/* ---- the collector's own certificate ---- */

/* Good for another third of its time, of this CA, for its key and for all names. */
static bool serves(const struct authority *a, uint64_t now_ns)
{
	const uint64_t third_ns = AUTHORITY_COLLECTOR_DAYS / 3 * DAY_NS;
	struct cert c;

	return cert_check(a->cert, authority_ca(a), now_ns, &c, NULL) == 0 &&
	       c.kind == CERT_COLLECTOR && c.until_ns > now_ns + third_ns &&
	       cert_fits_key(a->cert, a->key) && cert_has_names(a->cert, a->name_list, a->n_names);
}

static int open_own(struct authority *a, uint64_t now_ns, struct diag *d)
{
	int r;

	if (load(a, "collector.key", a->key, NULL) == 0 &&
	    load(a, "collector.pem", a->cert, NULL) == 0 && serves(a, now_ns))
		return 0;
	r = cert_key_new(a->key);
	if (r == 0)
		r = cert_issue_collector(a->issuer, a->key, a->name_list, a->n_names, now_ns,
					 AUTHORITY_COLLECTOR_DAYS, a->cert, d);
	if (r == 0)
		r = save(a, "collector.key", a->key, 0600, d);
	if (r == 0)
		r = save(a, "collector.pem", a->cert, 0644, d);
	if (r == 0)
		log_info("authority.collector_certificate", "names=%zu days=%d", a->n_names,
			 AUTHORITY_COLLECTOR_DAYS);
	return r;
}

int authority_open(struct authority **ret, const char *dir, const char *const *names,
		   size_t n_names, uint64_t now_ns, struct diag *d)
{
	AUTO(authority) *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_origin(-ENOMEM);
	if ((size_t)snprintf(a->dir, sizeof(a->dir), "%s/tls", dir) >= sizeof(a->dir))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	if (mkdir(a->dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s",
				a->dir, strerror(errno));
	collect_names(a, names, n_names);
	r = open_ca(a, now_ns, d);
	if (r == 0)
		r = open_own(a, now_ns, d);
	if (r == 0)
		*ret = TAKE(a);
	return r;
}
