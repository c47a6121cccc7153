/* Runs a hook in a session of its own: its limit of time ends all that it has started in that
 * session. It never takes what it runs from a message, only from the configuration. */
#include "port/hook.h"

#include "engine/kind.h"
#include "port/statusjson.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SHELL     "/bin/sh"
#define SYSTEMCTL "systemctl"
#define TICK_MS   20 /* a child's end is looked for so often */
#define ARGUMENTS 128
#define NOT_BEGUN 125 /* exit status of a child that could not become the hook; errno was told */

int visor_hook_environment(const struct visor_occasion *occasion,
                           char lines[VISOR_HOOK_LINES][VISOR_HOOK_LINE])
{
    int count = 0;

    snprintf(lines[count++], VISOR_HOOK_LINE, "TIMEVISOR_EVENT=%s",
             occasion->event < VISOR_HOOK_EVENTS
                 ? visor_config_hook_event((enum visor_hook_event)occasion->event)
                 : "unknown");
    snprintf(lines[count++], VISOR_HOOK_LINE, "TIMEVISOR_LEVEL=%s",
             visor_statusjson_level(occasion->level));
    snprintf(lines[count++], VISOR_HOOK_LINE, "TIMEVISOR_CAUSE=%s",
             visor_statusjson_cause(occasion->cause));
    if (occasion->event == VISOR_HOOK_DISRUPTION || occasion->event == VISOR_HOOK_RECOVERED)
        snprintf(lines[count++], VISOR_HOOK_LINE, "TIMEVISOR_KIND=%s",
                 visor_kind_word((enum visor_disruption_kind)occasion->kind));
    if (occasion->sized) {
        snprintf(lines[count++], VISOR_HOOK_LINE, "TIMEVISOR_SIZE_S=%.9f", occasion->size_s);
        snprintf(lines[count++], VISOR_HOOK_LINE, "TIMEVISOR_ERROR_S=%.9f", occasion->error_s);
    }
    snprintf(lines[count++], VISOR_HOOK_LINE, PATH);
    return count;
}

/* ---- the child ---- */

static int become(const char *user)
{
    const struct passwd *entry;

    if (!user[0])
        return 0;
    errno = 0;
    entry = getpwnam(user);
    if (!entry)
        return errno ? errno : ENOENT;
    if (entry->pw_uid == geteuid())
        return 0;
    return initgroups(user, entry->pw_gid) || setgid(entry->pw_gid) || setuid(entry->pw_uid) ? errno
                                                                                             : 0;
}

static void split(char *command, char *argv[ARGUMENTS + 1])
{
    int count = 0;
    char *rest = command, *word;

    while (count < ARGUMENTS && (word = strsep(&rest, " ")))
        if (word[0])
            argv[count++] = word;
    argv[count] = NULL;
}

static void execute(const struct visor_hook_config *hook, char *environment[])
{
    char command[sizeof(hook->command)], *argv[ARGUMENTS + 1];

    memcpy(command, hook->command, sizeof(command));
    command[sizeof(command) - 1] = '\0';
    switch (hook->kind) {
    case VISOR_HOOK_RUN:
        split(command, argv);
        if (argv[0])
            execve(argv[0], argv, environment);
        break;
    case VISOR_HOOK_SHELL:
        execve(SHELL, (char *[]){(char[]){"sh"}, (char[]){"-c"}, command, NULL}, environment);
        break;
    case VISOR_HOOK_START:
        execvpe(SYSTEMCTL,
                (char *[]){(char[]){SYSTEMCTL}, (char[]){"start"}, (char[]){"--no-block"},
                           (char[]){"--"}, command, NULL},
                environment);
        break;
    }
}

