/*
 * object.c: the program for the kernel, as the build has compiled it.
 */
#include "host/shield/shield.h"

#ifdef WEIR_SHIELD_OBJECT

__asm__(".pushsection .rodata\n"
	".balign 8\n"
	"shield_object_begin:\n"
	".incbin \"" WEIR_SHIELD_OBJECT "\"\n"
	"shield_object_end:\n"
	".popsection\n");

extern const char shield_object_begin[], shield_object_end[];

const void *shield_object(size_t *len)
{
	*len = (size_t)(shield_object_end - shield_object_begin);
	return shield_object_begin;
}

#else

const void *shield_object(size_t *len)
{
	*len = 0;
	return NULL;
}

#endif

bool shield_is_built(void)
{
	size_t len;

	return shield_object(&len) != NULL;
}
