/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "collector/disk.h"
#include "lib/log.h"

static struct disk_space told;
static int told_error;

static int tell(const char *dir, struct disk_space *ret)
{
	assert_string_equal(dir, "/somewhere");
	*ret = told;
	return told_error;
}

static enum disk_state look(struct disk *d, uint64_t free_bytes)
{
	told.free_bytes = free_bytes;
	disk_check(d);
	return disk_state(d);
}

static void test_disk_given_limit_when_space_goes_and_comes_then_states_have_a_margin(void **state)
{
	struct disk d;

	(void)state;
	told = (struct disk_space){ 0, 1 << 30 };
	disk_init(&d, "/somewhere", 3200, tell);
	assert_int_equal(disk_state(&d), DISK_OK);
	assert_int_equal(look(&d, 3200), DISK_OK);
	assert_int_equal(look(&d, 3199), DISK_LOW);
	assert_int_equal(look(&d, 3399), DISK_LOW);
	assert_int_equal(look(&d, 3400), DISK_OK);
	assert_int_equal(look(&d, 1600), DISK_LOW);
	assert_int_equal(look(&d, 1599), DISK_FULL);
	assert_int_equal(look(&d, 1699), DISK_FULL);
	assert_int_equal(look(&d, 1700), DISK_LOW);
	assert_int_equal(look(&d, 0), DISK_FULL);
	assert_int_equal(look(&d, 1 << 20), DISK_OK);
	assert_int_equal(disk_free_bytes(&d), 1 << 20);
}

static void test_disk_given_auto_when_disk_is_small_then_one_percent(void **state)
{
	static const uint64_t gib = 1 << 30;
	struct disk d;

	(void)state;
	disk_init(&d, "/somewhere", DISK_AUTO, tell);
	told.total_bytes = 20 * gib;
	assert_int_equal(look(&d, gib / 5), DISK_OK);
	assert_int_equal(look(&d, gib / 5 - 100), DISK_LOW);
	told.total_bytes = 4000 * gib;
	assert_int_equal(look(&d, 2 * gib), DISK_OK);
	assert_int_equal(look(&d, gib - 1), DISK_LOW);
}

static void test_disk_given_error_when_looked_at_then_state_stays(void **state)
{
	struct disk d;

	(void)state;
	told = (struct disk_space){ 0, 1 << 30 };
	disk_init(&d, "/somewhere", 1000, tell);
	assert_int_equal(look(&d, 900), DISK_LOW);
	told_error = -EIO;
	assert_int_equal(look(&d, 5000), DISK_LOW);
	told_error = 0;
	assert_int_equal(look(&d, 5000), DISK_OK);
}

static void test_disk_given_no_limit_when_looked_at_then_never_low(void **state)
{
	struct disk d;

	(void)state;
	disk_init(&d, NULL, 1000, tell);
	assert_int_equal(look(&d, 0), DISK_OK);
	disk_init(&d, "/somewhere", 0, tell);
	assert_int_equal(look(&d, 0), DISK_OK);
	disk_init(&d, ".", 1, NULL);
	disk_check(&d);
	assert_true(disk_free_bytes(&d) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_disk_given_limit_when_space_goes_and_comes_then_states_have_a_margin),
		cmocka_unit_test(test_disk_given_auto_when_disk_is_small_then_one_percent),
		cmocka_unit_test(test_disk_given_error_when_looked_at_then_state_stays),
		cmocka_unit_test(test_disk_given_no_limit_when_looked_at_then_never_low),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
