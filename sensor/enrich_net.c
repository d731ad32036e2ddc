/* SPDX-License-Identifier: Apache-2.0 */
/* enrich_net - connections, sockets that wait, datagrams, answers of name servers. */
#include <arpa/inet.h>

#include "lib/community_id.h"
#include "sensor/dns.h"
#include "sensor/event.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* ---- ends ---- */

static void set_ip(struct event *c, enum kind kind, enum field f, uint8_t version,
		   const uint8_t address[16])
{
	bool v4 = version == REC_IPV4;
	char text[INET6_ADDRSTRLEN];
	const void *from = address;

	if (!v4 && memcmp(address, v4_mapped, sizeof(v4_mapped)) == 0) {
		v4 = true;
		from = address + sizeof(v4_mapped);
	}
	if (inet_ntop(v4 ? AF_INET : AF_INET6, from, text, sizeof(text)))
		batch_set_str(c->b, kind, f, text, strlen(text));
}

static void set_community_id(struct event *c, enum kind kind, enum field f, const struct rec_tcp *t)
{
	struct community_flow flow = {
		.source_port = t->source_port,
		.destination_port = t->dest_port,
		.protocol = t->protocol,
		.ipv6 = t->version == REC_IPV6,
		.has_ports = true,
	};
	char id[COMMUNITY_ID_BYTES];

	if (t->source_port == 0) /* the call failed before it had an address of its own */
		return;
	memcpy(flow.source, t->source, sizeof(flow.source));
	memcpy(flow.destination, t->dest, sizeof(flow.destination));
	community_id(&flow, 0, id);
	if (id[0])
		batch_set_str(c->b, kind, f, id, strlen(id));
}

/* The destination and what both ends have in common. */
static void set_own_end(struct event *c, enum kind kind)
{
	const struct rec_tcp *t = c->r->tcp;

	set_ip(c, kind, FIELD_DEST_IP, t->version, t->dest);
	batch_set(c->b, kind, FIELD_DEST_PORT, t->dest_port);
	event_word(c, kind, FIELD_TRANSPORT, name_of_protocol(t->protocol));
	event_word(c, kind, FIELD_NETWORK_TYPE, t->version == REC_IPV4 ? "ipv4" : "ipv6");
}

/* Key of an address among the domains: IPv4 as mapped into IPv6. */
static void domain_key(uint8_t key[16], uint8_t version, const uint8_t address[16])
{
	if (version == REC_IPV4) {
		memcpy(key, v4_mapped, sizeof(v4_mapped));
		memcpy(key + sizeof(v4_mapped), address, 4);
	} else {
		memcpy(key, address, 16);
	}
}

static void set_flow(struct event *c, enum kind kind)
{
	const struct rec_tcp *t = c->r->tcp;
	const char *domain;
	uint8_t key[16];

	set_ip(c, kind, FIELD_SOURCE_IP, t->version, t->source);
	batch_set(c->b, kind, FIELD_SOURCE_PORT, t->source_port);
	set_own_end(c, kind);
	event_word(c, kind, FIELD_DIRECTION, t->direction == REC_EGRESS ? "egress" : "ingress");
	set_community_id(c, kind, FIELD_COMMUNITY_ID, t);
	if (t->direction != REC_EGRESS)
		return;
	domain_key(key, t->version, t->dest);
	domain = domains_find(c->e->domains, key, c->r->head->time_ns);
	if (domain)
		batch_set_str(c->b, kind, FIELD_DEST_DOMAIN, domain, strlen(domain));
}

/* ---- connections ---- */

void enrich_connect(struct event *c)
{
	enum kind kind = c->r->type == REC_CONNECT ? KIND_CONNECT : KIND_ACCEPT;

	event_begin(c, kind, event_row(c, known_actor(c->e->known, c->r->head)));
	if (kind == KIND_ACCEPT && (c->r->head->flags & REC_F_AS_ASKED))
		set_own_end(c, kind); /* whose the other one was is not known */
	else
		set_flow(c, kind);
	event_outcome(c, kind, c->r->tcp->error);
	if (kind == KIND_CONNECT)
		batch_set(c->b, kind, FIELD_DURATION, c->r->tcp->duration_ns);
}

void enrich_close(struct event *c)
{
	const struct rec_tcp *t = c->r->tcp;
	bool owner = !(c->r->head->flags & REC_F_NO_OWNER);

	event_begin(c, KIND_DISCONNECT,
		    owner ? event_row(c, known_named(c->e->known, c->r->head)) : 0);
	set_flow(c, KIND_DISCONNECT);
	event_outcome(c, KIND_DISCONNECT, t->error);
	batch_set(c->b, KIND_DISCONNECT, FIELD_DURATION, t->duration_ns);
	batch_set(c->b, KIND_DISCONNECT, FIELD_SOURCE_BYTES, t->source_bytes);
	batch_set(c->b, KIND_DISCONNECT, FIELD_DEST_BYTES, t->dest_bytes);
}

/* ---- sockets ---- */

void enrich_socket(struct event *c)
{
	enum kind kind = c->r->type == REC_LISTEN ? KIND_LISTEN : KIND_BIND;

	event_begin(c, kind, event_row(c, known_actor(c->e->known, c->r->head)));
	set_own_end(c, kind);
	event_outcome(c, kind, c->r->tcp->error);
}

