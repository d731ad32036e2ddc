/* SPDX-License-Identifier: Apache-2.0 */
/* banned - turns functions that have hurt people into compile errors.
 * Thread: any.  Include after the C headers; lib/util.h does so for everyone. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll gets localtime gmtime
