/* SPDX-License-Identifier: Apache-2.0 */
/* What enrich makes of records of the network. */
#include "tests/sensor/enrich_fixture.h"

#include <errno.h>

#include "tests/sensor/conntrack_message.h"
#include "tests/sensor/dns_message.h"

static void test_enrich_net_given_waiting_sockets_when_told_then_their_own_end_is_the_destination(
	void **state)
{
	(void)state;
	made_tcp(&made, REC_LISTEN, 10, 10 * second, 20 * second);
	made.tcp.direction = REC_INGRESS;
	feed();
	made_tcp(&made, REC_BIND, 10, 10 * second, 20 * second);
	made.tcp.protocol = 17;
	made.tcp.error = EADDRINUSE;
	feed();
	made_tcp(&made, REC_BIND, 10, 10 * second, 20 * second);
	made.tcp.protocol = 200;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_LISTEN));
	check_text(0, "destination.ip", "10.20.30.41");
	check_number(0, "destination.port", 443);
	check_text(0, "source.ip", NULL);
	check_text(0, "network.transport", "tcp");
	check_text(0, "network.type", "ipv4");
	check_text(0, "event.outcome", "success");
	assert_int_equal(2, rows(KIND_BIND));
	check_text(0, "network.transport", "udp");
	check_text(0, "error.code", "EADDRINUSE");
	check_text(1, "network.transport", NULL);
}

static void test_enrich_net_given_an_accepted_connection_that_is_gone_when_told_then_one_end_is(
	void **state)
{
	(void)state;
	made_tcp(&made, REC_ACCEPT, 10, 10 * second, 20 * second);
	made.head.flags = REC_F_AS_ASKED;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_ACCEPT));
	check_text(0, "source.ip", NULL);
	check_text(0, "network.community_id", NULL);
	check_text(0, "destination.ip", "10.20.30.41");
	check_number(0, "destination.port", 443);
	check_text(0, "event.outcome", "success");
}

static void test_enrich_net_given_a_datagram_when_told_then_it_is_a_flow_over_udp(void **state)
{
	(void)state;
	made_tcp(&made, REC_DATAGRAM, 10, 10 * second, 20 * second);
	made.tcp.protocol = 17;
	feed();
	made.head.flags = REC_F_NO_OWNER;
	made.head.tgid = made.head.tid = 0;
	made.head.start_ns = 0;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_DATAGRAM));
	check_number(0, "process.pid", 10);
	check_text(0, "source.ip", "10.20.30.40");
	check_text(0, "destination.ip", "10.20.30.41");
	check_text(0, "network.transport", "udp");
	check_text(0, "network.direction", "egress");
	check_text(0, "network.community_id", "1:Vxd5tdGWS6I4x4dymPeSzWQAUfI=");
	check_text(1, "source.ip", "10.20.30.40");
	assert_int_equal(VALUE_NULL, value(1, "process.pid").type);
}

static void test_enrich_net_given_translations_when_told_then_both_tuples_are_fields(void **state)
{
	(void)state;
	enrich_tick(w.enrich);
	assert_true(enrich_translations(w.enrich, &w.gather, &w.seq));
	assert_int_equal(write(w.kernel, tcp4, sizeof(tcp4)), sizeof(tcp4));
	assert_int_equal(write(w.kernel, udp6, sizeof(udp6)), sizeof(udp6));
	assert_true(enrich_translations(w.enrich, &w.gather, &w.seq));
	seal();
	assert_int_equal(2, rows(KIND_NAT));
	check_text(0, "source.ip", "127.0.0.1");
	check_number(0, "destination.port", 7009);
	check_text(0, "destination.nat.ip", "127.0.0.1");
	check_number(0, "destination.nat.port", 7010);
	check_number(0, "source.nat.port", 48972);
	check_text(0, "network.transport", "tcp");
	check_text(1, "destination.ip", "fd00::9");
	check_text(1, "source.nat.ip", "fd00::3");
	check_text(1, "destination.nat.ip", "fd00::2");
	check_number(1, "source.nat.port", 6000);
	check_text(1, "network.type", "ipv6");
	assert_int_equal(VALUE_NULL, value(1, "process.pid").type);
	assert_int_equal(VALUE_STRING, value(1, "rtsec.nat.community_id").type);
}

