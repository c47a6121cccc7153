/* What is to happen in an emergency: `emergency`, `hook` and `hold`. */
#include "config/profile.h"
#include "config/tables.h"

#include <string.h>

#define STRUCTURE struct visor_config

static const struct visor_option emergency_rows[] = {
    FLAG("off", emergency_off, "levels are told, and nothing is done by itself"),
    FLAG("backward", emergency_backward, "the clock may be stepped backward"),
    REAL("limit", emergency_limit, 0, UNLIMITED, 0, "SECONDS",
         "error bound beyond which this machine's time is of no use; 0: none"),
    CHOICE("profile", emergency_profile,
           "none general cloud finance-cat finance-mifid finance-hft industrial access-5g "
           "power-t5 telecom",
           0, "whose limit it is, where none is given"),
};
const struct visor_option_table visor_emergency_options = {"emergency", emergency_rows, 4};

double visor_config_emergency_limit(const struct visor_config *config)
{
    const struct visor_profile *profile =
        config->emergency_profile > 0 ? visor_profile_at(config->emergency_profile - 1) : NULL;

    return config->emergency_limit > 0.0 || !profile ? config->emergency_limit : profile->limit_s;
}

#define LIMIT_MOST 86400.0 /* s */

static const char *const events[VISOR_HOOK_EVENTS] = {
    [VISOR_HOOK_DISRUPTION] = "disruption",
    [VISOR_HOOK_RECOVERED] = "recovered",
    [VISOR_HOOK_YELLOW] = "yellow",
    [VISOR_HOOK_ORANGE] = "orange",
    [VISOR_HOOK_RED] = "red",
    [VISOR_HOOK_NORMAL] = "normal",
};
static const char *const kinds[] = {"run", "shell", "start"};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

const char *visor_config_hook_event(enum visor_hook_event event)
{
    return events[event];
}

static int place_of(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++)
        if (visor_words_same(words[i], word))
            return i;
    return -1;
}

void visor_directive_emergency(struct visor_parser *parser, void *config)
{
    (void)visor_options_take(parser, &visor_emergency_options, config);
}

/* True: `word` was "limit", and its seconds were taken; parser->failed if they are none. */
static bool take_limit(struct visor_parser *parser, const char *word, double *limit)
{
    if (!visor_words_same(word, "limit"))
        return false;
    if (!visor_parser_real(parser, "SECONDS", limit))
        return true;
    if (!(*limit > 0.0 && *limit <= LIMIT_MOST))
        visor_parser_complain(
            parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
            N_("'%w' is no limit for '%1': more than 0 and at most 86400 seconds"),
            parser->directive, NULL);
    return true;
}

/* All the words that are left, a space between. */
static bool take_command(struct visor_parser *parser, char *command, size_t size)
{
    struct visor_words *words = &parser->words;
    size_t length = 0;

    if (!visor_words_left(words)) {
        visor_parser_missing(parser, parser->directive, "COMMAND");
        return false;
    }
    while (visor_words_left(words)) {
        const char *word = visor_words_take(words);
        size_t more = strlen(word) + (length > 0);

        if (length + more >= size) {
            visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, words->next - 1,
                                  N_("the command of '%1' is too long: put it into a script"),
                                  parser->directive, NULL);
            return false;
        }
        if (length > 0)
            command[length++] = ' ';
        memcpy(command + length, word, strlen(word));
        length += strlen(word);
        command[length] = '\0';
    }
    return true;
}

static bool good_command(struct visor_parser *parser, const struct visor_hook_config *hook)
{
    if (hook->kind == VISOR_HOOK_RUN && hook->command[0] != '/') {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.count,
                              N_("'%1 run' needs the program's whole path, from / on"),
                              parser->directive, NULL);
        return false;
    }
    if (hook->kind == VISOR_HOOK_START &&
        (strchr(hook->command, ' ') || strchr(hook->command, '/') || hook->command[0] == '-' ||
         !strchr(hook->command, '.'))) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.count,
                              N_("'%1 start' needs one unit's name, as in 'time-lost.target'"),
                              parser->directive, NULL);
        return false;
    }
    return true;
}

