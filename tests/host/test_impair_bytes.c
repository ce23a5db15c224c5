/*
 * What a path does to the bytes of a packet: marks, damage.
 */
#include "host/impair_path.h"

static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static void fill(uint8_t *packet, size_t len, uint8_t version)
{
	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(i * 37 + 11);
	packet[0] = (uint8_t)(version << 4 | 5);
	packet[1] = version == 4 ? 0x02 : 0x20;
}

static void test_set_ce(void **state)
{
	uint8_t packet[60];

	(void)state;
	fill(packet, sizeof(packet), 4);
	for (unsigned id = 0; id < 65536; id++) {
		uint32_t sum;

		packet[1] = (uint8_t)(id >> 8 & 0xfc) | WEIR_IMPAIR_ECT0;
		packet[4] = (uint8_t)(id >> 8);
		packet[5] = (uint8_t)id;
		packet[10] = packet[11] = 0;
		sum = sum_of(packet, 20);
		sum = (sum & 0xffff) + (sum >> 16);
		packet[10] = (uint8_t)(~sum >> 8);
		packet[11] = (uint8_t)~sum;
		weir_impair_set_ce(packet, sizeof(packet));
		assert_int_equal(weir_impair_ecn_of(packet, sizeof(packet)), WEIR_IMPAIR_CE);
		assert_int_equal(sum_of(packet, 20), 0xffff);
		weir_impair_set_ce(packet, sizeof(packet));
		assert_int_equal(sum_of(packet, 20), 0xffff);
	}
	fill(packet, sizeof(packet), 6);
	assert_int_equal(weir_impair_ecn_of(packet, sizeof(packet)), WEIR_IMPAIR_ECT0);
	weir_impair_set_ce(packet, sizeof(packet));
	assert_int_equal(weir_impair_ecn_of(packet, sizeof(packet)), WEIR_IMPAIR_CE);
	assert_int_equal(packet[0], 0x65);
	assert_int_equal(packet[1], 0x30);
	assert_int_equal(weir_impair_ecn_of(packet, 39), WEIR_IMPAIR_NOT_ECT);
}

static void test_damage(void **state)
{
	static const size_t lengths[] = {20, 41, 60};
	uint8_t was[60], packet[60];

	(void)state;
	for (uint64_t n = 0; n < 60000; n++) {
		size_t len = lengths[n % 3];
		uint8_t version = n % 2 && len > 40 ? 6 : 4;
		uint64_t noise = n * UINT64_C(0x9e3779b97f4a7c15);

		fill(was, len, version);
		memcpy(packet, was, len);
		weir_impair_damage(packet, len, noise);
		assert_int_not_equal(sum_of(packet, len) % 0xffff, sum_of(was, len) % 0xffff);
		if (version == 6)
			assert_memory_equal(packet + 4, was + 4, 3);
	}
	fill(was, sizeof(was), 9);
	memcpy(packet, was, sizeof(was));
	weir_impair_damage(packet, sizeof(packet), 1);
	weir_impair_set_ce(packet, sizeof(packet));
	assert_memory_equal(packet, was, sizeof(was));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_ce),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
