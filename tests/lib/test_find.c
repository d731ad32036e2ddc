/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "lib/find.h"

/* Every place and length in texts of few letters, where half hits are many; the text ends where its
 * memory does, so that a sanitizer sees a byte too far. */
static void test_find_given_texts_when_looked_through_then_as_memmem(void **state)
{
	uint64_t random = 88172645463325252u;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		size_t n = round % 70, m;
		char *s = malloc(n ? n : 1), what[80];

		assert_non_null(s);
		for (size_t i = 0; i < n; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			s[i] = (char)('a' + random % 2 * (random >> 32) % 2);
		}
		m = (random >> 8) % 6;
		for (size_t i = 0; i < m; i++)
			what[i] = (char)('a' + (random >> (16 + i)) % 2);
		assert_ptr_equal(find_text(s, n, what, m), m ? memmem(s, n, what, m) : s);
		if (n) { /* the whole, and its end */
			assert_ptr_equal(find_text(s, n, s, n), s);
			assert_ptr_equal(find_text(s, n, s + n - 1, 1), memchr(s, s[n - 1], n));
		}
		free(s);
	}
	assert_null(find_text("abc", 3, "abcd", 4));
	assert_non_null(find_text("\xff\x80zz\xff\x80", 6, "z\xff\x80", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_given_texts_when_looked_through_then_as_memmem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
