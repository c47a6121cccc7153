/* What kind of file a text is. Content that can be only one thing decides; where words could be
 * several things they are counted, and the name has a say. */
#include "lint/lint.h"

#include "config/option.h"
#include "config/words.h"
#include "lint/scan.h"

#include <string.h>

#define LOOK_MAX 65536 /* bytes */

struct look {
    const char *name; /* without folders */
    const char *path;
    const char *text, *end;
};

static bool named(const struct look *look, const char *const *names)
{
    for (; *names; names++)
        if (**names == '*' ? visor_ends(look->name, *names + 1) : visor_same(look->name, *names))
            return true;
    return false;
}

/* Does a line begin so (after blanks, unless `exactly`)? */
static bool line_begins(const struct look *look, const char *with, bool exactly)
{
    struct visor_lines lines = visor_lines_of(look->text, (size_t)(look->end - look->text));
    size_t length = strlen(with);

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;

        if (!exactly)
            visor_trim(&first, &last);
        if ((size_t)(last - first) >= length && memcmp(first, with, length) == 0)
            return true;
    }
    return false;
}

static int count_lines(const struct look *look, const char *const *words)
{
    struct visor_lines lines = visor_lines_of(look->text, (size_t)(look->end - look->text));
    int count = 0;

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;

        visor_trim(&first, &last);
        for (size_t i = 0; words[i]; i++) {
            size_t length = strlen(words[i]);

            if ((size_t)(last - first) >= length && strncmp(first, words[i], length) == 0 &&
                (first + length == last || strchr(" \t=.", first[length]))) {
                count++;
                break;
            }
        }
    }
    return count;
}

/* The first thing that is neither blank nor a comment. */
static const char *beginning(const struct look *look)
{
    struct visor_lines lines = visor_lines_of(look->text, (size_t)(look->end - look->text));

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;

        visor_trim(&first, &last);
        if (first < last && (*first != '#' || (last - first > 1 && first[1] == '!')))
            return first;
    }
    return look->end;
}

static bool starts(const struct look *look, const char *at, const char *with)
{
    size_t length = strlen(with);

    return (size_t)(look->end - at) >= length && memcmp(at, with, length) == 0;
}

static bool is_markdown(const struct look *look)
{
    static const char *const names[] = {"*.md", "*.markdown", NULL};
    struct visor_lines lines = visor_lines_of(look->text, (size_t)(look->end - look->text));
    int fences = 0;

    while (visor_lines_next(&lines))
        fences += lines.last - lines.first >= 3 && (memcmp(lines.first, "```", 3) == 0);
    return fences >= 2 || named(look, names);
}

static bool is_shell(const struct look *look, const char *at)
{
    static const char *const names[] = {"*.sh", "*.bash", NULL};
    struct visor_lines line = visor_lines_of(at, (size_t)(look->end - at));

    if (named(look, names))
        return true;
    if (!starts(look, at, "#!") || !visor_lines_next(&line))
        return false;
    for (; line.first + 1 < line.last; line.first++)
        if (line.first[0] == 's' && line.first[1] == 'h' &&
            (line.first + 2 == line.last || line.first[2] == ' '))
            return true;
    return false;
}

static enum visor_kind by_sections(const struct look *look)
{
    static const char *const tools[] = {"[timeSync]",  "[timesync]", "[TimeSync]",  "[vmtools]",
                                        "[guestinfo]", "[vmbackup]", "[deployPkg]", "[globalconf]"};

    if (line_begins(look, "[Time]", false))
        return VISOR_KIND_TIMESYNCD;
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
        if (line_begins(look, tools[i], false))
            return VISOR_KIND_VMTOOLS;
    if (visor_same(look->name, "tools.conf"))
        return VISOR_KIND_VMTOOLS;
    if (line_begins(look, "[Unit]", false) || line_begins(look, "[Service]", false) ||
        line_begins(look, "[Timer]", false))
        return VISOR_KIND_SYSTEMD;
    return VISOR_KIND_UNKNOWN;
}

static enum visor_kind by_yaml(const struct look *look)
{
    static const char *const names[] = {"docker-compose.yml", "docker-compose.yaml", "compose.yml",
                                        "compose.yaml", NULL};

