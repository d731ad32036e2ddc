/* SPDX-License-Identifier: Apache-2.0 */
/* rtsec-sensor: runs, looks whether it could (doctor), or joins a collector (enroll). */
#include "lib/log.h"
#include "lib/service.h"
#include "sensor/daemon.h"
#include "sensor/doctor.h"
#include "sensor/enrol.h"
#include "sensor/identity.h"

/* --help, --version, --check-config: asks about the settings, runs nothing. */
static void answer(const struct options *o)
{
	if (o->common.help)
		options_help(stdout);
	else if (o->common.version)
		printf("rtsec-sensor %s\n", RTSEC_VERSION);
	else
		printf("%s: the settings are right\n",
		       config_file(o->config) ? config_file(o->config) : "no configuration file");
}

static int see_doctor(struct options *o)
{
	static struct doctor d;
	static struct identity identity;
	AUTO_BUF struct buf text = { 0 };

	if (o->collectors.n == 0 && identity_load(&identity, o->state_dir, NULL) == 0)
		o->collectors = (struct config_texts){ .at = { identity.events }, .n = 1 };
	d.options = o;
	doctor_run(&d);
	doctor_print(&d, o->output == OUTPUT_JSON, &text);
	if (!buf_ok(&text) || fwrite(text.data, 1, text.n, stdout) != text.n || fflush(stdout) != 0)
		return EXIT_RUNTIME;
	return doctor_worst(&d) == DOCTOR_FAIL ? EXIT_UNFIT : 0;
}

int main(int argc, char **argv)
{
	static struct options o;
	const struct config_common *common = &o.common;
	struct diag d = { 0 };
	char text[900];
	int code = 0;

	service_no_core();
	if (argc > 1 && strcmp(argv[1], "enroll") == 0)
		return enrol_main(argc - 1, argv + 1);
	if (options_parse(&o, argc, argv, &d) < 0) {
		fprintf(stderr, "rtsec-sensor: %s\n", diag_format(&d, text, sizeof(text)));
		return EXIT_USAGE;
	}
	log_set_level(o.log_level);
	if (common->help || common->version || common->check)
		answer(&o);
	else if (o.doctor)
		code = see_doctor(&o);
	else
		code = daemon_run(&o, argc, argv);
	options_done(&o);
	return code;
}
