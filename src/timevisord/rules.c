/* The rules of both tables as a list, and the tables that are made of them. */
#include "timevisord/rules.h"

#include "port/text.h"
#include "timevisord/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 4096 /* given by commands, a table */
#define RETRY_NS  (64 * VISOR_NS_PER_S)

struct list {
    struct visor_access_config *all;
    size_t count, configured;
};

struct visor_rules {
    struct visor_daemon *daemon;
    struct visor_access *commands; /* the server has the other one */
    struct list lists[2];          /* by enum visor_chronyc_table */
    visor_mono retry_at;           /* INT64_MAX: every name has its address */
};

static bool is_name(const struct visor_access_config *rule)
{
    return rule->subnet.family == VISOR_FAMILY_NONE && rule->name[0];
}

/* ---- names ---- */

/* The place of a rule in its list and the list's number make the question's. */
static void ask(struct visor_rules *rules, enum visor_chronyc_table table, size_t index)
{
    struct visor_helper_request request = {.work = VISOR_HELPER_RESOLVE,
                                           .query = (uint32_t)(index * 2 + (size_t)table),
                                           .epoch = VISOR_RULES_EPOCH,
                                           .family = rules->daemon->options.only};

    memcpy(request.name, rules->lists[table].all[index].name, sizeof(request.name));
    visor_helper_ask(rules->daemon->helper, &request);
}

static void ask_all(struct visor_rules *rules, visor_mono now)
{
    rules->retry_at.ns = INT64_MAX;
    for (int table = 0; table < 2; table++)
        for (size_t i = 0; i < rules->lists[table].configured; i++)
            if (is_name(&rules->lists[table].all[i])) {
                ask(rules, (enum visor_chronyc_table)table, i);
                rules->retry_at = visor_mono_add(now, RETRY_NS);
            }
}

visor_mono visor_rules_deadline(const struct visor_rules *rules)
{
    return rules->retry_at;
}

void visor_rules_tick(struct visor_rules *rules, visor_mono now)
{
    if (!visor_mono_before(now, rules->retry_at))
        ask_all(rules, now);
}

/* ---- tables ---- */

/* The table anew, from all its rules. */
static bool apply(struct visor_rules *rules, enum visor_chronyc_table table)
{
    struct visor_daemon *daemon = rules->daemon;
    const struct list *list = &rules->lists[table];
    struct visor_access *access = visor_access_new(list->all, list->count);
    int error;

    if (!access)
        return false;
    if (table == VISOR_CHRONYC_COMMAND) {
        visor_access_free(rules->commands);
        rules->commands = access;
        return true;
    }
    visor_server_set_access(&daemon->server, access);
    error = visor_server_open(&daemon->server);
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not open NTP port %d : %s"),
                        daemon->config->port, strerror(-error));
    return true;
}

static void log_rule(struct visor_log *log, enum visor_chronyc_table table,
                     const struct visor_access_config *rule)
{
    bool host = rule->prefix == (rule->subnet.family == VISOR_FAMILY_IPV4 ? 32 : 128);
    char address[64] = "any address", bits[8] = "";

    if (rule->subnet.family != VISOR_FAMILY_NONE) {
        visor_address_print(&rule->subnet, address, sizeof address);
        if (!host)
            snprintf(bits, sizeof bits, "/%d", rule->prefix);
    }
    visor_log_write(log, VISOR_SEVERITY_INFO, "%s%s %s access from %s%s",
                    rule->allow ? "Allowed" : "Denied", rule->all ? " all" : "",
                    table == VISOR_CHRONYC_NTP ? "NTP" : "command", address, bits);
}

void visor_rules_resolved(struct visor_rules *rules, const struct visor_event_resolved *resolved)
{
    enum visor_chronyc_table table =
        resolved->query % 2 ? VISOR_CHRONYC_COMMAND : VISOR_CHRONYC_NTP;
    const struct list *list = &rules->lists[table];
    size_t index = resolved->query / 2;
    struct visor_access_config *rule;

    if (index >= list->configured || !is_name(&list->all[index]))
        return;
    rule = &list->all[index];
    if (resolved->count == 0) {
        visor_log_write(rules->daemon->log, VISOR_SEVERITY_WARNING,
                        _("Could not resolve %s of '%s': the rule does not hold yet"), rule->name,
                        table == VISOR_CHRONYC_NTP ? rule->allow ? "allow" : "deny"
                        : rule->allow              ? "cmdallow"
                                                   : "cmddeny");
        return;
    }
    rule->subnet = resolved->addresses[0];
    rule->subnet.port = 0;
    rule->prefix = rule->subnet.family == VISOR_FAMILY_IPV6 ? 128 : 32;
    apply(rules, table);
    log_rule(rules->daemon->log, table, rule);
}

bool visor_rules_allow(const struct visor_rules *rules, enum visor_chronyc_table table,
                       const struct visor_address *address)
{
    return visor_access_allows(
        table == VISOR_CHRONYC_NTP ? rules->daemon->server.access : rules->commands, address);
}

bool visor_rules_add(struct visor_rules *rules, enum visor_chronyc_table table,
                     const struct visor_access_config *rule)
{
    struct list *list = &rules->lists[table];
    struct visor_access_config *all =
        list->count - list->configured < RULES_MAX
            ? realloc(list->all, (list->count + 1) * sizeof *list->all)
            : NULL;

    if (!all)
        return false;
    list->all = all;
    list->all[list->count++] = *rule;
    if (!apply(rules, table)) {
        list->count--;
        return false;
    }
    log_rule(rules->daemon->log, table, rule);
    return true;
}

/* ---- life ---- */

static bool take(struct list *list, const struct visor_access_config *configured, size_t count)
{
    list->all = calloc(count + 1, sizeof *list->all);
    if (!list->all)
        return false;
    if (count > 0)
        memcpy(list->all, configured, count * sizeof *list->all);
    list->count = list->configured = count;
    return true;
}

struct visor_rules *visor_rules_new(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    struct visor_rules *rules = calloc(1, sizeof *rules);

    if (!rules)
        return NULL;
    rules->daemon = daemon;
    if (!take(&rules->lists[VISOR_CHRONYC_NTP], config->access, config->access_count) ||
        !take(&rules->lists[VISOR_CHRONYC_COMMAND], config->cmd_access, config->cmd_access_count) ||
        !apply(rules, VISOR_CHRONYC_COMMAND)) {
        visor_rules_free(rules);
        return NULL;
    }
    ask_all(rules, daemon->started);
    return rules;
}

void visor_rules_free(struct visor_rules *rules)
{
    if (!rules)
        return;
    visor_access_free(rules->commands);
    free(rules->lists[0].all);
    free(rules->lists[1].all);
    free(rules);
}
