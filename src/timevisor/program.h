/* Can a library that is loaded before a program reach it? By what its file says. */
#ifndef VISOR_TIMEVISOR_PROGRAM_H
#define VISOR_TIMEVISOR_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum visor_program_kind {
    VISOR_PROGRAM_DYNAMIC, /* it can; or a script: its interpreter is a program of its own */
    VISOR_PROGRAM_STATIC,  /* no dynamic linker, or not glibc's */
    VISOR_PROGRAM_GO,      /* asks the kernel by itself */
    VISOR_PROGRAM_FOREIGN, /* of another machine, or of 32 bits */
};

/* Of the contents of a file; whatever is no ELF file counts as a script. */
enum visor_program_kind visor_program_judge(const uint8_t *data, size_t size);

/* The program that a script names in its first line, into `path` of `limit` bytes. False: it is no
 * script, or names none that fits. */
bool visor_program_interpreter(const uint8_t *data, size_t size, char *path, size_t limit);

#endif
