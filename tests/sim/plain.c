#include "plain.h"

#include "sim/scenario.h"

#define MS 1000000ull

void plain_world(struct sim_world *w, const struct plain *plain)
{
	struct sim_world_config cfg = {.seed = 11,
				       .start = PLAIN_START,
				       .horizon_ns = 3600000 * MS,
				       .steps_max = 1000000,
				       .talks_max = 4,
				       .hosts_max = 2,
				       .hooks = plain->hooks};
	struct sim_talk_spec t = {.host = {0, 1},
				  .family = 4,
				  .port = {0, 80},
				  .after = SIM_TALK_NONE,
				  .open_at = PLAIN_START + MS,
				  .expect = SIM_EXPECT_INTACT};
	struct sim_host_config host = {.device = {.mtu = 1500}};

	sim_world_init(w, &cfg);
	for (unsigned i = 0; i < 2; i++) {
		sim_stack_config(&host.stack, i);
		host.stack.timestamps = plain->timestamps[i];
		sim_host_addrs(&host, i);
		sim_world_host_add(w, &host);
		t.plan[i] = (struct sim_plan){.total = i == 0 ? 20000 : 5000,
					      .write_min = 1000,
					      .write_max = 4000,
					      .read_min = 1000,
					      .read_max = 4000};
	}
	sim_host_listen(&w->host[1], 80, WEIR_ACCEPT_EARLY);
	sim_world_talk_add(w, &t);
}
