/* timevisor plan: asks what there is and what is wanted, and says how time gets there, how good it
 * is by simulation, what breaks when a part fails, and which files make it so. */
#include "timevisor/plan.h"

#include "config/number.h"
#include "config/profile.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HELP,
    JSON,
    MACHINES,
    SITES,
    PLATFORMS,
    CLOUDS,
    CONTAINERS,
    AIR_GAPPED,
    RECEIVERS,
    PROFILE,
    LIMIT,
    OUTSIDE,
    BETWEEN,
    INPUT,
    SVG,
    OUT
};

struct wishes {
    struct visor_planned planned;
    const char *input, *svg, *out;
    bool json, helped, given;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor plan [OPTION]...\n"
            "How time gets to your machines, how exact it is there by simulation, and what\n"
            "breaks when a part fails. Without options it asks.\n"
            "\n"
            "  --machines N, --sites N      how many (20, 1)\n"
            "  --platforms WORD,...         metal kvm vmware hyperv xen proxmox\n"
            "  --clouds WORD,...            aws azure gcp alibaba tencent oracle\n"
            "  --containers, --air-gapped, --receivers   there are; cut off; can be had\n"
            "  --profile NAME, --limit TIME the error bound that is wanted (general)\n"
            "  --outside TIME               round trip to servers outside (30ms) …\n"
            "  --between TIME               … and between sites (5ms)\n"
            "  --input FILE                 all of these as JSON: {\"machines\": 20, ...}\n"
            "  --svg FILE                   a drawing\n"
            "  --out DIR                    the files for all layers (see: generate)\n"
            "  --json                       for programs\n"
            "\n"
            "Exit status: 0 the limit is kept, 1 it cannot be had so.\n"),
          out);
}

/* ---- words ---- */

typedef const char *word_of(int index);

static const char *platform_word(int index)
{
    return visor_plan_platform_word((enum visor_plan_platform)index);
}

static const char *cloud_word(int index)
{
    return visor_plan_cloud_word((enum visor_plan_cloud)index);
}

static bool take_bits(const char *list, word_of *words, int count, unsigned *bits)
{
    char copy[200], *rest = copy, *word;

    snprintf(copy, sizeof(copy), "%s", list);
    while ((word = strsep(&rest, ", "))) {
        int i = 0;

        if (!*word)
            continue;
        while (i < count && strcmp(words(i), word) != 0)
            i++;
        if (i == count) {
            fprintf(stderr, _("timevisor: \"%s\" is none of these:"), word);
            for (i = 0; i < count; i++)
                fprintf(stderr, " %s", words(i));
            fputc('\n', stderr);
            return false;
        }
        *bits |= 1u << i;
    }
    return true;
}

static bool take_whole(const char *text, const char *name, int *number)
{
    int64_t whole;
    size_t length = strlen(text);

    if (visor_number_read_whole(text, &whole) == length && length > 0 && whole > 0 &&
        whole <= 10000000) {
        *number = (int)whole;
        return true;
    }
    fprintf(stderr, _("timevisor: --%s wants a whole number from 1 to 10000000, not \"%s\"\n"),
            name, text);
    return false;
}

static bool take_time(const char *option, double *seconds)
{
    return visor_cli_take_time(option, optarg, 0.0, INFINITY, seconds);
}

static bool take_profile(struct wishes *wishes, const char *name)
{
    const struct visor_profile *profile = visor_cli_take_profile(name);

    if (!profile)
        return false;
    wishes->planned.plan.needs.limit_s = profile->limit_s;
    wishes->planned.profile = profile->name;
    return true;
}

/* ---- options ---- */

