/* Collects configured time sources from the files of chrony, systemd-timesyncd, ntpd, OpenNTPD and
 * DHCP clients. It looks for sources only: checking a configuration is the parser's and the
 * linter's. */
#include "port/facts_sources.h"

#include "port/tree.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8
#define FILES_MAX 64 /* in all: includes may go in circles */
#define SPACE     " \t"

struct hunt {
    struct visor_facts *facts;
    const char *root;
    enum visor_facts_origin origin;
    int files;
};

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void add(struct hunt *hunt, const char *directive, const char *name, const char *options,
                const char *file, unsigned line)
{
    struct visor_facts *facts = hunt->facts;
    struct visor_facts_source *source;

    for (size_t i = 0; i < facts->source_count; i++)
        if (facts->sources[i].origin == hunt->origin && strcmp(facts->sources[i].name, name) == 0)
            return;
    if (facts->source_count == VISOR_FACTS_SOURCES) {
        facts->source_more++;
        return;
    }
    source = &facts->sources[facts->source_count++];
    memset(source, 0, sizeof(*source));
    source->origin = hunt->origin;
    source->line = line;
    copy(source->directive, sizeof(source->directive), directive);
    copy(source->name, sizeof(source->name), name);
    copy(source->file, sizeof(source->file), file);
    visor_tree_trim(source->options, sizeof(source->options), options);
}

/* First word of `rest`, and what follows it. */
static const char *take_word(const char *rest, char *word, size_t size)
{
    size_t length;

    rest += strspn(rest, SPACE);
    length = strcspn(rest, SPACE);
    snprintf(word, size, "%.*s", (int)length, rest);
    return rest + length;
}

static char *read_file(struct hunt *hunt, const char *file)
{
    char *text;

    if (hunt->files >= FILES_MAX || !(text = malloc(VISOR_TREE_FILE_MAX)))
        return NULL;
    if (visor_tree_read(hunt->root, file, text, VISOR_TREE_FILE_MAX) >= 0) {
        hunt->files++;
        return text;
    }
    free(text);
    return NULL;
}

/* ---- chrony.conf, and ntp.conf, which looks the same ---- */

static void read_chrony(struct hunt *hunt, const char *file, int depth);

