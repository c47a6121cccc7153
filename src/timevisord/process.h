/* The daemon as a process: into the background, alone, and with no more rights than it needs. */
#ifndef VISOR_TIMEVISORD_PROCESS_H
#define VISOR_TIMEVISORD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Into the background. The process that was started waits for visor_process_started() and then
 * exits with its status. Returns the descriptor for that in the daemon; -1: it could not be done.
 */
int visor_process_detach(void);

/* Tell the waiting process: NULL, all is well; else why the daemon gives up. */
void visor_process_started(int fd, const char *failure);

/* What a process is called; false: there is none, or /proc. */
bool visor_process_name(pid_t pid, char *name, size_t size);

/* 0, or the process that holds this PID file and is alive. */
pid_t visor_process_holder(const char *pidfile);

/* 0 or -errno; -EAGAIN: another process was faster. "" is no file. remove() only takes away a file
 * that names us. */
int visor_process_write_pidfile(const char *pidfile);
void visor_process_remove_pidfile(const char *pidfile);

/* The machine is a simulator's, by what it cannot do: other processes and their sockets are not
 * those of this world. */
bool visor_process_simulated(void);

/* Another daemon of this machine that keeps the clock: its name and process into `name`. False:
 * none is found. Where processes cannot be told apart (a simulator) none is looked for. */
bool visor_process_rival(char *name, size_t size);

/* To systemd's notification socket, if there is one: "READY=1" and the like. */
void visor_process_notify(const char *state);

/* -m and -P: never paged out; SCHED_FIFO. 0 or -errno. */
int visor_process_lock_memory(void);
int visor_process_set_priority(int priority);

/* Number and group of a user; -ENOENT: there is none of that name. */
int visor_process_find_user(const char *user, uid_t *uid, gid_t *gid);

/* The user whom the directory of the file at `path` belongs to, or, while there is no directory,
 * chrony's own by its usual names; "": root, or nobody is found. */
void visor_process_find_owner(const char *path, char *name, size_t size);

/* Become `user`, keeping only the rights to set the clock (`clock`), to bind low ports and, with
 * `device`, to bind to devices. 0 or -errno; -ENOENT: there is no such user. */
int visor_process_drop(const char *user, bool clock, bool device);

#endif
