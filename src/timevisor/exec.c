/* timevisor exec: runs an unmodified program that sees libtimevisor's clock. */
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/program.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <timevisor/timevisor.h>
#include <unistd.h>

#define SCRIPTS 5 /* that are run by scripts: the kernel allows as many */

struct wanted {
    const char *segment, *library;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor exec [--segment FILE] PROGRAM [ARGUMENT]...\n"
            "Runs a program that sees libtimevisor's clock in place of CLOCK_REALTIME: in\n"
            "clock_gettime, gettimeofday, time and timespec_get. It never goes back.\n\n"
            "  --segment FILE  the daemon's clock segment (/run/timevisor/clock)\n"
            "  --library FILE  what is loaded before the program\n\n"
            "Not reached are static programs, those of Go and of other C libraries. Refused\n"
            "is also what runs with other rights than its caller's.\n\n"
            "Exit status: the program's; 3 there is no clock segment, 4 refused.\n"),
          out);
}

static bool can_run(const char *path)
{
    struct stat status;

    return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* As execvp() finds it: without PATH where the system's own are, and an empty part of it is the
 * current folder. False: nowhere. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");
    size_t length;

    if (strchr(name, '/'))
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    for (folders = folders ? folders : "/bin:/usr/bin";; folders += length + 1) {
        length = strcspn(folders, ":");
        if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, folders, length ? "/" : "./", name) <
                PATH_MAX &&
            can_run(path))
            return true;
        if (!folders[length])
            return false;
    }
}

/* The dynamic linker would load nothing before such a program, and nobody should. */
static bool changes_rights(int fd, const struct stat *status)
{
    return status->st_mode & (S_ISUID | S_ISGID) ||
           fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static const char *fault_of(enum visor_program_kind kind)
{
    switch (kind) {
    case VISOR_PROGRAM_STATIC:
        return _("it is linked statically or with another C library");
    case VISOR_PROGRAM_GO:
        return _("it is a Go program, which asks the kernel by itself");
    case VISOR_PROGRAM_FOREIGN:
        return _("it is of another machine, or of 32 bits");
    case VISOR_PROGRAM_DYNAMIC:
        break;
    }
    return NULL;
}

/* Why it would not see the clock; NULL: it will. "" with errno: it cannot be read. `next`: the
 * program that it is a script for; "": it is none. */
static const char *judge(const char *path, char next[PATH_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *fault = "";
    struct stat status;

    next[0] = 0;
    if (fd < 0)
        return "";
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        size_t size = (size_t)status.st_size;
        void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

        if (changes_rights(fd, &status))
            fault = _("it runs with other rights than its caller's");
        else if (data != MAP_FAILED)
            fault = fault_of(visor_program_judge(data, size));
        if (data != MAP_FAILED && !visor_program_interpreter(data, size, next, PATH_MAX))
            next[0] = 0;
        if (data != MAP_FAILED)
            munmap(data, size);
    } else {
        errno = EACCES;
    }
    close(fd);
    return fault;
}

/* The same of all that runs when `path` is run; `path` is then what the answer is about. */
static const char *find_fault(char path[PATH_MAX])
{
    char next[PATH_MAX];
    const char *fault = judge(path, next);

    for (int i = 0; i < SCRIPTS && !fault && next[0]; i++) {
        strcpy(path, next);
        fault = judge(path, next);
    }
    return fault;
}

static void tell_fault(const char *name, const char *path, const char *fault)
{
    if (!*fault && errno == ENOENT)
        fprintf(stderr, _("timevisor exec: there is no program %s\n"), path);
    else if (!*fault)
        fprintf(stderr, "timevisor exec: %s: %s\n", path, strerror(errno));
    else if (strcmp(name, path) != 0)
        fprintf(stderr, _("timevisor exec: %s, which runs %s, would not see the clock: %s\n"), path,
                name, fault);
    else
        fprintf(stderr, _("timevisor exec: %s would not see the clock: %s\n"), name, fault);
}

/* The program may go to another directory before it opens the segment, as its children may. */
static bool set_segment(const char *segment)
{
    char path[PATH_MAX];
    size_t length = 0;

    if (segment[0] != '/') {
        if (!getcwd(path, sizeof(path) - 1))
            return false;
        length = strlen(path);
        path[length++] = '/';
    }
    if (snprintf(path + length, sizeof(path) - length, "%s", segment) >=
        (int)(sizeof(path) - length)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return setenv("TIMEVISOR_CLOCK", path, 1) == 0;
}

static bool set_environment(const char *library)
{
    const char *before = getenv("LD_PRELOAD");
    char preload[2 * PATH_MAX];
    int length = before && *before ? snprintf(preload, sizeof(preload), "%s:%s", library, before)
                                   : snprintf(preload, sizeof(preload), "%s", library);

    return length < (int)sizeof(preload) && setenv("LD_PRELOAD", preload, 1) == 0;
}

static int run(const struct wanted *wanted, char **words)
{
    const char *segment = wanted->segment ? wanted->segment : getenv("TIMEVISOR_CLOCK");
    timevisor *handle = !segment || set_segment(segment) ? timevisor_open(NULL) : NULL;
    char path[PATH_MAX], judged[PATH_MAX], library[PATH_MAX];
    const char *fault;

    if (!handle) {
        fprintf(stderr, "timevisor exec: %s\n", timevisor_strerror(errno));
        return VISOR_CLI_UNREACHABLE;
    }
    timevisor_close(handle);
    /* absolute: what the program starts may be in another directory */
    if (!wanted->library || !realpath(wanted->library, library) || access(library, R_OK)) {
        fprintf(stderr, "timevisor exec: %s: %s\n", wanted->library ? wanted->library : "",
                strerror(errno));
        return VISOR_CLI_REFUSED;
    }
    if (strpbrk(library, " :")) { /* the dynamic linker would take it for two */
        fprintf(stderr,
                _("timevisor exec: %s: a path with a space or a colon cannot be loaded; move "
                  "or link the library\n"),
                library);
        return VISOR_CLI_REFUSED;
    }
    errno = ENOENT;
    if (!find_program(words[0], path)) {
        tell_fault(words[0], words[0], "");
        return VISOR_CLI_REFUSED;
    }
    strcpy(judged, path);
    fault = find_fault(judged);
    if (fault) {
        tell_fault(path, judged, fault);
        return VISOR_CLI_REFUSED;
    }
    if (set_environment(library))
        execv(path, words);
    fprintf(stderr, "timevisor exec: %s: %s\n", words[0], strerror(errno));
    return VISOR_CLI_REFUSED;
}

int visor_cli_exec(int argc, char **argv)
{
    static const struct option options[] = {{"segment", required_argument, NULL, 's'},
                                            {"library", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct wanted wanted = {.library = VISOR_EXEC_LIBRARY};
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (option) {
        case 's':
            wanted.segment = optarg;
            break;
        case 'l':
            wanted.library = optarg;
            break;
        case 'h':
            print_usage(stdout);
            return VISOR_CLI_YES;
        default:
            print_usage(stderr);
            return VISOR_CLI_USAGE;
        }
    }
    if (optind == argc) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    return run(&wanted, argv + optind);
}
