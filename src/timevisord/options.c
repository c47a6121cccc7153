/* Reads chronyd's command line with getopt. What the words lead to is main.c's. */
#include "timevisord/options.h"

#include "port/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONG_DRY_RUN = 256, LONG_SOCKET, LONG_ASSIST };

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {"assist", no_argument, NULL, LONG_ASSIST},
    {"dry-run", no_argument, NULL, LONG_DRY_RUN},
    {"socket", required_argument, NULL, LONG_SOCKET},
    {NULL, 0, NULL, 0},
};

/* False, with a word to the user: not a whole number. */
static bool read_number(int letter, const char *text, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < -1000000000 || value > 1000000000) {
        fprintf(stderr, _("timevisord: -%c needs a whole number, not \"%s\"\n"), letter, text);
        return false;
    }
    *number = (int)value;
    return true;
}

static bool take_task(struct visor_options *options, int letter)
{
    options->foreground = true;
    options->terminal = true;
    switch (letter) {
    case 'p':
        options->task = VISOR_TASK_PRINT_CONFIG;
        options->any_user = true;
        return true;
    case 'q':
        options->task = VISOR_TASK_SET_ONCE;
        return true;
    default:
        options->task = VISOR_TASK_PRINT_ONCE;
        options->any_user = true;
        options->observe = true;
        return true;
    }
}

static bool take_valued(struct visor_options *options, int letter, const char *value)
{
    switch (letter) {
    case 'f':
        options->config = value;
        return true;
    case 'F':
        return read_number(letter, value, &options->filter);
    case 'l':
        options->log_file = value;
        return true;
    case 'L':
        return read_number(letter, value, &options->log_severity);
    case 'N':
        return read_number(letter, value, &options->notify_fd);
    case LONG_SOCKET:
        options->socket = value;
        return true;
    case 'P':
        return read_number(letter, value, &options->priority);
    case 't':
        return read_number(letter, value, &options->timeout_s);
    default:
        options->user = value;
        return true;
    }
}

static bool take_flag(struct visor_options *options, int letter)
{
    switch (letter) {
    case '4':
        options->only = VISOR_FAMILY_IPV4;
        return true;
    case '6':
        options->only = VISOR_FAMILY_IPV6;
        return true;
    case 'd':
        options->debug++;
        options->terminal = true;
        options->foreground = true;
        return true;
    case 'm':
        options->lock_memory = true;
        return true;
    case 'n':
        options->foreground = true;
        return true;
    case 'r':
        options->reload_dumps = true;
        return true;
    case 'R':
        options->restarted = true;
        return true;
    case 's':
        options->set_from_rtc = true;
        return true;
    case 'U':
        options->any_user = true;
        return true;
    case 'x':
        options->observe = true;
        return true;
    case LONG_ASSIST:
        options->assist = true;
        return true;
    case LONG_DRY_RUN:
        options->dry_run = true;
        options->any_user = true;
        return true;
    default:
        return false;
    }
}

static bool take(struct visor_options *options, int letter, const char *value)
{
    switch (letter) {
    case 'h':
        options->task = VISOR_TASK_HELP;
        return true;
    case 'v':
        options->task = VISOR_TASK_VERSION;
        return true;
    case 'p':
    case 'q':
    case 'Q':
        return take_task(options, letter);
    default:
        return value ? take_valued(options, letter, value) : take_flag(options, letter);
    }
}

void visor_options_read(struct visor_options *options, int argc, char *const argv[])
{
    int letter;

    *options = (struct visor_options){.notify_fd = -1};
    while ((letter = getopt_long(argc, argv, "46df:F:hl:L:mnN:pP:qQrRst:u:Uvx", long_options,
                                 NULL)) != -1) {
        if (!take(options, letter, optarg)) {
            options->task = VISOR_TASK_REFUSE;
            return;
        }
        if (options->task == VISOR_TASK_HELP || options->task == VISOR_TASK_VERSION)
            return;
    }
    options->directives = argv + optind;
    options->directive_count = argc - optind;
}

void visor_options_print_help(void)
{
    fputs(_("Usage: timevisord [OPTION]... [DIRECTIVE]...\n"
            "Keeps this machine's clock right, and says how right it is.\n\n"
            "  -f FILE     configuration (default: /etc/timevisor/timevisord.conf, else\n"
            "              /etc/chrony/chrony.conf, else /etc/chrony.conf)\n"
            "  -n          stay in the foreground\n"
            "  -d          the same, messages to the terminal; twice: debugging messages\n"
            "  -x          never touch the clock (beside another daemon: mode observe)\n"
            "  --assist    leave the clock to chronyd, and tell it of stalls (mode assist)\n"
            "  --dry-run   steer a copy of the clock in memory instead of the clock\n"
            "  --socket PATH  control socket for timevisor(1); empty: none\n"
            "  -q, -Q      measure once, set (-q) or only print (-Q) the clock's error, exit\n"
            "  -p          print the configuration and exit\n"
            "  -t SECONDS  exit after that long (status 1: not synchronised)\n"
            "  -4, -6      IPv4 or IPv6 only\n"
            "  -l FILE     messages to a file    -L LEVEL  least severity, -1 to 3 (0)\n"
            "  -r          reload the samples dumped by the last run\n"
            "  -R          after a restart: no initstepslew, no makestep with a limit\n"
            "  -s          first set the clock from the RTC, or the drift file's date\n"
            "  -u USER     run as this user      -U        do not insist on being root\n"
            "  -F LEVEL    system call filter: 0 none, 1 strict, 2 loose (negative: SIGSYS)\n"
            "  -P NUMBER   SCHED_FIFO priority   -m        lock into memory\n"
            "  -N FD       write a newline to this descriptor when ready\n"
            "  -h, -v      this help, the version\n"),
          stdout);
}

void visor_options_print_version(void)
{
    puts("timevisord (timevisor) version " VISOR_VERSION);
}
