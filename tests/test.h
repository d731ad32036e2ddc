/* SPDX-License-Identifier: Apache-2.0 */
/* test - cmocka and what it needs, in the order it needs it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/util.h"

/* A string literal and its length, for calls that take both. */
#define TEXT(s) (s), sizeof(s) - 1