    if (line_begins(look, "apiVersion:", true) && line_begins(look, "kind:", true))
        return VISOR_KIND_KUBERNETES;
    if (line_begins(look, "- apiVersion:", false) && line_begins(look, "kind:", false))
        return VISOR_KIND_KUBERNETES;
    if (line_begins(look, "services:", true) || named(look, names))
        return VISOR_KIND_COMPOSE;
    return VISOR_KIND_UNKNOWN;
}

/* Lines whose first word is a directive of chrony, of ntpd, and all lines with words. */
struct directives {
    int chrony, ntp, sources, all;
    bool ntpd;    /* whose drift file is it? */
    int decisive; /* of chrony, and not only words that others have, too */
};

static bool is_in(const char *word, const char *const *words)
{
    while (*words && !visor_same(word, *words))
        words++;
    return *words;
}

static const char *const ntp_words[] = {"server",
                                        "pool",
                                        "peer",
                                        "driftfile",
                                        "restrict",
                                        "fudge",
                                        "statsdir",
                                        "tos",
                                        "tinker",
                                        "leapfile",
                                        "disable",
                                        "enable",
                                        "filegen",
                                        "statistics",
                                        "keys",
                                        "crypto",
                                        "interface",
                                        "trustedkey",
                                        "requestkey",
                                        "logconfig",
                                        "includefile",
                                        "nts",
                                        "mru",
                                        "refclock",
                                        "controlkey",
                                        "broadcast",
                                        "logfile",
                                        "broadcastclient",
                                        "broadcastdelay",
                                        "multicastclient",
                                        "manycastclient",
                                        "manycastserver",
                                        "discard",
                                        "rlimit",
                                        "setvar",
                                        "keysdir",
                                        "leapsmearinterval",
                                        NULL};

static void count_directives(const struct look *look, struct directives *count)
{
    static const char *const sources[] = {"server", "pool", "peer", "refclock", NULL};
    struct visor_lines lines = visor_lines_of(look->text, (size_t)(look->end - look->text));
    static const char *const common[] = {"allow", "deny", "include", "user", "log", "port", NULL};
    struct visor_words words;

    while (visor_lines_next(&lines)) {
        const char *word, *value;

        if (!visor_words_split(&words, lines.first, (size_t)(lines.last - lines.first)) ||
            !(word = visor_words_take(&words)))
            continue;
        count->all++;
        if (visor_same(word, "driftfile") && (value = visor_words_take(&words)))
            count->ntpd = visor_contains(value, "ntp");
        count->sources += is_in(word, sources);
        count->ntp += is_in(word, ntp_words);
        count->chrony += visor_options_find(&visor_directives, word) != NULL;
        count->decisive +=
            visor_options_find(&visor_directives, word) != NULL && !is_in(word, common);
    }
}

static enum visor_kind by_directives(const struct look *look)
{
    static const char *const chrony_names[] = {"chrony.conf", "timevisord.conf", NULL};
    static const char *const ntp_names[] = {"ntp.conf", NULL};
    struct directives count = {0};

    if (named(look, ntp_names))
        return VISOR_KIND_NTP;
    if (named(look, chrony_names) ||
        (visor_contains(look->path, "/chrony/") && visor_ends(look->name, ".conf")))
        return VISOR_KIND_CHRONY;
    count_directives(look, &count);
    if ((count.ntp > count.chrony || (count.ntp == count.chrony && count.ntpd)) &&
        4 * count.ntp >= 3 * count.all && count.all > 1)
        return VISOR_KIND_NTP;
    if (count.decisive > 0 && 4 * count.chrony >= 3 * count.all &&
        (count.all > 1 || (count.sources && visor_ends(look->name, ".sources"))))
        return VISOR_KIND_CHRONY;
    return VISOR_KIND_UNKNOWN;
}

