/* timevisor sim: worlds that are simulated, with the real engine in them. */
#include "timevisor/sim.h"

#include "port/text.h"
#include "sim/chaos.h"
#include "sim/confusion.h"
#include "sim/script.h"
#include "timevisor/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (1 << 20)
#define SEED_MAX 1e9 /* as in scenarios */

struct arguments {
    struct visor_sim_options options;
    bool log, show;
    const char *plot, *record, *host, *replay;
    bool seed_given, runs_given;
    uint64_t seed;
    uint32_t runs, jobs, random, confusion;
    double duration; /* s; 0: as the scenario says */
};

static void print_help(void)
{
    puts(_("Usage: timevisor sim [OPTION]... SCENARIO...\n"
           "Run scenarios: simulated machines, networks and servers, and the real engine.\n"
           "\n"
           "  -s, --seed N       first seed, instead of the scenario's\n"
           "  -n, --repeat N     so many seeds, instead of the scenario's\n"
           "  -d, --duration S   so many simulated seconds\n"
           "  -J, --jobs N       processes (as many as there are processors)\n"
           "  -j, --json         results as JSON\n"
           "  -p, --plot FILE    draw the first run as SVG\n"
           "  -c, --record FILE  record the first run, for --replay\n"
           "  -H, --host NAME    of this host, instead of the first\n"
           "  -R, --replay FILE  instead of scenarios: a recording of timevisord\n"
           "  -r, --random N     instead of scenarios: N random worlds\n"
           "  -k, --confusion N  instead of scenarios: N faults, with each set of witnesses,\n"
           "                     and what is told of them\n"
           "      --show         of random worlds: print the scenarios, run nothing\n"
           "  -l, --log          print what happens, with true time\n"
           "  -h, --help         print this\n"
           "\n"
           "Exit status: 0 nothing was violated and all expectations came true, 1 not so,\n"
           "2 wrong usage or scenario. Scenario files: timevisor-sim(5)."));
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
    char *text = malloc(FILE_MAX + 1);

    *size = 0;
    if (file && text) {
        *size = fread(text, 1, FILE_MAX + 1, file);
        if (ferror(file) || *size > FILE_MAX) {
            errno = *size > FILE_MAX ? EFBIG : errno;
            free(text);
            text = NULL;
        }
    } else {
        free(text);
        text = NULL;
    }
    if (file && file != stdin) {
        int error = errno;

        fclose(file);
        errno = error;
    }
    return text;
}

static bool load(const char *path, struct visor_scenario *scenario)
{
    struct visor_diagnoses diagnoses;
    char sentence[VISOR_DIAGNOSIS_TEXT];
    size_t size;
    char *text = read_file(path, &size);
    bool good;

    if (!text) {
        fprintf(stderr, _("timevisor: %s cannot be read: %s\n"), path, strerror(errno));
        return false;
    }
    visor_diagnoses_init(&diagnoses);
    good = visor_script_read(scenario, path, text, size, &diagnoses);
    for (size_t i = 0; i < diagnoses.count; i++)
        fprintf(stderr, "%s\n",
                visor_diagnosis_print(&diagnoses.items[i], gettext, sentence, sizeof(sentence)));
    visor_diagnoses_done(&diagnoses);
    free(text);
    return good;
}

static int run_file(const char *path, struct arguments *arguments)
{
    struct visor_scenario scenario;
    struct visor_series series = {.scenario = &scenario,
                                  .jobs = arguments->log ? 1 : arguments->jobs,
                                  .log = arguments->log,
                                  .plot = arguments->plot,
                                  .record = arguments->record,
                                  .watched = arguments->host};
    int status = VISOR_CLI_USAGE, error;

    visor_scenario_init(&scenario);
    if (load(path, &scenario)) {
        series.seed = arguments->seed_given ? arguments->seed : scenario.seed;
        series.runs = arguments->runs_given   ? arguments->runs
                      : arguments->seed_given ? 1
                                              : scenario.repeat;
        if (arguments->duration > 0.0)
            scenario.duration = arguments->duration;
        arguments->options.file = path;
        error = visor_series_run(&series);
        if (error) {
            fprintf(stderr, "timevisor sim: %s: %s\n", path, strerror(-error));
            status = VISOR_CLI_REFUSED;
        } else {
            status = visor_sim_report(&series, &arguments->options, stdout) ? VISOR_CLI_YES
                                                                            : VISOR_CLI_NO;
        }
        visor_series_done(&series);
    }
    visor_scenario_done(&scenario);
    return status;
}

static int show_confusion(const struct arguments *arguments, uint64_t seed)
{
    char text[VISOR_CONFUSION_TEXT_MAX];
    double begins;

    for (uint32_t i = 0; i < arguments->confusion; i++)
        for (size_t set = 0; set < VISOR_CONFUSION_SETS; set++) {
            visor_confusion_write(seed + i, set, text, &begins);
            fputs(text, stdout);
        }
    return VISOR_CLI_YES;
}

