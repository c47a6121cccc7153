/* The filter of system calls (-F): what a daemon that has been taken over could still ask of the
 * kernel. It is made for the daemon's own process; the helper was forked before. */
#ifndef VISOR_PORT_SANDBOX_H
#define VISOR_PORT_SANDBOX_H

#include <linux/filter.h>
#include <stddef.h>

#define VISOR_SANDBOX_LENGTH_MAX 512

/* `level`: 0 none, 1 only what the daemon is known to need, 2 all but what it surely never needs;
 * negative: the same, but SIGSYS instead of the process's end. 0 or -errno; -EINVAL: no such level,
 * -ENOSYS: not on this kind of machine. It cannot be left again. */
int visor_sandbox_enter(int level);

/* The filter's program, for enter() and tests. Returns its length. */
size_t visor_sandbox_compile(int level, struct sock_filter program[VISOR_SANDBOX_LENGTH_MAX]);

#endif
