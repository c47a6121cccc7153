/* The daemon's command line: chronyd's options with their meanings, directives as arguments, and
 * one of our own (--dry-run). timevisord(8) describes them. */
#ifndef VISOR_TIMEVISORD_OPTIONS_H
#define VISOR_TIMEVISORD_OPTIONS_H

#include "base/address.h"

enum visor_options_task {
    VISOR_TASK_RUN,
    VISOR_TASK_SET_ONCE,     /* -q */
    VISOR_TASK_PRINT_ONCE,   /* -Q */
    VISOR_TASK_PRINT_CONFIG, /* -p */
    VISOR_TASK_HELP,
    VISOR_TASK_VERSION,
    VISOR_TASK_REFUSE, /* the words make no sense; said already */
};

struct visor_options {
    enum visor_options_task task;
    enum visor_family only;  /* -4, -6; NONE: both */
    const char *config;      /* -f; NULL: the first default that is there */
    char *const *directives; /* in place of a file; borrowed from argv */
    int directive_count;
    bool foreground;      /* -n, and what implies it */
    bool terminal;        /* messages to stderr instead of syslog: -d, -q, -Q, -p */
    int debug;            /* times -d was given */
    const char *log_file; /* -l; NULL: none */
    int log_severity;     /* -L: -1 debug, 0 info … 3 fatal */
    bool lock_memory;     /* -m */
    int notify_fd;        /* -N; -1: none */
    int priority;         /* -P; 0: ordinary */
    bool reload_dumps;    /* -r */
    bool restarted;       /* -R: no initstepslew, no makestep with a limit */
    bool set_from_rtc;    /* -s */
    int timeout_s;        /* -t; 0: none */
    const char *user;     /* -u; NULL: the configuration's */
    bool any_user;        /* -U, -p, -Q: root is not demanded */
    int filter;           /* -F: 0 off, 1 strict, 2 loose; negative: SIGSYS instead of the end */
    bool observe;         /* -x, -Q */
    bool assist;          /* --assist */
    bool dry_run;         /* --dry-run */
    const char *socket;   /* --socket; NULL: by mode; "": none */
};

/* Reads the command line; complains to stderr where `task` becomes REFUSE. */
void visor_options_read(struct visor_options *options, int argc, char *const argv[]);

void visor_options_print_help(void);
void visor_options_print_version(void);

#endif