static void test_enrich_net_given_a_unix_socket_when_told_then_its_path_is_a_field(void **state)
{
	(void)state;
	made_unix(&made, 10, 10 * second, 20 * second, "/run/docker.sock");
	feed();
	seal();
	assert_int_equal(1, rows(KIND_UNIX));
	check_text(0, "file.path", "/run/docker.sock");
	check_text(0, "file.name", "docker.sock");
	check_text(0, "network.transport", "unix");
	check_text(0, "event.outcome", "success");
}

static void test_enrich_net_given_an_answer_when_told_then_its_words_are_fields(void **state)
{
	(void)state;
	made_dns(&made, 10, 10 * second, 20 * second, dns_message, sizeof(dns_message));
	feed();
	made_dns(&made, 10, 10 * second, 20 * second, dns_message, 33);
	((uint8_t *)&made)[sizeof(struct rec_dns) + 3] = 0x8f;
	((uint8_t *)&made)[sizeof(struct rec_dns) + 29] = 0xff;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_DNS));
	check_text(0, "dns.question.name", "www.example.org");
	check_text(0, "dns.question.type", "A");
	check_text(0, "dns.response_code", "NOERROR");
	check_list(0, "dns.resolved_ip", "192.0.2.7 2001:db8::7");
	check_text(0, "source.ip", "10.0.0.0");
	check_text(1, "dns.question.type", "TYPE65281");
	check_text(1, "dns.response_code", "RCODE15");
	check_list(1, "dns.resolved_ip", "");
}

static void test_enrich_net_given_no_answer_when_told_then_no_event_comes(void **state)
{
	(void)state;
	made_dns(&made, 10, 10 * second, 20 * second, "no message", 10);
	feed();
	made_dns(&made, 10, 10 * second, 20 * second, "", 0);
	feed();
	seal();
	assert_int_equal(0, rows(KIND_DNS));
}

static void test_enrich_net_given_a_resolved_address_when_connected_then_the_domain_is_told(
	void **state)
{
	static const uint8_t four[] = { 192, 0, 2, 7 };

	(void)state;
	made_tcp(&made, REC_CONNECT, 10, 10 * second, 19 * second);
	memcpy(made.tcp.dest, four, 4);
	feed();
	made_dns(&made, 10, 10 * second, 20 * second, dns_message, sizeof(dns_message));
	feed();
	made_tcp(&made, REC_CONNECT, 11, 11 * second, 21 * second); /* any process of the node */
	memcpy(made.tcp.dest, four, 4);
	feed();
	made_tcp(&made, REC_CONNECT, 11, 11 * second, 21 * second); /* another address */
	feed();
	made_tcp(&made, REC_ACCEPT, 11, 11 * second, 21 * second); /* our own end */
	memcpy(made.tcp.dest, four, 4);
	feed();
	seal();
	assert_int_equal(3, rows(KIND_CONNECT));
	check_text(0, "destination.domain", NULL);
	check_text(1, "destination.domain", "www.example.org");
	check_text(2, "destination.domain", NULL);
	assert_int_equal(1, rows(KIND_ACCEPT));
	check_text(0, "destination.domain", NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(test_enrich_net_given_##name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(waiting_sockets_when_told_then_their_own_end_is_the_destination),
		T(an_accepted_connection_that_is_gone_when_told_then_one_end_is),
		T(a_datagram_when_told_then_it_is_a_flow_over_udp),
		T(translations_when_told_then_both_tuples_are_fields),
		T(a_unix_socket_when_told_then_its_path_is_a_field),
		T(an_answer_when_told_then_its_words_are_fields),
		T(no_answer_when_told_then_no_event_comes),
		T(a_resolved_address_when_connected_then_the_domain_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
