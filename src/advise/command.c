/* A word is a program where a command begins, behind words that run another program, or, since
 * wrappers have arguments of their own, where it is a path; but not if the line only handles files
 * (test -x /usr/sbin/ntpdate). */
#include "advise/command.h"

#include <string.h>

#define CLUSTER_MAX 4 /* letters of options in one word; longer ones are values: -dyesterday */

static bool is_in(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names;
}

/* The next word; its length, 0 at the end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, " \t");
    return strcspn(*at, " \t");
}

/* Without quotes, systemd's prefixes and folders. */
static void name_of(const char *word, size_t length, char name[VISOR_COMMAND_NAME])
{
    const char *end = word + length, *first;

    while (word < end && strchr("\"'-@:+!|($", *word))
        word++;
    while (end > word && strchr("\"';)&|", end[-1]))
        end--;
    for (first = end; first > word && first[-1] != '/'; first--)
        ;
    length = (size_t)(end - first);
    length = length < VISOR_COMMAND_NAME ? length : VISOR_COMMAND_NAME - 1;
    memcpy(name, first, length);
    name[length] = '\0';
}

/* A path in a folder of programs; others are what programs work on (tar … /etc/ntpd). */
static bool is_program(const char *word, size_t length)
{
    static const char *const folders[] = {"bin/", "/libexec/", "/lib/systemd/"};
    const char *quoted = word + (*word == '\'' || *word == '"');

    for (size_t i = 0; *quoted == '/' && i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *found = strstr(quoted, folders[i]);

        if (found && found < word + length)
            return true;
    }
    return false;
}

static bool ends_command(const char *word, size_t length)
{
    return strchr(";|&", word[length - 1]);
}

static const char *end_of_command(const char *at)
{
    for (size_t length; (length = next_word(&at)) > 0; at += length)
        if (ends_command(at, length))
            return at + length;
    return at;
}

void visor_command_begin(struct visor_command *command, const char *line)
{
    *command = (struct visor_command){.at = line, .end = line};
}

bool visor_command_next(struct visor_command *command)
{
    static const char *const wrappers[] = {
        "busybox", "env",  "exec",    "sudo", "then", "do",   "if",        "else",
        "tini",    "gosu", "su-exec", "nice", "chrt", "time", "dumb-init", NULL};
    static const char *const for_users[] = {"gosu", "su-exec", NULL};
    static const char *const shells[] = {"sh", "bash", "dash", "ash", "ksh", "su", "runuser", NULL};
    static const char *const of_files[] = {"[",     "test",    "rm",   "cp",    "ln",
                                           "chown", "chmod",   "cat",  "touch", "install",
                                           "pkill", "killall", "echo", NULL};
    bool begins = !*command->program || is_in(command->program, wrappers);
    bool user = is_in(command->program, for_users); /* their first word */
    bool shell = is_in(command->program, shells), path = !is_in(command->program, of_files);
    const char *at = command->at;

    for (size_t length; (length = next_word(&at)) > 0; at += length) {
        bool quoted = *at == '\'' || *at == '"';
        char name[VISOR_COMMAND_NAME];

        name_of(at, length, name);
        if (begins && ((*at == '-' && !memchr(at, '/', length)) || memchr(at, '=', length)))
            continue; /* an option of the wrapper's (not systemd's -/bin/x), an assignment */
        if (user) {
            user = false;
            continue;
        }
        if (*name && (begins || (shell && quoted) || (path && is_program(at, length)))) {
            memcpy(command->program, name, sizeof(name));
            command->at = at + length;
            command->end = ends_command(at, length) ? command->at : end_of_command(command->at);
            return true;
        }
        begins = ends_command(at, length) || is_in(name, wrappers);
        path = path || begins;
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "-I" of date has a value behind it: -Is. */
static bool has_letter(const char *word, size_t length, char letter)
{
    bool found = false;

    if (length < 2 || length > CLUSTER_MAX + 1 || word[0] != '-' || word[1] == 'I')
        return false;
    for (size_t i = 1; i < length && is_letter(word[i]); i++)
        found = found || word[i] == letter;
    return found;
}

bool visor_command_option(const struct visor_command *command, char letter, const char *word)
{
    const char *at = command->at;

    for (size_t length; (length = next_word(&at)) > 0 && at < command->end;) {
        const char *next = at + length;

        while (length && strchr("\"';)&|", at[length - 1]))
            length--;
        if (has_letter(at, length, letter) ||
            (word && length >= strlen(word) && strncmp(at, word, strlen(word)) == 0))
            return true;
        at = next;
    }
    return false;
}
