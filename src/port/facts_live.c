/* Facts that no file has: what sources and chronyd answer, the vDSO, and what a reading takes. In a
 * collected tree they stand in timevisor/facts.json, as visor_facts_json writes them. */
#include "port/facts.h"

#include "port/clock.h"
#include "port/ntpquery.h"
#include "port/tree.h"
#include "wire/cmdmon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_MS     900
#define ROUNDS     4 /* enough to see whether delays are alike */
#define CHRONYD_MS 200
#define HZ_MAX     1e6
#define FACTS_FILE "/timevisor/facts.json"

static enum visor_facts_answer answer_of(const struct visor_ntpquery *query)
{
    switch (query->result) {
    case VISOR_NTPQUERY_OK:
        return VISOR_ANSWER_GOOD;
    case VISOR_NTPQUERY_NO_SUCH_NAME:
        return VISOR_ANSWER_NO_NAME;
    case VISOR_NTPQUERY_PENDING:
    case VISOR_NTPQUERY_DNS_SILENT:
        return VISOR_ANSWER_NO_DNS;
    case VISOR_NTPQUERY_KISSED:
        return VISOR_ANSWER_KISSED;
    case VISOR_NTPQUERY_UNSYNCHRONIZED:
        return VISOR_ANSWER_NOT_SYNCED;
    default:
        break;
    }
    if (query->error == ECONNREFUSED)
        return VISOR_ANSWER_REFUSED;
    if (query->error == EPERM || query->error == EACCES)
        return VISOR_ANSWER_FORBIDDEN;
    return query->error == ENETUNREACH || query->error == EHOSTUNREACH ? VISOR_ANSWER_NO_ROUTE
                                                                       : VISOR_ANSWER_SILENT;
}

static void ask_sources(struct visor_facts *facts)
{
    struct visor_ntpquery *queries = calloc(VISOR_FACTS_DEVICES, sizeof(*queries));
    int count = 0;

    for (size_t i = 0; queries && i < facts->source_count && count < VISOR_FACTS_DEVICES; i++)
        if (strcmp(facts->sources[i].directive, "refclock") != 0)
            snprintf(queries[count++].name, sizeof(queries->name), "%.255s",
                     facts->sources[i].name);
    if (count > 0 && visor_ntpquery_run(queries, count, ROUNDS, ASK_MS) == 0)
        for (int i = 0; i < count; i++) {
            struct visor_facts_reach *reach = &facts->reach[facts->reach_count++];

            snprintf(reach->name, sizeof(reach->name), "%.255s", queries[i].name);
            reach->answer = answer_of(&queries[i]);
            reach->offset_ns = queries[i].offset_ns;
            reach->delay_ns = queries[i].delay_ns;
            reach->uncertainty_ns = queries[i].uncertainty_ns;
            reach->slowest_ns = queries[i].slowest_ns;
        }
    free(queries);
}

/* chronyd answers anybody on this machine on its command port. */
static void ask_chronyd(struct visor_facts *facts)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_TRACKING, .sequence = 1};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(VISOR_CMDMON_PORT),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t data[VISOR_CMDMON_MESSAGE_MAX];
    struct visor_cmdmon_reply reply;
    size_t size =
        visor_cmdmon_write_request(&request, VISOR_CMDMON_FORM_TRACKING, data, sizeof(data));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    ssize_t got;

    if (fd < 0)
        return;
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
        send(fd, data, size, 0) == (ssize_t)size && poll(&waited, 1, CHRONYD_MS) == 1 &&
        (got = recv(fd, data, sizeof(data), 0)) > 0 &&
        visor_cmdmon_read_reply(data, (size_t)got, &reply) &&
        reply.status == VISOR_CMDMON_SUCCESS && reply.form == VISOR_CMDMON_FORM_TRACKING) {
        facts->chronyd = (struct visor_facts_chronyd){
            .answers = true,
            .stratum = reply.tracking.stratum,
            .leap = reply.tracking.leap,
            .offset_s = reply.tracking.correction,
            .root_distance_s = reply.tracking.root_delay / 2 + reply.tracking.root_dispersion};
    }
    close(fd);
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void read_reach(struct visor_facts *facts, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && facts->reach_count < VISOR_FACTS_DEVICES; i++) {
        const json_t *one = json_array_get(list, i);
        struct visor_facts_reach *reach = &facts->reach[facts->reach_count++];
        const char *name = json_string_value(json_object_get(one, "name"));
        double answer = number(one, "answer");

        snprintf(reach->name, sizeof(reach->name), "%.255s", name ? name : "");
        if (answer >= VISOR_ANSWER_NOT_ASKED && answer <= VISOR_ANSWER_NOT_SYNCED)
            reach->answer = (enum visor_facts_answer)answer;
        reach->offset_ns = json_integer_value(json_object_get(one, "offset_ns"));
        reach->delay_ns = json_integer_value(json_object_get(one, "delay_ns"));
        reach->uncertainty_ns = json_integer_value(json_object_get(one, "uncertainty_ns"));
        reach->slowest_ns = json_integer_value(json_object_get(one, "slowest_ns"));
    }
}

