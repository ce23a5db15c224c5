#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void report(const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "libweir-packetdrill: %s\n", line);
}

void pd_report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
}

void pd_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}