static void read_folder(struct hunt *hunt, const char *folder, const char *pattern, int depth)
{
    struct visor_tree_name *names = calloc(VISOR_TREE_LIST_MAX, sizeof(*names));
    enum visor_facts_origin origin = hunt->origin;
    size_t count;

    if (!names)
        return;
    if (strstr(folder, "dhcp")) /* Debian's and Fedora's hooks write sources there */
        hunt->origin = VISOR_ORIGIN_DHCP;
    count = visor_tree_list(hunt->root, folder, pattern, names, VISOR_TREE_LIST_MAX, NULL);
    for (size_t i = 0; i < count; i++) {
        char path[VISOR_TREE_PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", folder, names[i].text);
        read_chrony(hunt, path, depth + 1);
    }
    hunt->origin = origin;
    free(names);
}

static void read_pattern(struct hunt *hunt, const char *pattern, int depth)
{
    char full[VISOR_TREE_PATH_MAX];
    glob_t found;

    if (snprintf(full, sizeof(full), "%s%s", hunt->root, pattern) >= (int)sizeof(full))
        return;
    if (glob(full, GLOB_NOMAGIC, NULL, &found) != 0)
        found.gl_pathc = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_chrony(hunt, found.gl_pathv[i] + strlen(hunt->root), depth + 1);
    globfree(&found);
}

static void read_directive(struct hunt *hunt, const char *text, const char *file, unsigned line,
                           int depth)
{
    char word[32], name[VISOR_FACTS_LINE], second[VISOR_FACTS_LINE], both[VISOR_FACTS_LINE];
    const char *rest = take_word(text, word, sizeof(word));

    rest = take_word(rest, name, sizeof(name));
    if (!name[0])
        return;
    if (strcasecmp(word, "server") == 0 || strcasecmp(word, "pool") == 0 ||
        strcasecmp(word, "peer") == 0) {
        add(hunt, word, name, rest, file, line);
    } else if (strcasecmp(word, "dscp") == 0) {
        hunt->facts->marked = strcmp(name, "0") != 0;
    } else if (strcasecmp(word, "servers") == 0) { /* OpenNTPD: all addresses of the name */
        add(hunt, "pool", name, rest, file, line);
    } else if (strcasecmp(word, "refclock") == 0) {
        rest = take_word(rest, second, sizeof(second));
        snprintf(both, sizeof(both), "%.31s %.220s", name, second);
        add(hunt, word, both, rest, file, line);
    } else if (strcasecmp(word, "confdir") == 0 || strcasecmp(word, "sourcedir") == 0) {
        bool sources = word[0] == 's' || word[0] == 'S';

        while (name[0]) {
            read_folder(hunt, name, sources ? "*.sources" : "*.conf", depth);
            rest = take_word(rest, name, sizeof(name));
        }
    } else if (strcasecmp(word, "include") == 0) {
        read_pattern(hunt, name, depth);
    }
}

static void read_chrony(struct hunt *hunt, const char *file, int depth)
{
    char *text = depth < DEPTH_MAX ? read_file(hunt, file) : NULL, line[1024];
    const char *rest = text;
    unsigned number = 0;

    if (!text)
        return;
    while ((rest = visor_tree_next_line(rest, line, sizeof(line)))) {
        number++;
        line[strcspn(line, "\r")] = 0;
        if (!strchr("#%!;", line[strspn(line, SPACE)]))
            read_directive(hunt, line, file, number, depth);
    }
    free(text);
}

/* ---- lists of names after a keyword: timesyncd.conf, leases ---- */

static void add_words(struct hunt *hunt, char *words, const char *file, unsigned line)
{
    char *rest = NULL;

    for (char *word = strtok_r(words, " \t,;\r\"'", &rest); word;
         word = strtok_r(NULL, " \t,;\r\"'", &rest))
        add(hunt, "server", word, "", file, line);
}

/* An empty list takes back the earlier ones of the same origin, as systemd has it. */
static void forget(struct hunt *hunt)
{
    struct visor_facts *facts = hunt->facts;
    size_t kept = 0;

    for (size_t i = 0; i < facts->source_count; i++)
        if (facts->sources[i].origin != hunt->origin)
            facts->sources[kept++] = facts->sources[i];
    facts->source_count = kept;
}

static void read_lists(struct hunt *hunt, const char *file, const char *const *keywords)
{
    char *text = read_file(hunt, file), line[1024];
    const char *rest = text;
    unsigned number = 0;

    if (!text)
        return;
    while ((rest = visor_tree_next_line(rest, line, sizeof(line)))) {
        char *start = line + strspn(line, SPACE);

        number++;
        for (const char *const *keyword = keywords; *keyword; keyword++) {
            size_t length = strlen(*keyword);

            if (strncmp(start, *keyword, length) != 0)
                continue;
            if ((*keyword)[length - 1] == '=' && start[length + strspn(start + length, SPACE)] == 0)
                forget(hunt);
            add_words(hunt, start + length, file, number);
        }
    }
    free(text);
}

static void read_all_lists(struct hunt *hunt, const char *folder, const char *pattern,
                           const char *const *keywords)
{
    struct visor_tree_name *names = calloc(VISOR_TREE_LIST_MAX, sizeof(*names));
    size_t count;

    if (!names)
        return;
    count = visor_tree_list(hunt->root, folder, pattern, names, VISOR_TREE_LIST_MAX, NULL);
    for (size_t i = 0; i < count; i++) {
        char path[VISOR_TREE_PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", folder, names[i].text);
        read_lists(hunt, path, keywords);
    }
    free(names);
}

static void read_timesyncd(struct hunt *hunt)
{
    static const char *const folders[] = {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"};
    static const char *const keywords[][2] = {{"NTP=", NULL}, {"FallbackNTP=", NULL}};

    for (int i = 0; i < 2; i++) {
        hunt->origin = i ? VISOR_ORIGIN_TIMESYNCD_FALLBACK : VISOR_ORIGIN_TIMESYNCD;
        for (size_t j = 0; j < sizeof(folders) / sizeof(folders[0]); j++) {
            char path[64];

            snprintf(path, sizeof(path), "%s/timesyncd.conf", folders[j]);
            read_lists(hunt, path, keywords[i]);
        }
        for (size_t j = 0; j < sizeof(folders) / sizeof(folders[0]); j++) {
            char path[64];

            snprintf(path, sizeof(path), "%s/timesyncd.conf.d", folders[j]);
            read_all_lists(hunt, path, "*.conf", keywords[i]);
        }
    }
}

static void read_dhcp(struct hunt *hunt)
{
    static const char *const networkd[] = {"NTP=", NULL};
    static const char *const dhclient[] = {"option ntp-servers ",
                                           "new_ntp_servers=", "ntp_servers=", "NTP=", NULL};

    hunt->origin = VISOR_ORIGIN_DHCP;
    read_all_lists(hunt, "/run/systemd/netif/leases", "*", networkd);
    read_all_lists(hunt, "/var/lib/NetworkManager", "*.lease", dhclient);
    read_all_lists(hunt, "/var/lib/dhcp", "*.leases", dhclient);
    read_all_lists(hunt, "/var/lib/dhclient", "*.leases", dhclient);
    read_folder(hunt, "/run/chrony-dhcp", "*.sources", 0);
    read_chrony(hunt, "/run/ntp.conf.dhcp", 0);
    read_chrony(hunt, "/var/lib/ntp/ntp.conf.dhcp", 0);
}

void visor_facts_gather_sources(struct visor_facts *facts, const char *root)
{
    struct hunt hunt = {.facts = facts, .root = root, .origin = VISOR_ORIGIN_CHRONY};

    facts->source_count = facts->source_more = 0;
    read_chrony(&hunt, "/etc/chrony/chrony.conf", 0);
    read_chrony(&hunt, "/etc/chrony.conf", 0);
    read_timesyncd(&hunt);
    hunt.origin = VISOR_ORIGIN_NTP;
    read_chrony(&hunt, "/etc/ntpsec/ntp.conf", 0);
    read_chrony(&hunt, "/etc/ntp.conf", 0);
    read_chrony(&hunt, "/etc/openntpd/ntpd.conf", 0);
    read_chrony(&hunt, "/etc/ntpd.conf", 0);
    read_dhcp(&hunt);
}
