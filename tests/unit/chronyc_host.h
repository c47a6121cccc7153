/* chronyc's host that remembers what it was asked, and chronyc's questions. */
#ifndef VISOR_TESTS_CHRONYC_HOST_H
#define VISOR_TESTS_CHRONYC_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "canned_status.h"
#include "timevisord/chronyc.h"

struct host {
    struct visor_status *status;
    struct visor_event_command command;
    struct visor_source_config source;
    unsigned int commands;
    struct visor_action_answer answer;
    int act; /* the last one, -1 */
    enum visor_chronyc_table table;
    struct visor_access_config rule;
    unsigned int rules;
    bool allowed, passed;
    bool routed;
};

static const struct visor_status *host_status(void *context)
{
    return ((struct host *)context)->status;
}

static void host_command(void *context, const struct visor_event_command *command,
                         struct visor_action_answer *answer)
{
    struct host *host = context;

    host->command = *command;
    if (command->source)
        host->source = *command->source;
    host->commands++;
    *answer = host->answer;
}

static enum visor_cmdmon_status host_act(void *context, enum visor_chronyc_act act)
{
    ((struct host *)context)->act = (int)act;
    return VISOR_CMDMON_SUCCESS;
}

static bool host_allowed(void *context, enum visor_chronyc_table table,
                         const struct visor_address *address)
{
    struct host *host = context;

    (void)address;
    host->table = table;
    return host->allowed;
}

static enum visor_cmdmon_status host_restricted(void *context, enum visor_chronyc_table table,
                                                const struct visor_access_config *rule)
{
    struct host *host = context;

    host->table = table;
    host->rule = *rule;
    host->rules++;
    return VISOR_CMDMON_SUCCESS;
}

static bool host_admit(void *context, const struct visor_address *address)
{
    (void)address;
    return ((struct host *)context)->passed;
}

static bool host_routed(void *context, const struct visor_address *address)
{
    (void)address;
    return ((struct host *)context)->routed;
}

static uint32_t host_client_count(void *context)
{
    (void)context;
    return 100;
}

/* Every third index is a client. */
static bool host_client(void *context, const struct visor_cmdmon_clients_query *query,
                        uint32_t index, struct visor_cmdmon_client *client)
{
    (void)context;
    if (index % 3 != 0)
        return false;
    client->ntp_hits = index + query->min_hits;
    return true;
}

static const struct visor_chronyc_host full_host = {
    .status = host_status,
    .command = host_command,
    .act = host_act,
    .allowed = host_allowed,
    .restricted = host_restricted,
    .admit = host_admit,
    .routed = host_routed,
    .client_count = host_client_count,
    .client = host_client,
};

static struct host host;
static struct visor_chronyc chronyc;

static int setup(void **state)
{
    (void)state;
    memset(&host, 0, sizeof host);
    host.status = canned_status();
    host.act = -1;
    host.passed = true;
    chronyc = (struct visor_chronyc){&full_host, &host, VISOR_OPEN_DEFAULT};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(host.status);
    return 0;
}

static bool ask_from(const char *from, struct visor_cmdmon_request *request,
                     struct visor_cmdmon_reply *reply)
{
    struct visor_address address = {.family = VISOR_FAMILY_NONE};
    uint8_t question[VISOR_CMDMON_MESSAGE_MAX], answer[VISOR_CMDMON_MESSAGE_MAX];
    size_t size, length;

    if (from)
        assert_true(visor_address_parse(from, &address));
    request->sequence = 0x12345678;
    size = visor_cmdmon_write_request(request, 0, question, sizeof question);
    assert_true(size > 0);
    length = visor_chronyc_handle(&chronyc, &address, question, size, answer, sizeof answer);
    assert_true(length <= size);
    if (length == 0)
        return false;
    assert_true(visor_cmdmon_read_reply(answer, length, reply));
    assert_int_equal(reply->command, request->command);
    assert_int_equal(reply->sequence, 0x12345678);
    return true;
}

static struct visor_cmdmon_reply ask(struct visor_cmdmon_request request)
{
    struct visor_cmdmon_reply reply;

    assert_true(ask_from(NULL, &request, &reply));
    return reply;
}

static struct visor_cmdmon_address address_of(const char *text)
{
    struct visor_cmdmon_address address = {.id = 0};

    assert_true(visor_address_parse(text, &address.address));
    return address;
}

#endif
