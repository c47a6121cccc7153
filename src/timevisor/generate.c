/* timevisor generate: writes, prints or compares the files that set up time. What is in them is
 * src/generate's affair. */
#include "generate/generate.h"

#include "config/profile.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/table.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HELP,
    LIST,
    JSON,
    NTS,
    OUT,
    DIFF,
    ROOT,
    SERVERS,
    HOSTS,
    PEERS,
    ALLOW,
    ZONE,
    INTERFACE,
    DOMAIN,
    IMAGE,
    NAME,
    PROFILE
};

#define ENOUGH 4

struct job {
    struct visor_needs needs;
    const char *out, *root;
    bool list, json, diff, helped;
    char limit[32];
    json_t *files;
    int differing, failed;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor generate [OPTION]... TARGET...\n"
            "       timevisor generate --list\n"
            "Writes the files that set up time on a platform, complete, with their reasons.\n\n"
            "  --servers NAME,...  NTP servers (the public pool)\n"
            "  --hosts NAME,...    servers near a guest: its host, the site's own\n"
            "  --peers NAME,...    of a server: the others of its rank\n"
            "  --allow NET,...     networks that a server serves (192.168.122.0/24)\n"
            "  --nts               authenticated by NTS\n"
            "  --zone ZONE         of containers (Etc/UTC)\n"
            "  --interface NAME, --ptp-domain N, --image IMAGE, --name NAME, --profile NAME\n"
            "  --out DIR           write them there instead of printing them\n"
            "  --diff              what would change of the files there; exit 1 if so\n"
            "  --root DIR          where those are (/)\n"
            "  --json              for programs\n"),
          out);
}

/* ---- options ---- */

static bool take_list(const char *values[], size_t *count)
{
    for (char *word, *rest = optarg; (word = strsep(&rest, ","));) {
        if (*count == VISOR_NEEDS_LIST) {
            fprintf(stderr, _("timevisor: at most %d of a kind can be given\n"), VISOR_NEEDS_LIST);
            return false;
        }
        values[(*count)++] = word;
    }
    return true;
}

static bool take_profile(struct job *job)
{
    const struct visor_profile *profile = visor_cli_take_profile(optarg);

    if (!profile)
        return false;
    snprintf(job->limit, sizeof(job->limit), "%g", profile->limit_s);
    job->needs.limit = job->limit;
    return true;
}

