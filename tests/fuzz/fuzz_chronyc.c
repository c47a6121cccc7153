/* Any bytes as a request of chronyc to the daemon, by the UNIX socket (first byte odd) or by UDP:
 * no answer may be longer than its request, and a request by UDP changes nothing. */
#include "../unit/canned_status.h"

#include "base/assert.h"
#include "timevisord/chronyc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct visor_status *status;
    unsigned int changes;
};

static const struct visor_status *host_status(void *context)
{
    return ((struct world *)context)->status;
}

static void host_command(void *context, const struct visor_event_command *command,
                         struct visor_action_answer *answer)
{
    ((struct world *)context)->changes++;
    answer->answer = (enum visor_answer)(command->kind % (VISOR_ANSWER_BAD_SAMPLE + 1));
}

static enum visor_cmdmon_status host_act(void *context, enum visor_chronyc_act act)
{
    (void)act;
    ((struct world *)context)->changes++;
    return VISOR_CMDMON_SUCCESS;
}

static bool host_allowed(void *context, enum visor_chronyc_table table,
                         const struct visor_address *address)
{
    (void)context;
    return table == VISOR_CHRONYC_COMMAND || address->bytes[0] != 0;
}

static enum visor_cmdmon_status host_restricted(void *context, enum visor_chronyc_table table,
                                                const struct visor_access_config *rule)
{
    (void)table;
    VISOR_ASSERT(rule->prefix <= (rule->subnet.family == VISOR_FAMILY_IPV6   ? 128
                                  : rule->subnet.family == VISOR_FAMILY_IPV4 ? 32
                                                                             : 0));
    ((struct world *)context)->changes++;
    return VISOR_CMDMON_SUCCESS;
}

static bool host_routed(void *context, const struct visor_address *address)
{
    (void)context;
    return address->bytes[3] & 1;
}

static const struct visor_chronyc_host host = {
    .status = host_status,
    .command = host_command,
    .act = host_act,
    .allowed = host_allowed,
    .restricted = host_restricted,
    .routed = host_routed,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {canned_status(), 0};
    struct visor_chronyc chronyc = {&host, &world, VISOR_OPEN_DEFAULT};
    struct visor_address from = {.bytes = {192, 0, 2, 9}, .family = VISOR_FAMILY_IPV4};
    uint8_t reply[VISOR_CMDMON_MESSAGE_MAX];

    if (size > 0) {
        if (data[0] & 1)
            from = (struct visor_address){.family = VISOR_FAMILY_NONE};
        VISOR_ASSERT(
            visor_chronyc_handle(&chronyc, &from, data + 1, size - 1, reply, sizeof(reply)) < size);
        VISOR_ASSERT(world.changes == 0 || from.family == VISOR_FAMILY_NONE);
    }
    free(world.status);
    return 0;
}
