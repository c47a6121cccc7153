/* Picks from the facts what a second daemon may ask, too: NTP sources and PHCs. A SOCK or SHM
 * belongs to one reader; keys and NTS stay with the daemon that has them. */
#include "timevisor/own.h"

#include "port/facts.h"

#include <stdlib.h>
#include <string.h>

#define FALLBACK "pool pool.ntp.org iburst"

/* The options of chrony's that a second daemon can use; each with the words that follow it. */
static const struct {
    const char *word;
    int values;
    bool kept;
} options[] = {
    {"iburst", 0, true},  {"prefer", 0, true},    {"trust", 0, true},    {"noselect", 0, true},
    {"require", 0, true}, {"xleave", 0, true},    {"minpoll", 1, true},  {"maxpoll", 1, true},
    {"port", 1, true},    {"offset", 1, true},    {"maxdelay", 1, true}, {"maxsources", 1, true},
    {"poll", 1, true},    {"dpoll", 1, true},     {"refid", 1, true},    {"stratum", 1, true},
    {"delay", 1, true},   {"precision", 1, true}, {"tai", 0, true},      {"key", 1, false},
};

/* Writes those of `text` that are kept. */
static void write_options(const char *text, FILE *out)
{
    char copy[VISOR_FACTS_LINE], *rest = copy, *word;
    int follow = 0;
    bool kept = false;

    snprintf(copy, sizeof(copy), "%s", text);
    while ((word = strsep(&rest, " \t"))) {
        if (!*word)
            continue;
        if (!follow) {
            kept = false;
            for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
                if (!strcmp(word, options[i].word)) {
                    kept = options[i].kept;
                    follow = options[i].values + 1;
                }
        }
        if (kept)
            fprintf(out, " %s", word);
        if (follow)
            follow--;
    }
}

static bool usable(const struct visor_facts *facts, size_t index)
{
    const struct visor_facts_source *source = &facts->sources[index];

    if (!strcmp(source->directive, "peer"))
        return false; /* its other end does not know us */
    if (!strcmp(source->directive, "refclock") && strncmp(source->name, "PHC", 3) != 0)
        return false;
    for (size_t i = 0; i < index; i++)
        if (!strcmp(facts->sources[i].name, source->name))
            return false;
    return true;
}

static bool only_fallback(const struct visor_facts *facts)
{
    for (size_t i = 0; i < facts->source_count; i++)
        if (facts->sources[i].origin != VISOR_ORIGIN_TIMESYNCD_FALLBACK && usable(facts, i))
            return false;
    return true;
}

void visor_own_write(const struct visor_facts *facts, FILE *out)
{
    bool fallback = only_fallback(facts);
    size_t written = 0;

    for (size_t i = 0; i < facts->source_count; i++) {
        const struct visor_facts_source *source = &facts->sources[i];
        bool refclock = !strcmp(source->directive, "refclock");

        if ((source->origin == VISOR_ORIGIN_TIMESYNCD_FALLBACK && !fallback) || !usable(facts, i))
            continue;
        fprintf(out, "# %s:%u\n%s %s", source->file, source->line, source->directive, source->name);
        if (source->origin == VISOR_ORIGIN_CHRONY)
            write_options(source->options, out);
        if (!refclock &&
            !(source->origin == VISOR_ORIGIN_CHRONY && strstr(source->options, "iburst")))
            fputs(" iburst", out);
        fputc('\n', out);
        written++;
    }
    if (!written)
        fputs("# This machine names no time source of its own.\n" FALLBACK "\n", out);
}

void visor_own_print(FILE *out)
{
    struct visor_facts *facts = calloc(1, sizeof(*facts));

    if (!facts)
        return;
    visor_facts_gather(facts, "");
    visor_own_write(facts, out);
    free(facts);
}
