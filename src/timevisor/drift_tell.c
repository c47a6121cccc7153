/* sendmail and curl are programs of the system, given fixed arguments and a bounded text on their
 * standard input, and a time limit; no shell reads any of it. */
#include "timevisor/drift_tell.h"

#include "port/text.h"
#include "timevisor/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define SENTENCE_MAX 512
#define TEXT_MAX     2048
#define PATIENCE_S   20
#define FILE_MAX     512

/* Mail servers put sendmail where a person's PATH does not look. */
static bool find_program(const char *name, char file[FILE_MAX])
{
    static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/usr/lib", "/sbin", "/bin"};
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t length = strcspn(path, ":");

        snprintf(file, FILE_MAX, "%.*s/%s", (int)length, path, name);
        if (length && !access(file, X_OK))
            return true;
        path += length + (path[length] == ':');
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(file, FILE_MAX, "%s/%s", folders[i], name);
        if (!access(file, X_OK))
            return true;
    }
    return false;
}

static bool is_plain(const char *text)
{
    if (!*text || *text == '-' || strlen(text) > 1024)
        return false;
    for (; *text; text++)
        if (iscntrl((unsigned char)*text) || isspace((unsigned char)*text))
            return false;
    return true;
}

bool visor_drift_listeners_check(const struct visor_drift_listeners *listeners)
{
    char file[FILE_MAX];

    if (listeners->mail && (!is_plain(listeners->mail) || strchr(listeners->mail, ','))) {
        fprintf(stderr,
                _("timevisor: --mail wants one address such as ops@example.com, not "
                  "\"%s\"\n"),
                listeners->mail);
        return false;
    }
    if (listeners->webhook &&
        (!is_plain(listeners->webhook) || (strncmp(listeners->webhook, "https://", 8) != 0 &&
                                           strncmp(listeners->webhook, "http://", 7) != 0))) {
        fprintf(stderr,
                _("timevisor: --webhook wants a URL that begins with https:// or http://, "
                  "not \"%s\"\n"),
                listeners->webhook);
        return false;
    }
    if (listeners->mail && !find_program("sendmail", file)) {
        fputs(_("timevisor: --mail needs the program sendmail: install a mail server such as "
                "postfix, or msmtp-mta\n"),
              stderr);
        return false;
    }
    if (listeners->webhook && !find_program("curl", file)) {
        fputs(_("timevisor: --webhook needs the program curl: install it (apt install curl)\n"),
              stderr);
        return false;
    }
    return true;
}

/* ---- what is said ---- */

const char *visor_drift_level_name(enum visor_drift_level level)
{
    switch (level) {
    case VISOR_DRIFT_FINE:
        return "fine";
    case VISOR_DRIFT_YELLOW:
        return "yellow";
    case VISOR_DRIFT_RED:
        return "red";
    case VISOR_DRIFT_UNKNOWN:
        break;
    }
    return "unknown";
}

char *visor_drift_sentence(const struct visor_drift_clock *machine, char *text, size_t size)
{
    char error[VISOR_QUANTITY_MAX], doubt[VISOR_QUANTITY_MAX];
    int64_t ns = machine->error.offset_ns;

    if (machine->error.uncertainty_ns == VISOR_NS_MAX) {
        snprintf(text, size, "%s: %s", machine->name, machine->why);
        return text;
    }
    visor_quantity_print(visor_seconds_from_ns(ns < 0 ? -ns : ns), error);
    visor_quantity_print(visor_seconds_from_ns(machine->error.uncertainty_ns), doubt);
    snprintf(text, size, ns < 0 ? _("%s is %s +/- %s ahead") : _("%s is %s +/- %s behind"),
             machine->name, error, doubt);
    return text;
}

static json_t *seconds_or_null(const struct visor_drift_interval *interval, int64_t ns)
{
    return interval->uncertainty_ns == VISOR_NS_MAX ? json_null()
                                                    : json_real(visor_seconds_from_ns(ns));
}

static json_t *interval_json(const struct visor_drift_interval *interval)
{
    return json_pack("{s:o, s:o}", "offset_s", seconds_or_null(interval, interval->offset_ns),
                     "uncertainty_s", seconds_or_null(interval, interval->uncertainty_ns));
}

static json_t *machine_json(const struct visor_drift_clock *machine)
{
    static const char *const ways[] = {"here", "ntp", "ssh"};
    json_t *object = interval_json(&machine->error);

    json_object_set_new(object, "name", json_string(machine->name));
    json_object_set_new(object, "via", json_string(ways[machine->via]));
    json_object_set_new(object, "level", json_string(visor_drift_level_name(machine->level)));
    json_object_set_new(object, "zone", *machine->zone ? json_string(machine->zone) : json_null());
    json_object_set_new(object, "why", *machine->why ? json_string(machine->why) : json_null());
    return object;
}

