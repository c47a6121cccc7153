/* A rule: what can be wrong, why that matters, how it is put right, and who says so; and the
 * predicate that finds it in the facts of a machine or in a file. Rules are pure: they look at what
 * they are given and write findings, nothing else. */
#ifndef VISOR_ADVISE_RULE_H
#define VISOR_ADVISE_RULE_H

#include "advise/document.h"
#include "advise/facts.h"
#include "advise/phrase.h"

#define VISOR_FINDINGS_MAX     1000 /* kept; further ones are counted */
#define VISOR_FINDING_EVIDENCE 256
#define VISOR_FINDING_EDIT     256

/* One scale for all. The linter calls yellow a warning, orange and red an error; the doctor ends
 * with 1 for yellow and orange, with 2 for red. */
enum visor_severity {
    VISOR_NOTE,   /* worth knowing; nothing has to be done */
    VISOR_YELLOW, /* time is worse, dearer or less well proven than it could be */
    VISOR_ORANGE, /* time will be wrong in conditions that come about */
    VISOR_RED,    /* time is wrong or not kept, or the setting does not do what it says at all */
};

/* The doctor's lines: a rule about a machine belongs to one (advise/topic.h). */
enum visor_topic {
    VISOR_TOPIC_NONE, /* a rule about files */
    VISOR_TOPIC_PLATFORM,
    VISOR_TOPIC_CLOCKSOURCE,
    VISOR_TOPIC_TSC,
    VISOR_TOPIC_STEAL,
    VISOR_TOPIC_RTC,
    VISOR_TOPIC_PHC,
    VISOR_TOPIC_DISRUPTION,
    VISOR_TOPIC_DAEMONS,
    VISOR_TOPIC_GUEST_TOOLS,
    VISOR_TOPIC_KERNEL,
    VISOR_TOPIC_SOURCES,
    VISOR_TOPIC_NETWORK,
    VISOR_TOPIC_NAMES,
    VISOR_TOPIC_REACH,
    VISOR_TOPIC_SYNC,
    VISOR_TOPIC_ZONE,
    VISOR_TOPIC_TICK,
    VISOR_TOPIC_READCOST,
    VISOR_TOPIC_NIC,
    VISOR_TOPIC_LOGS,
    VISOR_TOPICS,
};

struct visor_check;

struct visor_rule {
    const char *id; /* "TV-KVM-003"; never given to another rule (advise/catalogue.h) */
    unsigned kinds; /* enum visor_kind bits: what it looks at */
    enum visor_topic topic;
    enum visor_severity severity;
    const char *what;   /* N_(): the finding, a sentence without full stop */
    const char *why;    /* N_(): what comes of it */
    const char *fix;    /* commands or a diff, for a person to read; not translated */
    const char *source; /* vendor's document or measured fact; not translated */
    void (*check)(struct visor_check *check); /* NULL: found by a parser, not by looking */
};

struct visor_rules {
    const struct visor_rule *rules;
    size_t count;
};

enum visor_edit { VISOR_EDIT_NONE, VISOR_EDIT_REPLACE, VISOR_EDIT_DELETE, VISOR_EDIT_APPEND };

struct visor_finding {
    const struct visor_rule *rule;
    uint32_t line, column;                 /* 0: the file or the machine as a whole */
    char evidence[VISOR_FINDING_EVIDENCE]; /* what was seen: "name=value", words of the file */
    enum visor_edit edit;                  /* of that line, where it can be mended mechanically */
    char text[VISOR_FINDING_EDIT];         /* the new line */
};

struct visor_findings {
    struct visor_finding *items; /* heap */
    size_t count, more;
};

struct visor_check {
    const struct visor_rule *rule;
    const struct visor_facts *facts;       /* rules about a machine, else NULL */
    const struct visor_document *document; /* rules about files, else NULL */
    struct visor_findings *findings;
};

void visor_findings_done(struct visor_findings *findings);
/* In the order of lines, then columns, then ids. */
void visor_findings_sort(struct visor_findings *findings);

/* The rule has found something at `node` (NULL: in the whole); `format` as visor_phrase_format. The
 * finding holds until the next one is added; NULL if it is only counted. */
__attribute__((format(printf, 3, 4))) struct visor_finding *
visor_check_found(struct visor_check *check, const struct visor_node *node, const char *format,
                  ...);

/* How that line is mended; `finding` may be NULL. */
__attribute__((format(printf, 3, 4))) void
visor_finding_edit(struct visor_finding *finding, enum visor_edit edit, const char *format, ...);

#endif
