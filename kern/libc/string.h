/*
 * string.h: what the engine's headers use of it, for the kernel's virtual machine, which has no
 * libc: the compiler puts these in place.
 */
#ifndef WEIR_KERN_STRING_H
#define WEIR_KERN_STRING_H

#define memcpy  __builtin_memcpy
#define memmove __builtin_memmove
#define memset  __builtin_memset
#define memcmp  __builtin_memcmp

#endif
