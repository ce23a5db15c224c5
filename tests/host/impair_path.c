#include "host/impair_path.h"

#include <math.h>

#define SIGMA 5.0

struct weir_impair *impair_make(const struct weir_impair_conf *conf)
{
	size_t size = weir_impair_size(conf);
	struct weir_impair *im = weir_impair_init(malloc(size), size, conf);

	assert_non_null(im);
	return im;
}

struct weir_impair_out impair_wait(struct weir_impair *im)
{
	struct weir_impair_out out;
	weir_time at;

	while ((at = weir_impair_deadline(im)) != WEIR_NEVER) {
		if (weir_impair_next(im, at, &out)) {
			assert_int_equal(out.at, at);
			return out;
		}
		assert_true(weir_impair_deadline(im) > at);
	}
	fail_msg("nothing is inside");
	return out;
}

void assert_binomial(uint64_t seen, double n, double p)
{
	double off = fabs((double)seen - n * p), sigma = sqrt(n * p * (1 - p));

	if (off > SIGMA * sigma)
		fail_msg("%llu of %.0f: not of chance %g", (unsigned long long)seen, n, p);
}