/* Every line is "area.name = value", also with slashes and after a dash, and there is one. */
static bool is_sysctl(const struct look *look)
{
    static const char *const areas[] = {"kernel", "net", "vm", "fs", "dev", "abi", "user", NULL};
    struct visor_lines lines = visor_lines_of(look->text, (size_t)(look->end - look->text));
    bool found = false;

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;
        size_t length = 0;
        bool known = false;

        visor_trim(&first, &last);
        if (first == last || *first == '#' || *first == ';')
            continue;
        first += *first == '-';
        for (size_t i = 0; areas[i] && !known; i++) {
            length = strlen(areas[i]);
            known = (size_t)(last - first) > length && strncmp(first, areas[i], length) == 0 &&
                    (first[length] == '.' || first[length] == '/');
        }
        if (!known || !memchr(first, '=', (size_t)(last - first)))
            return false;
        found = true;
    }
    return found;
}

static enum visor_kind by_settings(const struct look *look)
{
    static const char *const vmx[] = {".encoding", "config.version", "virtualHW", "displayName",
                                      "guestOS",   "tools",          NULL};
    static const char *const sysctl[] = {"kernel", "net", "vm", "fs", "dev", NULL};
    static const char *const grub[] = {
        "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_DEFAULT",        "GRUB_TIMEOUT",
        "GRUB_DISTRIBUTOR",   "export GRUB_CMDLINE_LINUX",  "export GRUB_DEFAULT", NULL};
    static const char *const vmx_names[] = {"*.vmx", NULL};
    static const char *const sysctl_names[] = {"sysctl.conf", NULL};
    static const char *const grub_names[] = {"grub", NULL};

    if (named(look, vmx_names) || count_lines(look, vmx) >= 2)
        return VISOR_KIND_VMX;
    if (named(look, grub_names) || count_lines(look, grub) >= 1)
        return VISOR_KIND_GRUB;
    if (named(look, sysctl_names) || visor_contains(look->path, "sysctl.d/") ||
        count_lines(look, sysctl) >= 2 || is_sysctl(look))
        return VISOR_KIND_SYSCTL;
    return VISOR_KIND_UNKNOWN;
}

static enum visor_kind by_dockerfile(const struct look *look, const char *at)
{
    static const char *const names[] = {"Dockerfile", "Containerfile", "*.dockerfile", NULL};

    if (named(look, names) || visor_begins(look->name, "Dockerfile."))
        return VISOR_KIND_DOCKERFILE;
    if ((starts(look, at, "FROM ") || starts(look, at, "ARG ")) &&
        line_begins(look, "FROM ", false))
        return VISOR_KIND_DOCKERFILE;
    return VISOR_KIND_UNKNOWN;
}

/* A first line with one of the words that only a kernel's command line has. */
static bool is_cmdline(const struct look *look, const char *at)
{
    static const char *const names[] = {"cmdline", "cmdline.txt", NULL};
    static const char *const words[] = {"BOOT_IMAGE=", "root=", "console=tty", "initrd="};
    struct visor_lines line = visor_lines_of(at, (size_t)(look->end - at));

    if (named(look, names))
        return true;
    if (!visor_lines_next(&line))
        return false;
    for (const char *word = line.first; word < line.last; word++)
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if ((word == line.first || word[-1] == ' ') && starts(look, word, words[i]))
                return true;
    return false;
}

enum visor_kind visor_lint_detect(const char *name, const char *text, size_t size)
{
    const char *slash = strrchr(name, '/');
    struct look look = {.name = slash ? slash + 1 : name,
                        .path = name,
                        .text = text,
                        .end = text + (size < LOOK_MAX ? size : LOOK_MAX)};
    const char *at = beginning(&look);
    enum visor_kind kind;

    if (starts(&look, at, "<")) {
        for (; at < look.end; at++)
            if (starts(&look, at, "<domain"))
                return VISOR_KIND_LIBVIRT;
        return VISOR_KIND_UNKNOWN;
    }
    if (is_shell(&look, at))
        return VISOR_KIND_SHELL;
    if (is_markdown(&look))
        return VISOR_KIND_MARKDOWN;
    if ((kind = by_dockerfile(&look, at)) || (kind = by_yaml(&look)) ||
        (kind = by_sections(&look)) || (kind = by_settings(&look)))
        return kind;
    if (is_cmdline(&look, at))
        return VISOR_KIND_CMDLINE;
    return by_directives(&look);
}
