/* One reader for the options that several commands share. */
#include "config/profile.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/quantity.h"

#include <getopt.h>
#include <math.h>
#include <string.h>

enum { HELP, JSON, SOCKET, LIMIT, TIMEOUT, INTERVAL, QUIET, LIST, YES, KINDS };

static const struct option all[KINDS] = {
    {"help", no_argument, NULL, HELP},
    {"json", no_argument, NULL, JSON},
    {"socket", required_argument, NULL, SOCKET},
    {"limit", required_argument, NULL, LIMIT},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"interval", required_argument, NULL, INTERVAL},
    {"quiet", no_argument, NULL, QUIET},
    {"list", no_argument, NULL, LIST},
    {"yes", no_argument, NULL, YES},
};

static bool named(const char *allowed, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = allowed; (at = strstr(at, name)); at++)
        if ((at == allowed || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

bool visor_cli_take_time(const char *option, const char *text, double least, double most,
                         double *seconds)
{
    double value;

    if (visor_quantity_parse(text, &value) && value >= least && value <= most) {
        *seconds = value;
        return true;
    }
    fprintf(stderr, _("timevisor: --%s wants a time such as 100ms or 2s, not \"%s\"\n"), option,
            text);
    return false;
}

static bool take_time(const char *option, double *seconds)
{
    return visor_cli_take_time(option, optarg, 0.0, INFINITY, seconds);
}

const struct visor_profile *visor_cli_take_profile(const char *name)
{
    const struct visor_profile *profile = visor_profile_find(name);

    if (!profile)
        fprintf(stderr, _("timevisor: there is no profile \"%s\" (see: timevisor profile list)\n"),
                name);
    return profile;
}

static bool take(int kind, struct visor_cli_options *options)
{
    switch (kind) {
    case HELP:
        return options->done = true;
    case JSON:
        return options->json = true;
    case QUIET:
        return options->quiet = true;
    case LIST:
        return options->list = true;
    case YES:
        return options->yes = true;
    case SOCKET:
        options->socket = optarg;
        return true;
    case LIMIT:
        return take_time("limit", &options->limit_s);
    case TIMEOUT:
        return take_time("timeout", &options->timeout_s);
    case INTERVAL:
        return take_time("interval", &options->interval_s);
    default:
        return false;
    }
}

int visor_cli_options(int argc, char **argv, const char *allowed, void (*print_usage)(FILE *out),
                      struct visor_cli_options *options)
{
    struct option chosen[KINDS + 1] = {{0}};
    int count = 0, kind;

    *options = (struct visor_cli_options){.limit_s = 1.0, .interval_s = 1.0};
    for (int i = 0; i < KINDS; i++)
        if (i == HELP || named(allowed, all[i].name))
            chosen[count++] = all[i];
    optind = 1;
    while ((kind = getopt_long(argc, argv, "", chosen, NULL)) != -1)
        if (!take(kind, options))
            break;
    if (kind == -1 && optind == argc) {
        if (options->done)
            print_usage(stdout);
        return VISOR_CLI_YES;
    }
    if (kind == -1)
        fprintf(stderr, _("timevisor: \"%s\" is too much\n"), argv[optind]);
    print_usage(stderr);
    return VISOR_CLI_USAGE;
}
