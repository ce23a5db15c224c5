/*
 * report.h: the only place of the adapter that prints: lines on standard error that begin with the
 * adapter's name.
 */
#ifndef WEIR_PACKETDRILL_REPORT_H
#define WEIR_PACKETDRILL_REPORT_H

/* One line on standard error. */
void pd_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and the process ends with status 1: packetdrill's entry cannot fail otherwise. */
_Noreturn void pd_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