static bool take(int kind, struct job *job)
{
    struct visor_needs *needs = &job->needs;

    switch (kind) {
    case HELP:
        return job->helped = true;
    case LIST:
        return job->list = true;
    case JSON:
        return job->json = true;
    case NTS:
        return needs->nts = true;
    case OUT:
        return (job->out = optarg) != NULL;
    case DIFF:
        return job->diff = true;
    case ROOT:
        return (job->root = optarg) != NULL;
    case SERVERS:
        return take_list(needs->servers, &needs->server_count);
    case HOSTS:
        return take_list(needs->hosts, &needs->host_count);
    case PEERS:
        return take_list(needs->peers, &needs->peer_count);
    case ALLOW:
        return take_list(needs->allow, &needs->allow_count);
    case ZONE:
        return (needs->zone = optarg) != NULL;
    case INTERFACE:
        return (needs->interface = optarg) != NULL;
    case DOMAIN:
        return (needs->ptp_domain = optarg) != NULL;
    case IMAGE:
        return (needs->image = optarg) != NULL;
    case NAME:
        return (needs->name = optarg) != NULL;
    case PROFILE:
        return take_profile(job);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct job *job)
{
    static const struct option all[] = {
        {"help", no_argument, NULL, HELP},
        {"list", no_argument, NULL, LIST},
        {"json", no_argument, NULL, JSON},
        {"nts", no_argument, NULL, NTS},
        {"out", required_argument, NULL, OUT},
        {"diff", no_argument, NULL, DIFF},
        {"root", required_argument, NULL, ROOT},
        {"servers", required_argument, NULL, SERVERS},
        {"hosts", required_argument, NULL, HOSTS},
        {"peers", required_argument, NULL, PEERS},
        {"allow", required_argument, NULL, ALLOW},
        {"zone", required_argument, NULL, ZONE},
        {"interface", required_argument, NULL, INTERFACE},
        {"ptp-domain", required_argument, NULL, DOMAIN},
        {"image", required_argument, NULL, IMAGE},
        {"name", required_argument, NULL, NAME},
        {"profile", required_argument, NULL, PROFILE},
        {NULL, 0, NULL, 0},
    };
    const char *word;
    int kind;

    while ((kind = getopt_long(argc, argv, "", all, NULL)) != -1)
        if (!take(kind, job)) {
            if (kind == '?')
                print_usage(stderr);
            return false;
        }
    word = visor_needs_check(&job->needs);
    if (word)
        fprintf(stderr,
                _("timevisor: \"%s\" cannot stand in a configuration: only letters, digits "
                  "and ._:/+-@ can\n"),
                word);
    return !word;
}

/* ---- files ---- */

/* In the language of the other texts. */
static const char *about(const struct visor_generated *file)
{
    const char *language = _("en"); /* by its code */

    return file->about[strncmp(language, "zh", 2) == 0 ? 1 : 0];
}

struct ready {
    const struct visor_generated *file;
    char path[256], use[256];
    char *text;
};

static bool make(const struct job *job, const struct visor_generated *file, struct ready *ready)
{
    struct visor_text path = visor_text_over(ready->path, sizeof(ready->path));
    struct visor_text use = visor_text_over(ready->use, sizeof(ready->use)), text;

    ready->file = file;
    ready->text = malloc(VISOR_NEEDS_FILE);
    if (!ready->text)
        return false;
    text = visor_text_over(ready->text, VISOR_NEEDS_FILE);
    if (visor_generate(file->path, &job->needs, &path) &&
        visor_generate(file->use, &job->needs, &use) &&
        visor_generate(file->text, &job->needs, &text))
        return true;
    free(ready->text);
    return false;
}

/* Folders on the way to `path`, whose first `skip` characters are there. */
static int make_folders(char *path, size_t skip)
{
    for (char *at = path + skip; (at = strchr(at, '/')); at++) {
        *at = '\0';
        if (mkdir(path, 0755) && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return 0;
}

static int write_file(const char *path, const struct ready *ready)
{
    FILE *out;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, ready->file->mode), error = 0;

    if (fd < 0)
        return -errno;
    out = fdopen(fd, "w");
    if (!out || fputs(ready->text, out) < 0 || fflush(out))
        error = -errno;
    if (out ? fclose(out) : close(fd))
        error = error ? error : -errno;
    return error;
}

/* Two targets may have the same file: each target gets a folder of its own. */
static void put(struct job *job, const struct ready *ready)
{
    char path[PATH_MAX];
    int error;

    snprintf(path, sizeof(path), "%s/%s/%s", job->out, ready->file->target,
             ready->path + (ready->path[0] == '/'));
    error = make_folders(path, 1);
    if (!error)
        error = write_file(path, ready);
    if (error) {
        fprintf(stderr, _("timevisor: %s cannot be written: %s\n"), path, strerror(-error));
        job->failed++;
    } else if (!job->json) {
        printf("%s\n    %s\n    %s\n", path, about(ready->file), ready->use);
    }
}

/* By diff(1), which everybody can read; a file that is not there is compared with nothing. */
static void compare(struct job *job, const struct ready *ready)
{
    char path[PATH_MAX], label[PATH_MAX];
    int ends[2], status = 0;
    pid_t child;

    if (ready->path[0] != '/')
        return;
    snprintf(path, sizeof(path), "%s%s", job->root ? job->root : "", ready->path);
    snprintf(label, sizeof(label), "%s (generated)", ready->path);
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC)) {
        job->failed++;
        return;
    }
    child = fork();
    if (child == 0) {
        dup2(ends[0], STDIN_FILENO);
        execlp("diff", "diff", "-u", "--label", path, "--label", label, "--",
               access(path, F_OK) ? "/dev/null" : path, "-", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    if (child > 0) {
        FILE *to = fdopen(ends[1], "w");

        if (to) {
            fputs(ready->text, to);
            fclose(to);
        }
        waitpid(child, &status, 0);
    }
    if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fprintf(stderr, _("timevisor: %s cannot be compared: is diff installed?\n"), path);
        job->failed++;
    } else {
        job->differing += WEXITSTATUS(status);
    }
}

static void show(const struct ready *ready, bool colored)
{
    printf("%s# ==> %s%s\n# %s\n# %s\n\n%s\n", visor_table_color(VISOR_BOLD, colored), ready->path,
           visor_table_color(VISOR_PLAIN, colored), about(ready->file), ready->use, ready->text);
}

static void handle(struct job *job, const struct ready *ready, bool alone)
{
    if (job->files)
        json_array_append_new(
            job->files,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "target", ready->file->target, "path",
                      ready->path, "mode", ready->file->mode & 0111 ? "0755" : "0644", "about",
                      about(ready->file), "use", ready->use, "text", ready->text));
    if (job->out)
        put(job, ready);
    else if (job->diff)
        compare(job, ready);
    else if (!job->files && alone)
        fputs(ready->text, stdout);
    else if (!job->files)
        show(ready, visor_table_wants_color(stdout));
}