void enrich_unix(struct event *c)
{
	event_begin(c, KIND_UNIX, event_row(c, known_actor(c->e->known, c->r->head)));
	event_walked(c, KIND_UNIX);
	event_word(c, KIND_UNIX, FIELD_FILE_TYPE, "socket");
	event_word(c, KIND_UNIX, FIELD_TRANSPORT, "unix");
	event_word(c, KIND_UNIX, FIELD_DIRECTION, "egress");
	event_outcome(c, KIND_UNIX, 0);
}

/* ---- datagrams ---- */

void enrich_datagram(struct event *c)
{
	bool owner = !(c->r->head->flags & REC_F_NO_OWNER);

	event_begin(c, KIND_DATAGRAM,
		    owner ? event_row(c, known_actor(c->e->known, c->r->head)) : 0);
	set_flow(c, KIND_DATAGRAM);
}

static void set_resolved(struct event *c, const struct dns_answer *a)
{
	uint32_t numbers[DNS_ADDRESSES_MAX];
	char text[INET6_ADDRSTRLEN];
	size_t n = 0;

	for (size_t i = 0; i < a->n_addresses; i++) {
		const struct dns_address *x = &a->addresses[i];
		uint8_t version = x->v6 ? REC_IPV6 : REC_IPV4;
		uint8_t key[16];

		domain_key(key, version, x->address);
		domains_add(c->e->domains, key, a->name, a->n_name, c->r->head->time_ns, x->ttl_s);
		if (inet_ntop(x->v6 ? AF_INET6 : AF_INET, x->address, text, sizeof(text)))
			numbers[n++] = batch_string(c->b, text, strlen(text));
	}
	if (n)
		batch_set_list(c->b, KIND_DNS, FIELD_DNS_RESOLVED, numbers, n);
}

static void print_type(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "TYPE%u", (unsigned)v);
}

static void print_rcode(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "RCODE%u", (unsigned)v);
}

void enrich_dns(struct event *c)
{
	const struct rec_dns *x = c->r->dns;
	const char *type, *rcode;
	struct dns_answer a;

	if (dns_read(&a, c->r->message, x->bytes) != 0) /* a query, or no DNS at all */
		return;
	type = dns_type_name(a.type);
	rcode = dns_rcode_name(a.rcode);
	event_begin(c, KIND_DNS, event_row(c, known_actor(c->e->known, c->r->head)));
	set_ip(c, KIND_DNS, FIELD_SOURCE_IP, x->version, x->server);
	event_word(c, KIND_DNS, FIELD_TRANSPORT, "udp");
	event_word(c, KIND_DNS, FIELD_NETWORK_TYPE, x->version == REC_IPV4 ? "ipv4" : "ipv6");
	event_word(c, KIND_DNS, FIELD_DIRECTION, "ingress");
	batch_set_str(c->b, KIND_DNS, FIELD_DNS_NAME, a.name, a.n_name);
	batch_set_row(c->b, KIND_DNS, FIELD_DNS_TYPE,
		      type ? gather_word(c->g, type) : gather_number(c->g, print_type, a.type));
	batch_set_row(c->b, KIND_DNS, FIELD_DNS_RCODE,
		      rcode ? gather_word(c->g, rcode) : gather_number(c->g, print_rcode, a.rcode));
	set_resolved(c, &a);
}

/* ---- translated addresses ---- */

static struct rec_tcp as_record(const struct conntrack_translation *t,
				const struct conntrack_tuple *tuple)
{
	struct rec_tcp r = { .version = t->ipv6 ? REC_IPV6 : REC_IPV4,
			     .protocol = t->protocol,
			     .source_port = tuple->source_port,
			     .dest_port = tuple->dest_port };

	memcpy(r.source, tuple->source, sizeof(r.source));
	memcpy(r.dest, tuple->dest, sizeof(r.dest));
	return r;
}

static void tell_translation(struct event *c, const struct conntrack_translation *t)
{
	const struct rec_tcp asked = as_record(t, &t->asked), led = as_record(t, &t->led);
	const enum kind kind = KIND_NAT;

	gather_event(c->g, kind, (*c->seq)++, c->e->now_ns);
	c->g->events[CLASS_BULK]++;
	set_ip(c, kind, FIELD_SOURCE_IP, asked.version, asked.source);
	batch_set(c->b, kind, FIELD_SOURCE_PORT, asked.source_port);
	set_ip(c, kind, FIELD_DEST_IP, asked.version, asked.dest);
	batch_set(c->b, kind, FIELD_DEST_PORT, asked.dest_port);
	event_word(c, kind, FIELD_TRANSPORT, name_of_protocol(t->protocol));
	event_word(c, kind, FIELD_NETWORK_TYPE, t->ipv6 ? "ipv6" : "ipv4");
	set_community_id(c, kind, FIELD_COMMUNITY_ID, &asked);
	set_ip(c, kind, FIELD_NAT_SOURCE_IP, led.version, led.source);
	batch_set(c->b, kind, FIELD_NAT_SOURCE_PORT, led.source_port);
	set_ip(c, kind, FIELD_NAT_DEST_IP, led.version, led.dest);
	batch_set(c->b, kind, FIELD_NAT_DEST_PORT, led.dest_port);
	set_community_id(c, kind, FIELD_NAT_COMMUNITY_ID, &led);
}

bool enrich_translations(struct enrich *e, struct gather *g, uint64_t *seq)
{
	struct event c = { .e = e, .g = g, .b = g->batch, .seq = seq };
	struct conntrack_translation t;

	for (int i = 0; e->conntrack && i < ENRICH_TRANSLATIONS; i++) {
		if (!conntrack_next(e->conntrack, &t))
			break;
		tell_translation(&c, &t);
	}
	return !e->conntrack || !conntrack_overran(e->conntrack);
}