json_t *visor_drift_json(const struct visor_drift_plan *plan)
{
    json_t *machines = json_array(), *references = json_array();

    for (int i = 0; i < plan->machine_count; i++)
        json_array_append_new(machines, machine_json(&plan->machines[i]));
    for (int i = 0; i < plan->reference_count; i++) {
        const struct visor_drift_clock *clock = &plan->references[i];
        json_t *object = interval_json(&clock->clock);

        json_object_set_new(object, "name", json_string(clock->name));
        json_object_set_new(object, "why", *clock->why ? json_string(clock->why) : json_null());
        json_array_append_new(references, object);
    }
    return json_pack("{s:i, s:f, s:f, s:o, s:o, s:i, s:o}", "version", 1, "limit_s", plan->limit_s,
                     "warn_s", plan->warn_s, "machines", machines, "reference",
                     interval_json(&plan->reference), "agreeing", plan->agreeing, "references",
                     references);
}

/* ---- to whom ---- */

static void feed(int fd, const char *text)
{
    size_t size = strlen(text);

    while (size) {
        ssize_t written = write(fd, text, size);

        if (written <= 0)
            break;
        text += written;
        size -= (size_t)written;
    }
    close(fd);
}

/* Runs a program with `text` on its standard input; true: it says that all went well. */
static bool run(char *const *words, const char *text)
{
    int pipes[2], status = 0;
    char file[FILE_MAX];
    pid_t process;

    if (!find_program(words[0], file) || pipe2(pipes, O_CLOEXEC))
        return false;
    process = fork();
    if (!process) {
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(pipes[0], 0);
        dup2(nothing, 1);
        signal(SIGPIPE, SIG_DFL);
        alarm(PATIENCE_S); /* stays across the exec */
        execv(file, words);
        _exit(127);
    }
    close(pipes[0]);
    if (process < 0) {
        close(pipes[1]);
        return false;
    }
    signal(SIGPIPE, SIG_IGN);
    feed(pipes[1], text);
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool tell_mail(const char *address, const char *sentence, double limit_s)
{
    char *words[] = {(char[]){"sendmail"}, (char[]){"-i"}, (char[]){"-t"}, NULL};
    char text[TEXT_MAX], limit[VISOR_QUANTITY_MAX];

    snprintf(text, sizeof(text),
             "To: %s\nSubject: timevisor drift\nContent-Type: text/plain; charset=utf-8\n\n"
             "%s (--limit %s)\n",
             address, sentence, visor_quantity_print(limit_s, limit));
    return run(words, text);
}

static bool tell_webhook(const char *url, const struct visor_drift_clock *machine,
                         const char *sentence)
{
    char *words[] = {(char[]){"curl"},
                     (char[]){"--silent"},
                     (char[]){"--show-error"},
                     (char[]){"--fail"},
                     (char[]){"--max-time"},
                     (char[]){"15"},
                     (char[]){"--proto"},
                     (char[]){"=http,https"},
                     (char[]){"--header"},
                     (char[]){"Content-Type: application/json"},
                     (char[]){"--data-binary"},
                     (char[]){"@-"},
                     (char[]){"--"},
                     strdup(url),
                     NULL};
    json_t *object = machine_json(machine);
    char *text;
    bool good = false;

    json_object_set_new(object, "text", json_string(sentence));
    text = json_dumps(object, JSON_COMPACT);
    if (text && words[13])
        good = run(words, text);
    free(text);
    free(words[13]);
    json_decref(object);
    return good;
}

static void tell_syslog(const struct visor_drift_clock *machine, const char *sentence)
{
    int priority = machine->level == VISOR_DRIFT_FINE  ? LOG_NOTICE
                   : machine->level == VISOR_DRIFT_RED ? LOG_ERR
                                                       : LOG_WARNING;

    openlog("timevisor", LOG_PID, LOG_DAEMON);
    syslog(priority, "drift: %s", sentence);
    closelog();
}

bool visor_drift_tell(const struct visor_drift_listeners *listeners,
                      const struct visor_drift_clock *machine, double limit_s)
{
    char sentence[SENTENCE_MAX];
    bool good = true;

    visor_drift_sentence(machine, sentence, sizeof(sentence));
    if (listeners->syslog)
        tell_syslog(machine, sentence);
    if (listeners->mail && !tell_mail(listeners->mail, sentence, limit_s)) {
        fprintf(stderr, _("timevisor: sendmail did not take the message for %s\n"),
                listeners->mail);
        good = false;
    }
    if (listeners->webhook && !tell_webhook(listeners->webhook, machine, sentence)) {
        fprintf(stderr, _("timevisor: curl could not deliver to %s\n"), listeners->webhook);
        good = false;
    }
    return good;
}
