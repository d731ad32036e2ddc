/* SPDX-License-Identifier: Apache-2.0 */
/* probe_skel - the object that was made of bpf/ at build, and the one for kernels before 5.17 (see
 * bpf/kernel.h), whose maps, programs and globals are the same; inside of probe only. */
#pragma once
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "bpf/rtsec.skel.h"
#include "bpf/rtsec_old.skel.h"
#pragma GCC diagnostic pop
