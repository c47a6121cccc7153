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

/* As execvp() finds it. False: nowhere. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");
    size_t length;

    if (strchr(name, '/'))
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    for (; folders && *folders; folders += length + (folders[length] == ':')) {
        length = strcspn(folders, ":");
        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folders, name) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
    }
    return false;
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

/* Why it would not see the clock; NULL: it will. "" with errno: it cannot be read. */
static const char *find_fault(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *fault = "";
    struct stat status;

    if (fd < 0)
        return "";
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        size_t size = (size_t)status.st_size;
        void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

        if (changes_rights(fd, &status))
            fault = _("it runs with other rights than its caller's");
        else if (data != MAP_FAILED)
            fault = fault_of(visor_program_judge(data, size));
        if (data != MAP_FAILED)
            munmap(data, size);
    } else {
        errno = EACCES;
    }
    close(fd);
    return fault;
}

static bool set_environment(const struct wanted *wanted)
{
    const char *before = getenv("LD_PRELOAD");
    char preload[2 * PATH_MAX];
    int length = before && *before
                     ? snprintf(preload, sizeof(preload), "%s:%s", wanted->library, before)
                     : snprintf(preload, sizeof(preload), "%s", wanted->library);

    return length < (int)sizeof(preload) && setenv("LD_PRELOAD", preload, 1) == 0 &&
           (!wanted->segment || setenv("TIMEVISOR_CLOCK", wanted->segment, 1) == 0);
}

static int run(const struct wanted *wanted, char **words)
{
    timevisor *handle = timevisor_open(wanted->segment);
    char path[PATH_MAX];
    const char *fault;

    if (!handle) {
        fprintf(stderr, "timevisor exec: %s\n", timevisor_strerror(errno));
        return VISOR_CLI_UNREACHABLE;
    }
    timevisor_close(handle);
    if (access(wanted->library, R_OK)) {
        fprintf(stderr, "timevisor exec: %s: %s\n", wanted->library, strerror(errno));
        return VISOR_CLI_REFUSED;
    }
    errno = ENOENT;
    fault = find_program(words[0], path) ? find_fault(path) : "";
    if (fault) {
        fprintf(stderr, _("timevisor exec: %s would not see the clock: %s\n"), words[0],
                *fault ? fault : strerror(errno));
        return VISOR_CLI_REFUSED;
    }
    if (set_environment(wanted))
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
