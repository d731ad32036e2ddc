/* SPDX-License-Identifier: Apache-2.0 */
/* metrics - the collector's numbers, one table: for /metrics (Prometheus' text format, 0.0.4) and
 * /api/v1/status.
 * Thread: as each call says. */
#pragma once
#include "collector/request.h"

/*   X(ID, group, key, "type", "help"): rtsec_GROUP_KEY in /metrics (a counter
 * with _total behind), .GROUP.KEY in /status */
#define METRICS(X)                                                                                \
	X(STORE_BLOCKS, store, blocks, "gauge", "Batches in the store")                           \
	X(STORE_EVENTS, store, events, "gauge", "Events in the store")                            \
	X(STORE_BYTES, store, bytes, "gauge", "Bytes of the store's files")                       \
	X(STORE_DAYS, store, days, "gauge", "Day files of the store")                             \
	X(STORE_DAMAGED_BLOCKS, store, damaged_blocks, "gauge",                                   \
	  "Batches that were found damaged and are not read")                                     \
	X(STORE_DAMAGED_EVENTS, store, damaged_events, "gauge", "Events in them")                 \
	X(INGEST_BATCHES, ingest, batches, "counter", "Batches stored since start")               \
	X(INGEST_EVENTS, ingest, events, "counter", "Events stored since start")                  \
	X(INGEST_BYTES, ingest, bytes, "counter", "Bytes of batches stored since start")          \
	X(INGEST_DUPLICATES, ingest, duplicates, "counter", "Batches that were there before")     \
	X(INGEST_REFUSED, ingest, refused, "counter", "Batches that broke the format or a limit") \
	X(INGEST_BUSY, ingest, busy, "counter", "Batches turned away to be sent again")           \
	X(INGEST_HEARTBEATS, ingest, heartbeats, "counter", "Batches without events")             \
	X(INGEST_COMMITS, ingest, commits, "counter", "Commits to disk")                          \
	X(INGEST_COMMIT_NS, ingest, commit_ns, "counter", "Nanoseconds spent in commits")         \
	X(INGEST_DISK_BUSY, ingest, disk_busy, "counter",                                         \
	  "Batches among them turned away because the disk is nearly full")                       \
	X(INGEST_DISK_LOW, ingest, disk_low, "gauge",                                             \
	  "1 while only priority batches are taken for want of space, 2 while none is")           \
	X(INGEST_DISK_FREE, ingest, disk_free_bytes, "gauge", "Free bytes of the disk")           \
	X(INGEST_FAILING, ingest, failing, "gauge", "1 while the store fails and batches wait")   \
	X(INGEST_ALARMS_LOST, ingest, alarms_lost, "counter",                                     \
	  "Alarms about sensors that found no place while the store failed")                      \
	X(MERGE_BLOCKS, merge, blocks, "counter", "Small blocks merged since start")              \
	X(MERGE_INTO, merge, into, "counter", "Blocks that they were merged into")                \
	X(MERGE_FAILURES, merge, failures, "counter", "Merges that failed")                       \
	X(PEERS_HANDSHAKES, tls, handshakes, "counter", "Sensors' connections that got in")       \
	X(PEERS_FAILED, tls, failed, "counter", "Connections without a good certificate")         \
	X(REMOVED_DAYS, removed, days, "counter", "Days of history that retention has removed")   \
	X(REMOVED_EVENTS, removed, events, "counter", "Events in them")                           \
	X(REMOVED_BYTES, removed, bytes, "counter", "Bytes of their files")                       \
	X(FLOWS_KEPT, flows, kept, "gauge",                                                       \
	  "Connections kept: edges between processes, and halves")                                \
	X(FLOWS_EVENTS, flows, events, "counter", "Connection events joined since start")         \
	X(FLOWS_EVICTED, flows, evicted, "counter", "Connections that went before their day did") \
	X(FLOWS_CROWDED, flows, crowded, "counter",                                               \
	  "Connection events left out because too many have one 5-tuple")                         \
	X(FACTS_KEPT, facts, kept, "gauge",                                                       \
	  "Executables, destinations, users and so on that are known")                            \
	X(FACTS_EVICTED, facts, evicted, "counter",                                               \
	  "Of these forgotten because there were too many")                                       \
	X(RULES_ACTIVE, rules, active, "gauge", "Rules that are asked of every batch")            \
	X(RULES_HITS, rules, hits, "counter", "Hits of rules since start")                        \
	X(RULES_ALERTS, rules, alerts, "counter", "Alerts made of them")                          \
	X(RULES_SUPPRESSED, rules, suppressed, "counter",                                         \
	  "Hits that only raised the count of an alert")                                          \
	X(RULES_EVICTED, rules, evicted, "counter",                                               \
	  "Partial matches and counted hits forgotten to bound memory")                           \
	X(RULES_LATE, rules, late, "counter",                                                     \
	  "Events that came after their time was over for a sequence or a window")                \
	X(RULES_FORGOTTEN, rules, forgotten, "counter",                                           \
	  "Groups of hits forgotten to bound memory; they are found again in main.db")            \
	X(RULES_STATE, rules, state_bytes, "gauge",                                               \
	  "Bytes kept of partial matches and counted hits")                                       \
	X(RULES_DEAR, rules, dear, "gauge", "Rules that take too long and are asked less often")  \
	X(RULES_SKIPPED, rules, skipped, "counter", "Times that dear rules were left out")        \
	X(RULES_RELOADS, rules, reloads, "counter", "Rule sets put in force since start")         \
	X(RULES_FAILED, rules, failed_loads, "counter", "Rule sets that could not be loaded")     \
	X(OUTPUTS_SENT, outputs, sent, "counter", "Alerts told to outputs since start")           \
	X(OUTPUTS_FAILED, outputs, failed, "counter", "Messages that an output did not take")     \
	X(OUTPUTS_DEAD, outputs, dead, "gauge", "Alerts that outputs gave up to tell")            \
	X(NODES_KNOWN, nodes, known, "gauge", "Nodes that have ever sent events")                 \
	X(NODES_UP, nodes, up, "gauge", "Nodes heard of within 30 seconds")                       \
	X(NODES_LOST, nodes, events_lost, "counter",                                              \
	  "Events that sensors say they lost since their start")                                  \
	X(HTTP_REQUESTS, http, requests, "counter", "Requests")                                   \
	X(HTTP_2XX, http, answers_2xx, "counter", "Answers with a status of 200 to 299")          \
	X(HTTP_3XX, http, answers_3xx, "counter", "Answers with a status of 300 to 399")          \
	X(HTTP_4XX, http, answers_4xx, "counter", "Answers with a status of 400 to 499")          \
	X(HTTP_5XX, http, answers_5xx, "counter", "Answers with a status of 500 to 599")          \
	X(HTTP_UNAUTHORIZED, http, unauthorized, "counter", "Requests without a fitting token")   \
	X(HTTP_LIMITED, http, limited, "counter",                                                 \
	  "Requests turned away because there were too many")                                     \
	X(HTTP_CANCELLED, http, cancelled, "counter", "Questions whose client went away")         \
	X(HTTP_BUSY, http, busy, "counter", "Questions turned away because too many waited")      \
	X(HTTP_CONNECTIONS, http, connections, "gauge", "Open connections")                       \
	X(HTTP_JOBS, http, jobs, "gauge", "Questions that run or wait")                           \
	X(TAIL_OPEN, tail, open, "gauge", "Live tails")                                           \
	X(TAIL_EVENTS, tail, events, "counter", "Events sent to live tails")                      \
	X(TAIL_DROPPED, tail, dropped, "counter",                                                 \
	  "Events dropped for clients or a loop that were too slow")

