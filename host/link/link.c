/*
 * link.c: what all links have in common.
 */
#include "weir/link.h"

void weir_link_close(struct weir_link *l)
{
	if (l != NULL)
		l->ops->close(l);
}
