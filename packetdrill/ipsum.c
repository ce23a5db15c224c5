#include "ipsum.h"

#include <netinet/in.h>
#include <string.h>

#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define TCP_SUM_AT 16u

static uint32_t sum_add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len & 1)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

bool pd_ip_view(const uint8_t *ip, size_t len, struct pd_ip_view *out)
{
	if (len >= IP4_HEADER && ip[0] >> 4 == 4) {
		*out = (struct pd_ip_view){
			.family = 4, .l4_start = (size_t)(ip[0] & 15) * 4, .proto = ip[9]};
		return out->l4_start >= IP4_HEADER && out->l4_start <= len;
	}
	if (len >= IP6_HEADER && ip[0] >> 4 == 6) {
		*out = (struct pd_ip_view){.family = 6, .l4_start = IP6_HEADER, .proto = ip[6]};
		return true;
	}
	return false;
}

static uint32_t pseudo(const uint8_t *ip, size_t len, const struct pd_ip_view *v)
{
	size_t l4_len = len - v->l4_start;
	uint32_t sum = v->proto + (uint32_t)(l4_len & 0xffff) + (uint32_t)(l4_len >> 16);

	return v->family == 4 ? sum_add(sum, ip + 12, 8) : sum_add(sum, ip + 8, 32);
}

void pd_ip_resize(uint8_t *ip, size_t len, uint16_t id_add)
{
	if (ip[0] >> 4 == 6) {
		put16(ip + 4, (uint16_t)(len - IP6_HEADER));
		return;
	}
	put16(ip + 2, (uint16_t)len);
	put16(ip + 4, (uint16_t)((ip[4] << 8 | ip[5]) + id_add));
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~sum_fold(sum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
}

void pd_tcp_sum_set(uint8_t *ip, size_t len, const struct pd_ip_view *v)
{
	uint8_t *tcp = ip + v->l4_start;

	put16(tcp + TCP_SUM_AT, 0);
	put16(tcp + TCP_SUM_AT,
	      (uint16_t)~sum_fold(sum_add(pseudo(ip, len, v), tcp, len - v->l4_start)));
}

bool pd_sums_ok(const uint8_t *ip, size_t len)
{
	struct pd_ip_view v;
	uint32_t sum;

	if (!pd_ip_view(ip, len, &v))
		return false;
	if (v.family == 4 && sum_fold(sum_add(0, ip, v.l4_start)) != 0xffff)
		return false;
	if (v.proto != IPPROTO_TCP && v.proto != IPPROTO_ICMP && v.proto != IPPROTO_ICMPV6)
		return true;
	sum = v.proto == IPPROTO_ICMP ? 0 : pseudo(ip, len, &v);
	return sum_fold(sum_add(sum, ip + v.l4_start, len - v.l4_start)) == 0xffff;
}