/* Never returns. `trouble`: where to say why the hook could not begin; closed when it has. */
static void be_hook(const struct visor_hook_config *hook, const struct visor_occasion *occasion,
                    int output, int trouble)
{
    char lines[VISOR_HOOK_LINES][VISOR_HOOK_LINE];
    char *environment[VISOR_HOOK_LINES + 1] = {NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), error;

    setsid();
    for (int i = visor_hook_environment(occasion, lines); i-- > 0;)
        environment[i] = lines[i];
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL); /* the helper ignores some */
    umask(022);
    if (dup2(null < 0 ? output : null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
        dup2(trouble, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) || chdir("/"))
        _exit(NOT_BEGUN);
    closefrom(4);
    error = become(hook->user);
    if (!error) {
        setenv("PATH", &PATH[5], 1); /* where systemctl is looked for */
        execute(hook, environment);
        error = errno;
    }
    if (write(3, &error, sizeof(error)) < 0)
        _exit(NOT_BEGUN);
    _exit(NOT_BEGUN);
}

/* ---- who waits for it ---- */

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The beginning is kept, the rest thrown away, so that a hook that writes much does not wait for
 * us. False: nobody will write any more. */
static bool collect(int fd, struct visor_outcome *outcome, size_t *length)
{
    char text[512];
    ssize_t size = read(fd, text, sizeof(text));

    if (size <= 0)
        return size < 0 && (errno == EINTR || errno == EAGAIN);
    for (ssize_t i = 0; i < size && *length < sizeof(outcome->text) - 1; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= ' ' && c != 0x7f)
            outcome->text[(*length)++] = (char)c;
        else if (*length > 0 && outcome->text[*length - 1] != ' ')
            outcome->text[(*length)++] = ' ';
    }
    outcome->text[*length] = '\0';
    return true;
}

static void watch(pid_t child, int fd, double limit, struct visor_outcome *outcome)
{
    struct pollfd output = {.fd = fd, .events = POLLIN};
    double begun = now_s();
    size_t length = 0;
    int status = 0;
    bool ended;

    do {
        if (poll(&output, 1, TICK_MS) > 0 && !collect(fd, outcome, &length))
            output.fd = -1;
        ended = waitpid(child, &status, WNOHANG) != 0;
    } while (!ended && now_s() - begun < limit);
    outcome->seconds = now_s() - begun;
    if (!ended) {
        outcome->kind = VISOR_OUTCOME_LATE;
        kill(-child, SIGKILL);
        kill(child, SIGKILL); /* it may not have become a leader yet */
        waitpid(child, &status, 0);
        return;
    }
    while (output.fd >= 0 && poll(&output, 1, 0) > 0 && collect(fd, outcome, &length))
        continue;
    outcome->kind = WIFSIGNALED(status) ? VISOR_OUTCOME_SIGNALED : VISOR_OUTCOME_DONE;
    outcome->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

void visor_hook_run(const struct visor_hook_config *hook, const struct visor_occasion *occasion,
                    struct visor_outcome *outcome)
{
    int output[2], trouble[2], error = 0;
    pid_t child;

    *outcome = (struct visor_outcome){.kind = VISOR_OUTCOME_FAILED};
    if (pipe2(output, O_CLOEXEC)) {
        outcome->status = errno;
        return;
    }
    if (pipe2(trouble, O_CLOEXEC)) {
        outcome->status = errno;
        close(output[0]);
        close(output[1]);
        return;
    }
    child = fork();
    if (child == 0)
        be_hook(hook, occasion, output[1], trouble[1]);
    outcome->status = child < 0 ? errno : 0;
    close(output[1]);
    close(trouble[1]);
    if (child > 0) {
        fcntl(output[0], F_SETFL, O_NONBLOCK);
        watch(child, output[0], hook->limit, outcome);
        fcntl(trouble[0], F_SETFL, O_NONBLOCK);
        if (read(trouble[0], &error, sizeof(error)) == sizeof(error)) {
            outcome->kind = VISOR_OUTCOME_FAILED;
            outcome->status = error;
        }
    }
    close(output[0]);
    close(trouble[0]);
}
