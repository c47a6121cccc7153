/* timevisor wait: returns when the clock is right. */
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/report.h"

#include <stdio.h>
#include <time.h>

#define LEAST_S 0.1 /* that a daemon is given to answer */

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor wait [--limit TIME] [--timeout TIME] [--quiet] [--socket PATH]\n"
            "Returns when the clock is right; waits for a daemon that does not run yet, too.\n\n"
            "  --limit TIME    greatest error bound accepted: 100ms, 50us, 1s (1s)\n"
            "  --timeout TIME  give up after so long; 0: never (0)\n"
            "  --quiet         print nothing\n"
            "  --json          print the daemon's status model at the end\n"
            "  --socket PATH   the daemon's control socket\n\n"
            "Exit status: 0 right, 1 the time is up, 3 time is up and no daemon answered.\n"),
          out);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void rest(double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

    nanosleep(&time, NULL);
}

/* A daemon that hangs must not make it last much longer than it was to. */
static double patience(const struct visor_cli_options *options, double spent_s)
{
    double left = options->timeout_s > 0.0 ? options->timeout_s - spent_s : 60.0;

    return left > LEAST_S ? left : LEAST_S;
}

int visor_cli_wait(int argc, char **argv)
{
    struct visor_cli_options options;
    struct visor_verdict verdict = {.right = false};
    double began = now_s();
    json_t *status;
    int result =
        visor_cli_options(argc, argv, "limit timeout quiet json socket", print_usage, &options);

    if (result != VISOR_CLI_YES || options.done)
        return result;
    for (;;) {
        double spent = now_s() - began;
        bool last = options.timeout_s > 0.0 && spent >= options.timeout_s;

        result = visor_ask_within(patience(&options, spent), options.socket, VISOR_CONTROL_STATUS,
                                  "", options.quiet || !last, &status);
        if (result == VISOR_CLI_YES) {
            visor_verdict_read(status, NULL, options.limit_s, &verdict);
            result = verdict.right ? VISOR_CLI_YES : VISOR_CLI_NO;
        }
        if (status && (verdict.right || last) && !options.quiet) {
            if (options.json)
                visor_ask_print(status);
            else
                puts(verdict.text);
        }
        json_decref(status);
        if (verdict.right || last || result == VISOR_CLI_REFUSED)
            return result;
        rest(spent < 5.0 ? 0.1 : 1.0);
    }
}