enum metric {
#define X(id, ...) METRIC_##id,
	METRICS(X)
#undef X
		METRIC_MAX
};

struct metric_info {
	const char *group, *key, *type, *help;
};
const struct metric_info *metric_info(enum metric m);

struct metrics {
	uint64_t value[METRIC_MAX];
	struct follow_stats observers[FOLLOW_OBSERVERS];
	size_t n_observers;
	struct detect *detect;		   /* for the numbers of each rule; NULL: none */
	uint64_t alarms[WATCH_CONDITIONS]; /* nodes: rtsec_node_alarms{reason}, .alarms.REASON */
	uint64_t refused[REFUSAL_MAX]; /* rtsec_refused_total{what,reason}, .refused.WHAT_REASON */
};

/* Those of each observer (collector/follow.h), as X(member, "key", "type", "help"):
 * rtsec_follow_KEY{observer="NAME"} in /metrics, .followers[].KEY in /status. */
#define FOLLOW_METRICS(X)                                                                   \
	X(lag_ns, lag_ns, "gauge", "Age of the batch that the observer is at; 0: seen all") \
	X(batches, batches, "counter", "Batches that the observer took in since start")     \
	X(events, events, "counter", "Events in them")                                      \
	X(failures, failures, "counter", "Tries that failed and were repeated")             \
	X(skipped, skipped, "counter", "Batches passed over after failing again and again") \
	X(damaged, damaged, "counter", "Batches that could not be read from the store")

/* Those of the dearest METRICS_RULES rules that were asked, as X(member, "key", "type", "help"):
 * rtsec_rule_KEY{rule="ID"} in /metrics; /api/v1/rules has all rules. */
#define RULE_METRICS(X)                                                          \
	X(hits, hits, "counter", "Hits of the rule since start")                 \
	X(ns, cost_ns, "counter", "Nanoseconds of CPU that asking it has taken") \
	X(asked, batches, "counter", "Batches that it was asked of")             \
	X(skipped, skipped, "counter", "Batches that it was not asked of, being dear")
enum { METRICS_RULES = 200 };

/* Reads everything but the store's totals.  On the loop. */
void metrics_read_loop(struct metrics *m, const struct server *s);
/* The store's.  In the thread that owns @reader.  Returns 0 or an errno of store_totals(). */
NODISCARD int metrics_read_store(struct metrics *m, struct store_reader *reader);

/* Any thread. */
void metrics_write(const struct metrics *m, struct buf *out);