static int run_confusion(const struct arguments *arguments)
{
    struct visor_sim_random job = {.seed = arguments->seed_given ? arguments->seed : 1,
                                   .count = arguments->confusion,
                                   .jobs = arguments->jobs,
                                   .json = arguments->options.json};
    bool good;
    int error;

    if (arguments->show)
        return show_confusion(arguments, job.seed);
    error = visor_sim_confusion(&job, stdout, &good);
    if (error) {
        fprintf(stderr, "timevisor sim: %s\n", strerror(-error));
        return VISOR_CLI_REFUSED;
    }
    return good ? VISOR_CLI_YES : VISOR_CLI_NO;
}

static int run_random(const struct arguments *arguments)
{
    struct visor_sim_random job = {.seed = arguments->seed_given ? arguments->seed : 1,
                                   .count = arguments->random,
                                   .jobs = arguments->jobs,
                                   .json = arguments->options.json};
    char text[VISOR_CHAOS_TEXT_MAX];
    bool good;
    int error;

    if ((double)job.seed + job.count - 1.0 > SEED_MAX) {
        fprintf(stderr, _("timevisor sim: the last seed is greater than %g\n"), SEED_MAX);
        return VISOR_CLI_USAGE;
    }
    if (arguments->show) {
        for (uint32_t i = 0; i < arguments->random; i++) {
            visor_chaos_write(job.seed + i, text);
            fputs(text, stdout);
        }
        return VISOR_CLI_YES;
    }
    error = visor_sim_random(&job, stdout, &good);
    if (error) {
        fprintf(stderr, "timevisor sim: %s\n", strerror(-error));
        return VISOR_CLI_REFUSED;
    }
    return good ? VISOR_CLI_YES : VISOR_CLI_NO;
}

static int run_replay(const struct arguments *arguments)
{
    bool good;
    int error = visor_sim_replay(arguments->replay, arguments->options.json, stdout, &good);

    if (!error)
        return good ? VISOR_CLI_YES : VISOR_CLI_NO;
    fprintf(stderr, "timevisor sim: %s: %s\n", arguments->replay, strerror(-error));
    return VISOR_CLI_USAGE;
}

static bool take_number(const char *text, double least, double most, double *value)
{
    char *end;

    *value = strtod(text, &end);
    if (end != text && *end == '\0' && *value >= least && *value <= most)
        return true;
    fprintf(stderr, _("timevisor sim: '%s' is not a number from %g to %g\n"), text, least, most);
    return false;
}

static bool take_option(struct arguments *arguments, int option)
{
    double value = 0.0;

    switch (option) {
    case 's':
        arguments->seed_given = take_number(optarg, 0.0, SEED_MAX, &value);
        arguments->seed = (uint64_t)value;
        return arguments->seed_given;
    case 'n':
        arguments->runs_given = take_number(optarg, 1.0, 1e6, &value);
        arguments->runs = (uint32_t)value;
        return arguments->runs_given;
    case 'd':
        return take_number(optarg, 1.0, 3e8, &arguments->duration);
    case 'J':
        if (!take_number(optarg, 1.0, 64.0, &value))
            return false;
        arguments->jobs = (uint32_t)value;
        return true;
    case 'p':
        arguments->plot = optarg;
        return true;
    case 'c':
        arguments->record = optarg;
        return true;
    case 'H':
        arguments->host = optarg;
        return true;
    case 'R':
        arguments->replay = optarg;
        return true;
    case 'r':
        if (!take_number(optarg, 1.0, 1e7, &value))
            return false;
        arguments->random = (uint32_t)value;
        return true;
    case 'k':
        if (!take_number(optarg, 1.0, 1e6, &value))
            return false;
        arguments->confusion = (uint32_t)value;
        return true;
    case 'S':
        arguments->show = true;
        return true;
    case 'l':
        arguments->log = true;
        return true;
    case 'j':
        arguments->options.json = true;
        return true;
    default:
        return false;
    }
}

int visor_cli_sim(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"repeat", required_argument, NULL, 'n'},
        {"duration", required_argument, NULL, 'd'},
        {"jobs", required_argument, NULL, 'J'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"plot", required_argument, NULL, 'p'},
        {"record", required_argument, NULL, 'c'},
        {"host", required_argument, NULL, 'H'},
        {"replay", required_argument, NULL, 'R'},
        {"random", required_argument, NULL, 'r'},
        {"confusion", required_argument, NULL, 'k'},
        {"show", no_argument, NULL, 'S'},
        {"log", no_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments arguments = {.jobs = processors > 0 ? (uint32_t)processors : 1};
    int option, worst = VISOR_CLI_YES;

    while ((option = getopt_long(argc, argv, "s:n:d:J:jlp:c:H:R:r:k:h", options, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return VISOR_CLI_YES;
        }
        if (!take_option(&arguments, option))
            return VISOR_CLI_USAGE;
    }
    if (arguments.random > 0)
        return run_random(&arguments);
    if (arguments.confusion > 0)
        return run_confusion(&arguments);
    if (arguments.replay)
        return run_replay(&arguments);
    if (optind == argc) {
        fputs(_("timevisor sim: no scenario is given (see: timevisor sim --help)\n"), stderr);
        return VISOR_CLI_USAGE;
    }
    for (int i = optind; i < argc; i++) {
        int status = run_file(argv[i], &arguments);

        if (status > worst)
            worst = status;
    }
    return worst;
}
