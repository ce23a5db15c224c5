/*
 * fuzz_udp.c: a UDP header that is accepted lies within the bytes, and so does its datagram; it is
 * accepted with fewer bytes exactly as long as the datagram is whole.
 */
#include "base/be.h"
#include "fuzz.h"
#include "wire/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct udp_hdr h, again;

	if (udp_parse(&h, data, size)) {
		fuzz_assert(size < UDP_HDR_LEN || be16_get(data + 4) < UDP_HDR_LEN ||
			    be16_get(data + 4) > size);
		return 0;
	}
	fuzz_assert(h.len >= UDP_HDR_LEN && h.len <= size);
	fuzz_assert(h.src_port == be16_get(data) && h.dst_port == be16_get(data + 2));
	fuzz_assert(udp_parse(&again, data, h.len) == 0 && again.len == h.len);
	fuzz_assert(udp_parse(&again, data, h.len - 1u) == -1);
	return 0;
}
