/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/uuid.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int uuid_parse(const char *s, size_t n, uint8_t ret[16])
{
	size_t at = 0;

	if (n < UUID_TEXT)
		return err_origin(-EBADMSG);
	for (size_t i = 0; i < UUID_TEXT; i++) {
		int digit;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return err_origin(-EBADMSG);
			continue;
		}
		digit = hex_digit(s[i]);
		if (digit < 0)
			return err_origin(-EBADMSG);
		ret[at / 2] = (uint8_t)(at % 2 ? ret[at / 2] | digit : digit << 4);
		at++;
	}
	return 0;
}
