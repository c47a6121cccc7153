/* The selection's state as words; where there is no sample, port/reason.h finds the cause. */
#include "timevisor/why.h"

#include "port/text.h"
#include "timevisor/field.h"

#include <stdio.h>
#include <string.h>

static const struct {
    char state, mark;
    int mood;
    const char *text;
} state_texts[] = {
    {'*', '*', 1, N_("followed")},
    {'+', '+', 1, N_("combined")},
    {'D', '-', 0, N_("agrees; others are closer")},
    {'P', '-', 0, N_("agrees; another is preferred")},
    {'U', '-', 0, N_("agrees; waits for its next sample")},
    {'W', '?', 0, N_("waits for others (first answers, minsources, require)")},
    {'T', 'x', -1, N_("contradicts the trusted sources")},
    {'x', 'x', -1, N_("contradicts the majority")},
    {'N', '-', 0, N_("never selected (noselect)")},
    {'s', '?', -1, N_("says that it is not synchronized")},
    {'r', '?', -1, N_("its stratum is not wanted")},
    {'d', '?', -1, N_("too distant (maxdistance)")},
    {'~', '?', -1, N_("too jittery (maxjitter)")},
    {'w', '?', 0, N_("waits for the others' first samples")},
    {'S', '?', -1, N_("has fallen silent")},
    {'O', '?', 0, N_("an orphan with a higher reference")},
};

bool visor_why_sampled(const json_t *source)
{
    return visor_field(source, "last_sample_age_s") != NULL;
}

static uint64_t counter(const json_t *source, const char *path)
{
    json_int_t value = json_integer_value(visor_field(source, path));

    return value > 0 ? (uint64_t)value : 0;
}

/* Replies: what is heard of a source that gives nothing now, or never gave anything good although
 * it answers most requests (a kiss-o'-death, a wrong key, not NTP at all). */
static uint64_t answers(const json_t *source)
{
    uint64_t replies = counter(source, "ntp.total_rx");
    bool heard = counter(source, "reach") > 0 || (counter(source, "ntp.total_good") == 0 &&
                                                  2 * replies >= counter(source, "ntp.total_tx"));

    return heard ? replies : 0;
}

static struct visor_reason_case case_of(const json_t *source, const struct visor_facts *facts)
{
    const char *address = visor_field_text(source, "address");
    const char *resolve = visor_field_text(source, "resolve");

    return (struct visor_reason_case){
        .refclock = !strcmp(visor_field_text(source, "kind"), "refclock"),
        .resolved = !strcmp(resolve, "resolved"),
        .resolving = !strcmp(resolve, "pending"),
        .resolve = !strcmp(resolve, "failed")     ? VISOR_RESOLVE_FAILED
                   : !strcmp(resolve, "retrying") ? VISOR_RESOLVE_TRY_AGAIN
                                                  : VISOR_RESOLVE_OK,
        .online = visor_field_true(source, "online"),
        .family = !*address              ? VISOR_FAMILY_NONE
                  : strchr(address, ':') ? VISOR_FAMILY_IPV6
                                         : VISOR_FAMILY_IPV4,
        .error = (int)counter(source, "send_errno"),
        .asked = counter(source, "ntp.total_tx"),
        .answered = answers(source),
        .good = visor_why_sampled(source),
        .port = (uint16_t)counter(source, "ntp.remote_port"),
        .name = visor_field_text(source, "name"),
        .facts = facts,
    };
}

enum visor_reason visor_why_reason(const json_t *source, const struct visor_facts *facts)
{
    struct visor_reason_case reason = case_of(source, facts);

    return visor_reason_of(&reason);
}

char *visor_why_text(const json_t *source, const struct visor_facts *facts, char *text, size_t size)
{
    struct visor_reason_case reason = case_of(source, facts);

    visor_reason_text(&reason, text, size);
    if (!*text)
        snprintf(text, size, "%s", _("is being asked"));
    return text;
}

void visor_why_read(const json_t *source, const struct visor_facts *facts, struct visor_why *why)
{
    const char *letter = visor_field_text(source, "state_letter");

    why->mark = '?';
    why->mood = 0;
    for (size_t i = 0; i < sizeof(state_texts) / sizeof(state_texts[0]); i++)
        if (state_texts[i].state == *letter) {
            why->mark = state_texts[i].mark;
            why->mood = state_texts[i].mood;
            snprintf(why->text, sizeof(why->text), "%s", _(state_texts[i].text));
            return;
        }
    if (visor_why_sampled(source)) {
        snprintf(why->text, sizeof(why->text), "%s", _("waits for more samples"));
        return;
    }
    why->mood = -1;
    visor_why_text(source, facts, why->text, sizeof(why->text));
}
