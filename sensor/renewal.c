/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/renewal.h"

#include "lib/log.h"
#include "lib/timestamp.h"

enum { LOOK_MS = 3600 * 1000 };

static void renew(uv_work_t *work)
{
	struct renewal *r = work->data;

	r->result = enrol_renew(r->config.state_dir, timestamp_now(), &r->says);
}

static void on_renewed(uv_work_t *work, int status)
{
	struct renewal *r = work->data;
	int e = status < 0 ? status : r->result;
	char text[1100];

	r->is_under_way = false;
	if (e >= 0) /* ENROL_E_NOT_DUE: the one on disk is newer than ours */
		e = r->config.take(r->config.arg, &r->says);
	if (e < 0)
		log_error("identity.not_renewed", "reason=%s",
			  log_value(r->says.text, strlen(r->says.text), text, sizeof(text)));
	if (e == 0)
		log_info("identity.renewed", "serial=%s", r->config.identity->cert.serial);
}

static void on_look(uv_timer_t *timer)
{
	struct renewal *r = timer->data;

	if (r->is_under_way || !enrol_is_due(&r->config.identity->cert, timestamp_now()))
		return;
	r->work.data = r;
	r->is_under_way = uv_queue_work(r->config.loop, &r->work, renew, on_renewed) == 0;
}

int renewal_start(struct renewal *r, const struct renewal_config *config)
{
	int e;

	*r = (struct renewal){ .config = *config };
	e = uv_timer_init(config->loop, &r->timer);
	r->timer.data = r;
	if (e == 0 && config->identity->pem[0])
		e = uv_timer_start(&r->timer, on_look, 0, LOOK_MS);
	return e < 0 ? err_origin(e) : 0;
}
