/* The cause of a source's silence. */
#include "port/reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct visor_facts facts_with(const char *route4, const char *route6, size_t nameservers)
{
    struct visor_facts facts = {.network_known = true, .nameserver_count = nameservers};

    for (size_t i = 0; route4[i]; i++)
        facts.route4[i] = route4[i];
    for (size_t i = 0; route6[i]; i++)
        facts.route6[i] = route6[i];
    return facts;
}

static const struct visor_reason_case asked = {.resolved = true,
                                               .online = true,
                                               .family = VISOR_FAMILY_IPV4,
                                               .asked = 3,
                                               .port = 123,
                                               .name = "ntp.example"};

static void test_of__name_resolution(void **state)
{
    struct visor_facts good = facts_with("eth0", "", 1), none = facts_with("eth0", "", 0),
                       down = facts_with("", "", 1);
    struct visor_reason_case source = {.online = true, .name = "x"};

    (void)state;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NONE);
    source.resolving = true;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_RESOLVING);
    source.resolve = VISOR_RESOLVE_TRY_AGAIN;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_DNS_SILENT);
    source.facts = &good;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_DNS_SILENT);
    source.facts = &none;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_NAMESERVER);
    source.facts = &down;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_NETWORK);
    source.facts = &good;
    source.resolve = VISOR_RESOLVE_FAILED;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_SUCH_NAME);
}

static void test_of__errors_with_and_without_routes(void **state)
{
    struct visor_facts only4 = facts_with("eth0", "", 1), down = facts_with("", "", 1);
    struct visor_reason_case source = asked;

    (void)state;
    source.error = ENETUNREACH;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_ROUTE);
    source.facts = &only4;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_ROUTE);
    source.family = VISOR_FAMILY_IPV6;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_FAMILY);
    source.facts = &down;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NO_NETWORK);
    source.error = EHOSTUNREACH;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_HOST_DOWN);
    source.error = ECONNREFUSED;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_REFUSED);
    source.error = EPERM;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_FORBIDDEN);
    source.error = EMSGSIZE;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_SEND_FAILED);
}

static void test_of__silence_answers_and_devices(void **state)
{
    struct visor_reason_case source = asked;

    (void)state;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_SILENT);
    source.answered = 1;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_UNUSABLE);
    source.good = 1;
    source.error = ENETUNREACH; /* just now; it has given time */
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_NONE);
    source.good = 0;
    source.online = false;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_OFFLINE);
    source.refclock = true;
    assert_int_equal(visor_reason_of(&source), VISOR_REASON_DEVICE);
}

static void test_text__is_a_sentence(void **state)
{
    struct visor_reason_case source = asked;
    char text[160];

    (void)state;
    assert_string_equal(visor_reason_text(&source, text, sizeof(text)),
                        "no reply from port 123 (asked 3 times): it is down, or a firewall drops "
                        "NTP");
    source.asked = 1;
    assert_string_equal(visor_reason_text(&source, text, sizeof(text)),
                        "no reply from port 123 (asked once): it is down, or a firewall drops NTP");
    source.error = ECONNREFUSED;
    assert_string_equal(visor_reason_text(&source, text, sizeof(text)),
                        "it refuses: nothing listens on its port 123");
    source.refclock = true;
    source.error = ENOENT;
    assert_string_equal(visor_reason_text(&source, text, sizeof(text)),
                        "the device gives nothing: no such device here; load its driver, or "
                        "correct the refclock line");
    source.good = 1;
    assert_string_equal(visor_reason_text(&source, text, sizeof(text)), "");
    assert_string_equal(visor_reason_text(&asked, text, 9), "no reply");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of__name_resolution),
        cmocka_unit_test(test_of__errors_with_and_without_routes),
        cmocka_unit_test(test_of__silence_answers_and_devices),
        cmocka_unit_test(test_text__is_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