static void read_kernel(struct visor_facts *facts, const json_t *kernel)
{
    if (!json_is_object(kernel))
        return;
    facts->kernel.known = true;
    facts->kernel.status = (int)json_integer_value(json_object_get(kernel, "status"));
    facts->kernel.max_error_us = json_integer_value(json_object_get(kernel, "max_error_us"));
    facts->kernel.est_error_us = json_integer_value(json_object_get(kernel, "est_error_us"));
    facts->kernel.frequency_ppm = number(kernel, "frequency_ppm");
}

static void read_chronyd(struct visor_facts *facts, const json_t *chronyd)
{
    if (!json_is_object(chronyd))
        return;
    facts->chronyd.answers = true;
    facts->chronyd.stratum = (uint32_t)json_integer_value(json_object_get(chronyd, "stratum"));
    facts->chronyd.leap = (uint32_t)json_integer_value(json_object_get(chronyd, "leap"));
    facts->chronyd.offset_s = number(chronyd, "offset_s");
    facts->chronyd.root_distance_s = number(chronyd, "root_distance_s");
}

static void read_signature(struct visor_facts *facts, const json_t *whole)
{
    const char *id =
        json_string_value(json_object_get(json_object_get(whole, "virtualization"), "cpuid"));

    if (!id || !*id || facts->hypervisor_id[0])
        return;
    snprintf(facts->hypervisor_id, sizeof(facts->hypervisor_id), "%.12s", id);
    facts->hypervisor = visor_facts_hypervisor_by_id(facts->hypervisor_id);
    visor_facts_conclude(facts);
}

static void read_other_zone(struct visor_facts *facts, const json_t *other)
{
    const char *who = json_string_value(json_object_get(other, "process"));
    const char *zone = json_string_value(json_object_get(other, "zone"));

    if (!who || !zone)
        return;
    snprintf(facts->other_zone_of, sizeof(facts->other_zone_of), "%.63s", who);
    snprintf(facts->other_zone, sizeof(facts->other_zone), "%.63s", zone);
}

static void copy_text(char to[VISOR_FACTS_TEXT], const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    snprintf(to, VISOR_FACTS_TEXT, "%.63s", text ? text : "");
}

static void read_nodes(struct visor_facts *facts, const json_t *seen)
{
    facts->nodes.count = (uint32_t)json_integer_value(json_object_get(seen, "count"));
    facts->nodes.known = (uint32_t)json_integer_value(json_object_get(seen, "known"));
    facts->nodes.differ = (uint32_t)json_integer_value(json_object_get(seen, "differ"));
    copy_text(facts->nodes.first, seen, "first");
    copy_text(facts->nodes.zone, seen, "zone");
}

static void read_collected(struct visor_facts *facts, const char *root)
{
    char *text = malloc(VISOR_TREE_FILE_MAX);
    int size = text ? visor_tree_read(root, FACTS_FILE, text, VISOR_TREE_FILE_MAX) : -1;
    json_t *whole = size > 0 ? json_loads(text, 0, NULL) : NULL;
    const json_t *vdso = json_object_get(whole, "vdso");
    double hz = number(whole, "hz"); /* of a machine whose configuration could not be read */

    read_signature(facts, whole);
    read_kernel(facts, json_object_get(whole, "kernel_clock"));
    read_chronyd(facts, json_object_get(whole, "chronyd"));
    read_reach(facts, json_object_get(whole, "reach"));
    read_other_zone(facts, json_object_get(whole, "other_zone"));
    read_nodes(facts, json_object_get(whole, "nodes"));
    facts->vdso_known = json_is_boolean(vdso);
    facts->vdso = json_is_true(vdso);
    facts->read_ns = number(whole, "read_ns");
    if (facts->hz == 0 && hz > 0.0 && hz < HZ_MAX)
        facts->hz = (uint32_t)hz;
    json_decref(whole);
    free(text);
}

void visor_facts_ask(struct visor_facts *facts, const char *root, bool network)
{
    if (root[0]) {
        read_collected(facts, root);
        return;
    }
    facts->vdso_known = true;
    facts->vdso = getauxval(AT_SYSINFO_EHDR) != 0;
    facts->read_ns = visor_clock_cost() * 1e9;
    if (facts->hz == 0)
        facts->hz = visor_clock_hz();
    ask_chronyd(facts);
    if (network)
        ask_sources(facts);
}