static size_t count_of(const char *target)
{
    const struct visor_generated *file;
    size_t count = 0;

    for (size_t i = 0; (file = visor_generated_at(i)); i++)
        count += strcmp(file->target, target) == 0;
    return count;
}

static int run_target(struct job *job, const char *target, bool alone)
{
    const struct visor_generated *file;
    struct ready ready;

    for (size_t i = 0; (file = visor_generated_at(i)); i++) {
        if (strcmp(file->target, target) != 0)
            continue;
        if (!make(job, file, &ready)) {
            fprintf(stderr, _("timevisor: %s cannot be made\n"), file->path);
            return VISOR_CLI_REFUSED;
        }
        handle(job, &ready, alone);
        free(ready.text);
    }
    return VISOR_CLI_YES;
}

static int print_list(const struct job *job)
{
    const struct visor_generated *file;
    struct ready ready;
    struct visor_table *table = visor_table_new("lll");
    json_t *list = json_array();

    visor_table_add(table, VISOR_DIM, _("Target"));
    visor_table_add(table, VISOR_DIM, _("File"));
    visor_table_add(table, VISOR_DIM, _("What it is"));
    for (size_t i = 0; (file = visor_generated_at(i)); i++) {
        if (!make(job, file, &ready))
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "target", file->target, "path",
                                              ready.path, "about", about(file)));
        visor_table_add(table, VISOR_PLAIN, file->target);
        visor_table_add(table, VISOR_PLAIN, ready.path);
        visor_table_add(table, VISOR_PLAIN, about(file));
        free(ready.text);
    }
    if (job->json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        visor_table_print(table, stdout, visor_table_wants_color(stdout));
    }
    visor_table_free(table);
    json_decref(list);
    return VISOR_CLI_YES;
}

static int finish(struct job *job)
{
    if (job->files) {
        json_t *all = json_pack("{s:i, s:o}", "version", 1, "files", job->files);

        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    }
    return job->failed ? VISOR_CLI_REFUSED : job->differing ? VISOR_CLI_NO : VISOR_CLI_YES;
}

int visor_cli_generate(int argc, char **argv)
{
    struct job job = {.out = NULL};
    int status;

    if (!read_options(argc, argv, &job))
        return VISOR_CLI_USAGE;
    if (job.helped) {
        print_usage(stdout);
        return VISOR_CLI_YES;
    }
    if (job.list)
        return print_list(&job);
    if (optind == argc) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    for (int i = optind; i < argc; i++)
        if (count_of(argv[i]) == 0) {
            fprintf(stderr,
                    _("timevisor: there is no target \"%s\" (see: timevisor generate "
                      "--list)\n"),
                    argv[i]);
            return VISOR_CLI_USAGE;
        }
    if (job.needs.server_count > 0 && job.needs.server_count < ENOUGH)
        fprintf(
            stderr,
            _("timevisor: of fewer than %d servers, a wrong one cannot be outvoted while another "
              "one is silent\n"),
            ENOUGH);
    job.files = job.json ? json_array() : NULL;
    for (int i = optind; i < argc; i++) {
        status = run_target(&job, argv[i], argc - optind == 1 && count_of(argv[i]) == 1);
        if (status != VISOR_CLI_YES) {
            json_decref(job.files);
            return status;
        }
    }
    return finish(&job);
}
