/* What the readers themselves find, in any kind of file. */
#include "advise/groups.h"

#define ANY_FILE (~(unsigned)VISOR_KIND_MACHINE)

static const struct visor_rule rules[] = {
    {
        .id = "TV-FILE-001",
        .kinds = ANY_FILE,
        .severity = VISOR_RED,
        .what = N_("The file cannot be read as what it is"),
        .why =
            N_("Whoever reads it stops at this place, too: nothing that follows takes effect, or "
               "the whole file is refused."),
        .fix = "xmllint --noout FILE; python3 -c 'import sys,yaml; "
               "list(yaml.safe_load_all(sys.stdin))' <FILE",
        .source = "the format's own grammar (XML 1.0, YAML 1.1)",
    },
    {
        .id = "TV-FILE-002",
        .kinds = ANY_FILE,
        .severity = VISOR_ORANGE,
        .what = N_(
            "The file is larger or deeper than any such file should be; only a part was looked at"),
        .why =
            N_("What follows was not checked, and a file of this size is hardly a configuration."),
        .fix = "split -b 1M FILE",
        .source = "limits of timevisor lint: 4 MiB, 200,000 values, 64 levels",
    },
    {
        .id = "TV-FILE-003",
        .kinds = ANY_FILE,
        .severity = VISOR_ORANGE,
        .what =
            N_("The file declares a document type or entities of its own; they are not followed"),
        .why = N_(
            "Entities can name other files and grow without limit. No configuration of time needs "
            "them, and what they stand for was not checked."),
        .fix = "-<!DOCTYPE …>",
        .source = "OWASP, XML External Entity Prevention Cheat Sheet",
    },
};

const struct visor_rules visor_rules_file = VISOR_RULES(rules);