/* EVENT... [limit SECONDS] [user USER] (run PROGRAM [ARGUMENT]... | shell COMMAND | start UNIT) */
void visor_directive_hook(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    struct visor_hook_config hook = {.limit = VISOR_HOOK_LIMIT}, *new;
    const char *word;
    int kind = -1, event;

    while (kind < 0) {
        word = visor_words_take(&parser->words);
        if (!word) {
            visor_parser_missing(parser, parser->directive,
                                 "EVENT... (run PROGRAM | shell COMMAND | start UNIT)");
            return;
        }
        kind = place_of(kinds, KINDS, word);
        event = place_of(events, VISOR_HOOK_EVENTS, word);
        if (event >= 0)
            hook.events |= 1u << event;
        else if (visor_words_same(word, "user")) {
            if (!visor_parser_text(parser, "USER", hook.user, sizeof(hook.user)))
                return;
        } else if (take_limit(parser, word, &hook.limit)) {
            if (parser->failed)
                return;
        } else if (kind < 0) {
            visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                                  N_("'%w' is no event of '%1': disruption recovered yellow orange "
                                     "red normal; then run, shell or start"),
                                  parser->directive, NULL);
            return;
        }
    }
    hook.kind = (enum visor_hook_kind)kind;
    if (!hook.events) {
        visor_parser_missing(parser, parser->directive, "EVENT...");
        return;
    }
    if (!take_command(parser, hook.command, sizeof(hook.command)) || !good_command(parser, &hook))
        return;
    new = visor_parser_append(parser, (void **)&config->hooks, &config->hook_count, sizeof(*new),
                              VISOR_CONFIG_HOOKS_MAX);
    if (new)
        *new = hook;
}

void visor_directive_hold(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    struct visor_hold_config hold = {.limit = VISOR_HOLD_LIMIT}, *new;
    const char *word;

    if (!visor_parser_text(parser, "CGROUP [limit SECONDS]", hold.cgroup, sizeof(hold.cgroup)))
        return;
    if (hold.cgroup[0] != '/' || strstr(hold.cgroup, "/..")) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not the path of a control group, as in "
                                 "/sys/fs/cgroup/trading.slice"),
                              NULL, NULL);
        return;
    }
    word = visor_words_take(&parser->words);
    if (word && !take_limit(parser, word, &hold.limit)) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not an option of '%1': it knows 'limit' only"),
                              parser->directive, NULL);
        return;
    }
    if (parser->failed)
        return;
    new = visor_parser_append(parser, (void **)&config->holds, &config->hold_count, sizeof(*new),
                              VISOR_CONFIG_HOLDS_MAX);
    if (new)
        *new = hold;
}

/* ---- printing ---- */

static void put(struct visor_printer *printer, const char *word)
{
    visor_text_put_char(&printer->out, ' ');
    visor_text_put(&printer->out, word);
}

static void put_limit(struct visor_printer *printer, double limit, double normal)
{
    if (limit < normal || limit > normal) {
        put(printer, "limit ");
        visor_text_put_real(&printer->out, limit);
    }
}

PRINT(emergency)
{
    const struct visor_config *from = config;

    if (!from->emergency_off && !from->emergency_backward && !(from->emergency_limit > 0.0) &&
        from->emergency_profile == 0)
        return;
    visor_text_put(&printer->out, directive);
    visor_options_print(printer, &visor_emergency_options, from);
    visor_text_put_char(&printer->out, '\n');
}

PRINT(hooks)
{
    const struct visor_config *from = config;

    for (size_t i = 0; i < from->hook_count; i++) {
        const struct visor_hook_config *hook = &from->hooks[i];

        visor_text_put(&printer->out, directive);
        for (int event = 0; event < VISOR_HOOK_EVENTS; event++)
            if (hook->events & 1u << event)
                put(printer, events[event]);
        put_limit(printer, hook->limit, VISOR_HOOK_LIMIT);
        if (hook->user[0]) {
            put(printer, "user");
            put(printer, hook->user);
        }
        put(printer, kinds[hook->kind]);
        put(printer, hook->command);
        visor_text_put_char(&printer->out, '\n');
    }
}

PRINT(holds)
{
    const struct visor_config *from = config;

    for (size_t i = 0; i < from->hold_count; i++) {
        visor_text_put(&printer->out, directive);
        put(printer, from->holds[i].cgroup);
        put_limit(printer, from->holds[i].limit, VISOR_HOLD_LIMIT);
        visor_text_put_char(&printer->out, '\n');
    }
}
