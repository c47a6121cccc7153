/* Work that may block (DNS) or needs rights that the daemon gives up (hooks, holds), behind one
 * interface of fixed-size messages with two carriers: a process of its own, and in-process where
 * there can be none (a simulator, debugging), where next() does the work and blocks; hooks and
 * holds are then not carried out.
 *
 * What hooks run and holds freeze comes from the configuration that the process was started with,
 * never from a message: a daemon that was taken over can only make them happen. */
#ifndef VISOR_PORT_HELPER_H
#define VISOR_PORT_HELPER_H

#include "engine/event.h"
#include "port/hook.h"

#include <sys/types.h>

enum visor_helper_carrier { VISOR_HELPER_PROCESS, VISOR_HELPER_IN_PROCESS };

enum visor_helper_work {
    VISOR_HELPER_RESOLVE = 1,
    VISOR_HELPER_HOOK = 2,    /* query: index of the hook, which is run now */
    VISOR_HELPER_HOLD = 3,    /* freeze all that is to be held, if it is not yet; a reply for each,
                                 query: its index, when it has been released or was not frozen */
    VISOR_HELPER_RELEASE = 4, /* all; no reply of its own */
};

struct visor_helper_request {
    uint32_t work;   /* enum visor_helper_work */
    uint32_t query;  /* comes back in the reply */
    uint32_t epoch;  /* so does this: of who asked */
    uint32_t family; /* enum visor_family; NONE: either */
    char name[VISOR_CONFIG_NAME_MAX];
    struct visor_occasion occasion; /* HOOK */
};

struct visor_helper_reply {
    uint32_t work, query, epoch;
    struct visor_event_resolved resolved; /* RESOLVE */
    struct visor_outcome outcome;         /* HOOK, HOLD */
};

struct visor_helper;

/* The process is forked here: call it before privileges are dropped and files are opened. Falls
 * back to IN_PROCESS where fork or socketpair is refused. `config`: of hooks and holds, borrowed;
 * NULL: there are none. NULL without memory. */
struct visor_helper *visor_helper_new(enum visor_helper_carrier carrier,
                                      const struct visor_config *config);
void visor_helper_free(struct visor_helper *helper); /* ends the process; NULL allowed */

enum visor_helper_carrier visor_helper_carrier(const struct visor_helper *helper);

/* Has the process ended by itself? True once. */
bool visor_helper_has_ended(struct visor_helper *helper);

/* The process's number; 0: there is none. */
pid_t visor_helper_process(const struct visor_helper *helper);

/* To poll for reading; -1: no answer is awaited there (in-process: call next() while pending()). */
int visor_helper_fd(const struct visor_helper *helper);
bool visor_helper_pending(const struct visor_helper *helper);

/* Never blocks. 0, -EAGAIN when too much is waiting, or another -errno. */
int visor_helper_ask(struct visor_helper *helper, const struct visor_helper_request *request);

/* The next reply; false: none now. When the process has ended the carrier becomes IN_PROCESS; what
 * it was asked and did not answer is lost, and the asker asks again. */
bool visor_helper_next(struct visor_helper *helper, struct visor_helper_reply *reply);

/* The resolver itself: addresses are read, names looked up (this blocks). */
void visor_helper_resolve(const struct visor_helper_request *request,
                          struct visor_event_resolved *resolved);

/* What the process does until the daemon's end of `fd` is closed. */
void visor_helper_serve(int fd, const struct visor_config *config);

#endif
