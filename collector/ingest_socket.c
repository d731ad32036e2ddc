/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_socket.h"

#include <nng/protocol/reqrep0/rep.h>

#include "lib/limits.h"

enum {
	SEND_MS = 1000,	     /* longest wait for room to put an Ack */
	QUEUE_MESSAGES = 32, /* that NNG reads ahead of us */
};

static int from_nng(int rv)
{
	switch (rv) {
	case 0:
		return 0;
	case NNG_EADDRINUSE:
		return err_origin(-EADDRINUSE);
	case NNG_ENOMEM:
		return err_origin(-ENOMEM);
	case NNG_EADDRINVAL:
	case NNG_ENOTSUP:
	case NNG_EINVAL:
		return err_origin(-EINVAL);
	case NNG_EPERM:
		return err_origin(-EACCES);
	default:
		return err_origin(rv & NNG_ESYSERR ? -(rv & ~NNG_ESYSERR) : -EIO);
	}
}

int ingest_socket_open(nng_socket *ret, bool *ret_open, const char *url, struct diag *d)
{
	int rv = nng_rep0_open_raw(ret);

	*ret_open = rv == 0;
	if (rv == 0)
		rv = nng_socket_set_size(*ret, NNG_OPT_RECVMAXSZ, LIMIT_FRAME_BYTES);
	if (rv == 0)
		rv = nng_socket_set_int(*ret, NNG_OPT_RECVBUF, QUEUE_MESSAGES);
	if (rv == 0)
		rv = nng_socket_set_ms(*ret, NNG_OPT_SENDTIMEO, SEND_MS);
	if (rv == 0)
		rv = nng_listen(*ret, url, NULL, 0);
	if (rv != 0)
		return diag_set(d, from_nng(rv), 0, 0, "cannot listen on %s: %s", url,
				nng_strerror(rv));
	return 0;
}