static bool take(int kind, struct wishes *wishes)
{
    struct visor_plan_needs *needs = &wishes->planned.plan.needs;

    switch (kind) {
    case HELP:
        return wishes->helped = true;
    case JSON:
        return wishes->json = true;
    case SVG:
        return (wishes->svg = optarg) != NULL;
    case OUT:
        return (wishes->out = optarg) != NULL;
    case INPUT:
        return (wishes->input = optarg) != NULL;
    case MACHINES:
        return wishes->given = take_whole(optarg, "machines", &needs->machines);
    case SITES:
        return wishes->given = take_whole(optarg, "sites", &needs->sites);
    case PLATFORMS:
        return wishes->given =
                   take_bits(optarg, platform_word, VISOR_PLAN_PLATFORMS, &needs->platforms);
    case CLOUDS:
        return wishes->given = take_bits(optarg, cloud_word, VISOR_PLAN_CLOUDS, &needs->clouds);
    case CONTAINERS:
        return wishes->given = needs->containers = true;
    case AIR_GAPPED:
        return wishes->given = needs->air_gapped = true;
    case RECEIVERS:
        return wishes->given = needs->receivers = true;
    case PROFILE:
        return wishes->given = take_profile(wishes, optarg);
    case LIMIT:
        wishes->planned.profile = NULL;
        return wishes->given = take_time("limit", &needs->limit_s);
    case OUTSIDE:
        return wishes->given = take_time("outside", &needs->outside_s);
    case BETWEEN:
        return wishes->given = take_time("between", &needs->between_s);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct wishes *wishes)
{
    static const struct option all[] = {
        {"help", no_argument, NULL, HELP},
        {"json", no_argument, NULL, JSON},
        {"machines", required_argument, NULL, MACHINES},
        {"sites", required_argument, NULL, SITES},
        {"platforms", required_argument, NULL, PLATFORMS},
        {"clouds", required_argument, NULL, CLOUDS},
        {"containers", no_argument, NULL, CONTAINERS},
        {"air-gapped", no_argument, NULL, AIR_GAPPED},
        {"receivers", no_argument, NULL, RECEIVERS},
        {"profile", required_argument, NULL, PROFILE},
        {"limit", required_argument, NULL, LIMIT},
        {"outside", required_argument, NULL, OUTSIDE},
        {"between", required_argument, NULL, BETWEEN},
        {"input", required_argument, NULL, INPUT},
        {"svg", required_argument, NULL, SVG},
        {"out", required_argument, NULL, OUT},
        {NULL, 0, NULL, 0},
    };
    int kind;

    while ((kind = getopt_long(argc, argv, "", all, NULL)) != -1)
        if (!take(kind, wishes)) {
            if (kind == '?')
                print_usage(stderr);
            return false;
        }
    if (optind < argc) {
        print_usage(stderr);
        return false;
    }
    return true;
}

/* ---- JSON in ---- */

static bool take_words(json_t *list, word_of *words, int count, unsigned *bits)
{
    size_t i;
    json_t *word;

    json_array_foreach(list, i,
                       word) if (!json_is_string(word) || !take_bits(json_string_value(word), words,
                                                                     count, bits)) return false;
    return true;
}

static bool take_json(struct wishes *wishes, json_t *all)
{
    struct visor_plan_needs *needs = &wishes->planned.plan.needs;
    json_t *platforms = NULL, *clouds = NULL;
    const char *profile = NULL;
    int containers = 0, air_gapped = 0, receivers = 0;
    json_error_t error;

    if (json_unpack_ex(all, &error, JSON_STRICT,
                       "{s?i, s?i, s?o, s?o, s?b, s?b, s?b, s?s, s?F, s?F, s?F}", "machines",
                       &needs->machines, "sites", &needs->sites, "platforms", &platforms, "clouds",
                       &clouds, "containers", &containers, "air_gapped", &air_gapped, "receivers",
                       &receivers, "profile", &profile, "limit_s", &needs->limit_s, "outside_s",
                       &needs->outside_s, "between_s", &needs->between_s)) {
        fprintf(stderr, _("timevisor: %s: %s\n"), wishes->input, error.text);
        return false;
    }
    needs->containers = containers;
    needs->air_gapped = air_gapped;
    needs->receivers = receivers;
    wishes->given = true;
    return (!platforms ||
            take_words(platforms, platform_word, VISOR_PLAN_PLATFORMS, &needs->platforms)) &&
           (!clouds || take_words(clouds, cloud_word, VISOR_PLAN_CLOUDS, &needs->clouds)) &&
           (!profile || take_profile(wishes, profile));
}

static bool read_input(struct wishes *wishes)
{
    json_error_t error;
    json_t *all = strcmp(wishes->input, "-") == 0
                      ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                      : json_load_file(wishes->input, JSON_REJECT_DUPLICATES, &error);
    bool good = false;

    if (!all)
        fprintf(stderr, _("timevisor: %s:%d: %s\n"), wishes->input, error.line, error.text);
    else
        good = take_json(wishes, all);
    json_decref(all);
    return good;
}

/* ---- questions ---- */

/* The line without its end; "" : whatever was offered. False: the end of it all. */
static bool ask(const char *question, char *answer, size_t size)
{
    printf("%s ", question);
    fflush(stdout);
    if (!fgets(answer, (int)size, stdin))
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    return true;
}

static bool is_yes(const char *answer)
{
    return *answer == 'y' || *answer == 'Y' || strncmp(answer, "是", 3) == 0;
}

static bool ask_all(struct wishes *wishes)
{
    struct visor_plan_needs *needs = &wishes->planned.plan.needs;
    char answer[200];

    if (!ask(_("How many machines, virtual ones too? [20]"), answer, sizeof(answer)) ||
        (*answer && !take_whole(answer, "machines", &needs->machines)))
        return false;
    if (!ask(_("At how many sites? [1]"), answer, sizeof(answer)) ||
        (*answer && !take_whole(answer, "sites", &needs->sites)))
        return false;
    if (!ask(_("On what of your own (metal kvm vmware hyperv xen proxmox)? [none]"), answer,
             sizeof(answer)) ||
        !take_bits(answer, platform_word, VISOR_PLAN_PLATFORMS, &needs->platforms))
        return false;
    if (!ask(_("In which clouds (aws azure gcp alibaba tencent oracle)? [none]"), answer,
             sizeof(answer)) ||
        !take_bits(answer, cloud_word, VISOR_PLAN_CLOUDS, &needs->clouds))
        return false;
    if (!ask(_("How exact: a profile (timevisor profile list) or a time such as 1ms? [general]"),
             answer, sizeof(answer)))
        return false;
    if (*answer && visor_quantity_parse(answer, &needs->limit_s))
        wishes->planned.profile = NULL;
    else if (*answer && !take_profile(wishes, answer))
        return false;
    if (!ask(_("Containers? [y/N]"), answer, sizeof(answer)))
        return false;
    needs->containers = is_yes(answer);
    if (!ask(_("Cut off from the Internet? [y/N]"), answer, sizeof(answer)))
        return false;
    needs->air_gapped = is_yes(answer);
    if (!ask(_("Can you have satellite receivers? [y/N]"), answer, sizeof(answer)))
        return false;
    needs->receivers = is_yes(answer);
    return true;
}

/* ---- results ---- */

static int draw(const struct visor_planned *planned, const char *path)
{
    FILE *out = fopen(path, "w");
    bool good = out && visor_plan_draw(planned, out);

    if (out && fclose(out))
        good = false;
    if (!good)
        fprintf(stderr, _("timevisor: %s cannot be written: %s\n"), path, strerror(errno));
    return good ? 0 : -EIO;
}

/* The targets of all layers, by the command that people would type. */
static int write_files(const struct visor_planned *planned, const char *folder)
{
    char *argv[40] = {(char[]){"timevisor generate"}, (char[]){"--out"}};
    char copies[VISOR_PLAN_LAYERS][160], path[4096];
    int argc = 3, status;

    snprintf(path, sizeof(path), "%s", folder);
    argv[2] = path;
    for (int i = 0; i < planned->plan.layer_count; i++) {
        char *rest = copies[i], *word;

        snprintf(copies[i], sizeof(copies[i]), "%s", planned->plan.layers[i].targets);
        while ((word = strsep(&rest, " ")) && argc < 38)
            if (*word)
                argv[argc++] = word;
    }
    optind = 0;
    status = visor_cli_generate(argc, argv);
    return status == VISOR_CLI_YES ? 0 : -EIO;
}

static int tell(const struct wishes *wishes)
{
    const struct visor_planned *planned = &wishes->planned;

    if (wishes->json) {
        json_t *all = visor_plan_json(planned);

        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(all);
    } else {
        visor_plan_print(planned, stdout, visor_table_wants_color(stdout));
    }
    if ((wishes->svg && draw(planned, wishes->svg)) ||
        (wishes->out && write_files(planned, wishes->out)))
        return VISOR_CLI_REFUSED;
    return visor_plan_holds(planned) ? VISOR_CLI_YES : VISOR_CLI_NO;
}

int visor_cli_plan(int argc, char **argv)
{
    struct wishes wishes = {.planned.plan.needs = {.machines = 20,
                                                   .sites = 1,
                                                   .limit_s = 0.1,
                                                   .outside_s = 0.03,
                                                   .between_s = 0.005},
                            .planned.profile = "general"};
    struct visor_plan_needs needs;
    const char *reason;
    int error;

    if (!read_options(argc, argv, &wishes))
        return VISOR_CLI_USAGE;
    if (wishes.helped) {
        print_usage(stdout);
        return VISOR_CLI_YES;
    }
    if (wishes.input && !read_input(&wishes))
        return VISOR_CLI_USAGE;
    if (!wishes.given && isatty(STDIN_FILENO) && !ask_all(&wishes))
        return VISOR_CLI_USAGE;
    needs = wishes.planned.plan.needs;
    if (!needs.platforms && !needs.clouds)
        needs.platforms = 1u << VISOR_PLAN_METAL;
    reason = visor_plan_check(&needs);
    if (reason) {
        fprintf(stderr, _("timevisor: %s\n"), _(reason));
        return VISOR_CLI_USAGE;
    }
    visor_plan_make(&needs, &wishes.planned.plan);
    error = visor_plan_simulate(&wishes.planned, isatty(STDERR_FILENO) ? stderr : NULL);
    if (error) {
        fprintf(stderr, _("timevisor: the plan cannot be simulated: %s\n"), strerror(-error));
        return VISOR_CLI_REFUSED;
    }
    return tell(&wishes);
}
