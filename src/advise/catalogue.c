/* The catalogue: which rules there are. A rule that goes leaves its id in `retired`, for ever. */
#include "advise/catalogue.h"

#include "advise/groups.h"

#include <string.h>

static const struct visor_rules *const groups[] = {
    &visor_rules_file,    &visor_rules_chrony, &visor_rules_chrony_more, &visor_rules_ntp,
    &visor_rules_libvirt, &visor_rules_vmware, &visor_rules_container,   &visor_rules_kubernetes,
    &visor_rules_boot,    &visor_rules_system, &visor_rules_shell,       &visor_rules_machine,
    &visor_rules_network,
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const struct {
    const char *id, *now; /* the rule that answers the matter now; "" : none */
} retired[] = {
    {"TV-EXAMPLE-000", ""}, /* of the documentation */
};

const struct visor_rule *visor_catalogue_at(size_t index)
{
    for (size_t i = 0; i < GROUPS; i++) {
        if (index < groups[i]->count)
            return &groups[i]->rules[index];
        index -= groups[i]->count;
    }
    return NULL;
}

const struct visor_rule *visor_catalogue_find(const char *id)
{
    const struct visor_rule *rule;

    for (size_t i = 0; (rule = visor_catalogue_at(i)); i++)
        if (visor_same(rule->id, id))
            return rule;
    return NULL;
}

const char *visor_catalogue_retired(const char *id)
{
    for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++)
        if (visor_same(retired[i].id, id))
            return retired[i].now;
    return NULL;
}

const char *visor_severity_name(enum visor_severity severity)
{
    static const char *const names[] = {"note", "yellow", "orange", "red"};

    return names[severity];
}

const char *visor_severity_level(enum visor_severity severity)
{
    static const char *const levels[] = {"note", "warning", "error", "error"};

    return levels[severity];
}

const char *visor_kind_name(enum visor_kind kind)
{
    static const char *const names[VISOR_KINDS] = {
        "machine",        "chrony.conf",  "ntp.conf",     "timesyncd.conf",
        "libvirt domain", ".vmx",         "tools.conf",   "Dockerfile",
        "Compose",        "Kubernetes",   "GRUB",         "kernel command line",
        "sysctl",         "systemd unit", "shell script", "Markdown",
    };

    for (size_t i = 0; i < VISOR_KINDS; i++)
        if ((unsigned)kind == 1u << i)
            return names[i];
    return "";
}

void visor_catalogue_check_document(const struct visor_document *document,
                                    struct visor_findings *findings)
{
    struct visor_check check = {.document = document, .findings = findings};

    for (size_t i = 0; i < GROUPS; i++)
        for (size_t j = 0; j < groups[i]->count; j++) {
            check.rule = &groups[i]->rules[j];
            if ((check.rule->kinds & (unsigned)document->kind) && check.rule->check)
                check.rule->check(&check);
        }
}

void visor_catalogue_check_machine(const struct visor_facts *facts, enum visor_topic topic,
                                   struct visor_findings *findings)
{
    struct visor_check check = {.facts = facts, .findings = findings};

    for (size_t i = 0; i < GROUPS; i++)
        for (size_t j = 0; j < groups[i]->count; j++) {
            check.rule = &groups[i]->rules[j];
            if (check.rule->topic == topic && (check.rule->kinds & VISOR_KIND_MACHINE) &&
                check.rule->check)
                check.rule->check(&check);
        }
}
