#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config/config.h"
#include "engine/action.h"
#include "engine/event.h"
#include "timevisord/messages.h"
#include "wire/view.h"

static struct visor_message message(enum visor_message_kind kind, const char *address,
                                    const char *name)
{
    struct visor_message m = {.kind = kind, .source = 1};

    if (address)
        assert_true(visor_address_parse(address, &m.address));
    if (name)
        strcpy(m.name, name);
    return m;
}

static void expect(const struct visor_message *m, const char *expected)
{
    char text[VISOR_MESSAGES_TEXT_MAX];

    assert_string_equal(visor_messages_print(m, text, sizeof text), expected);
}

static void test_print__selection(void **state)
{
    struct visor_message m = message(VISOR_MESSAGE_SELECTED, "192.168.123.1", "192.168.123.1");

    (void)state;
    expect(&m, "Selected source 192.168.123.1");
    m = message(VISOR_MESSAGE_SELECTED, "192.168.123.1", "node1.net1.clk");
    expect(&m, "Selected source 192.168.123.1 (node1.net1.clk)");
    m = message(VISOR_MESSAGE_SELECTED, NULL, "PHC0");
    expect(&m, "Selected source PHC0");
    m = message(VISOR_MESSAGE_NO_SELECTABLE, NULL, NULL);
    m.count[0] = 2;
    expect(&m, "Can't synchronise: no selectable sources (2 unreachable sources)");
    m.count[0] = -1;
    expect(&m, "Can't synchronise: no selectable sources");
    m = message(VISOR_MESSAGE_NO_MAJORITY, NULL, NULL);
    m.count[0] = 2;
    m.count[1] = 5;
    expect(&m, "Can't synchronise: no majority (only 2 of 5 sources agree)");
    m.number[0] = 1.0;
    expect(&m, "Can't synchronise: no majority (only 2 of 5 trusted sources agree)");
    m.number[0] = 0.0;
    m.count[0] = 1;
    expect(&m, "Can't synchronise: no majority (no agreement among 5 sources)");
    m = message(VISOR_MESSAGE_FALSETICKER, "192.168.123.2", NULL);
    expect(&m, "Detected falseticker 192.168.123.2");
    m = message(VISOR_MESSAGE_DISTANT, "192.168.123.2", NULL);
    m.number[0] = 3.0;
    expect(&m, "Root distance of 192.168.123.2 exceeds maxdistance of 3.000 seconds");
    m.kind = VISOR_MESSAGE_JITTERY;
    m.number[0] = 1.0;
    expect(&m, "Jitter of 192.168.123.2 exceeds maxjitter of 1.000 seconds");
    m.kind = VISOR_MESSAGE_STRATUM_LOW;
    m.count[0] = 3;
    expect(&m, "Stratum of 192.168.123.2 below minstratum of 3");
}

static void test_print__sources(void **state)
{
    struct visor_message m =
        message(VISOR_MESSAGE_SOURCE_REPLACED, "192.168.123.1", "nodes-1-2.net1.clk");

    (void)state;
    assert_true(visor_address_parse("192.168.123.2", &m.address2));
    expect(&m, "Source 192.168.123.1 replaced with 192.168.123.2 (nodes-1-2.net1.clk)");
    m.kind = VISOR_MESSAGE_SOURCE_CHANGED;
    expect(&m, "Source 192.168.123.1 changed to 192.168.123.2 (nodes-1-2.net1.clk)");
    m = message(VISOR_MESSAGE_SOURCE_ADDED, NULL, "nodes-1-2-3-4.net1.clk");
    m.count[0] = VISOR_SOURCE_POOL;
    expect(&m, "Added pool nodes-1-2-3-4.net1.clk");
    m.count[0] = VISOR_SOURCE_SERVER;
    expect(&m, "Added source ID#0000000001 (nodes-1-2-3-4.net1.clk)");
    m.kind = VISOR_MESSAGE_SOURCE_REFUSED;
    m.count[0] = VISOR_ANSWER_EXISTS;
    expect(&m, "Could not add source nodes-1-2-3-4.net1.clk : another line names it already; "
               "remove one of the two");
    m = message(VISOR_MESSAGE_SOURCE_REMOVED, "192.168.123.1", "192.168.123.1");
    expect(&m, "Removed source 192.168.123.1");
    m = message(VISOR_MESSAGE_SOURCE_ONLINE, "192.168.123.1", "a.example");
    expect(&m, "Source 192.168.123.1 online");
    m = message(VISOR_MESSAGE_KOD, "192.168.123.1", NULL);
    m.count[0] = 0x52415445;
    expect(&m, "Received KoD RATE from 192.168.123.1");
    m = message(VISOR_MESSAGE_SOURCE_MODIFIED, "192.168.123.1", NULL);
    m.count[0] = VISOR_COMMAND_MINPOLL;
    m.number[0] = -3;
    expect(&m, "Source 192.168.123.1 new minpoll -3");
    m.count[0] = VISOR_COMMAND_MAXDELAY;
    m.number[0] = 0.5;
    expect(&m, "Source 192.168.123.1 new maxdelay 0.500000");
    m.count[0] = VISOR_COMMAND_SELECT_OPTIONS;
    expect(&m, "Source 192.168.123.1 selection options modified");
}

/* Our offset is + when the clock is slow, as is the one that chronyd prints. */
static void test_print__clock(void **state)
{
    struct visor_message m = message(VISOR_MESSAGE_WRONG_BY, NULL, NULL);

    (void)state;
    m.number[0] = -10000.000117;
    expect(&m, "System clock wrong by -10000.000117 seconds");
    m.kind = VISOR_MESSAGE_STEPPED;
    expect(&m, "System clock was stepped by -10000.000117 seconds");
    m.kind = VISOR_MESSAGE_CHANGE_IGNORED;
    m.number[1] = 0.1;
    expect(&m, "Adjustment of -10000.000 seconds exceeds the allowed maximum of 0.100 seconds "
               "(ignored) ");
    m.kind = VISOR_MESSAGE_TOO_LARGE;
    expect(&m, "Adjustment of -10000.000 seconds exceeds the allowed maximum of 0.100 seconds "
               "(exiting) ");
    m = message(VISOR_MESSAGE_INITSTEP_DONE, NULL, NULL);
    m.number[0] = -0.100439;
    expect(&m, "System's initial offset : 0.100439 seconds fast of true (slew)");
    m.number[0] = 100.5;
    m.count[0] = 1;
    expect(&m, "System's initial offset : 100.500000 seconds slow of true (step)");
    m = message(VISOR_MESSAGE_FREQUENCY_INITIAL, NULL, "/var/lib/chrony/drift");
    m.number[0] = 100.0;
    m.number[1] = 1.0;
    expect(&m, "Frequency 100.000 +/- 1.000 ppm read from /var/lib/chrony/drift");
    m = message(VISOR_MESSAGE_TAI_OFFSET, NULL, NULL);
    m.count[0] = 33;
    expect(&m, "System clock TAI offset set to 33 seconds");
    m.kind = VISOR_MESSAGE_LEAP;
    m.count[0] = VISOR_LEAP_INSERT;
    expect(&m, "System clock status set to insert leap second");
    m.kind = VISOR_MESSAGE_LEAP_DONE;
    m.count[0] = VISOR_LEAP_MODE_SLEW;
    expect(&m, "Adjusting system clock for leap second");
    m = message(VISOR_MESSAGE_FOREIGN_STEP, NULL, NULL);
    m.number[0] = 20.0;
    expect(&m, "Forward time jump detected! (+20.000000 s, by somebody else)");
    m = message(VISOR_MESSAGE_SMOOTHING, NULL, NULL);
    m.count[0] = 2;
    expect(&m, "Activated time smoothing (leap seconds only)");
}

static void test_print__every_kind_says_something(void **state)
{
    (void)state;
    for (int kind = VISOR_MESSAGE_NONE + 1; kind <= VISOR_MESSAGE_DOFFSET; kind++) {
        struct visor_message m = message((enum visor_message_kind)kind, "2001:db8::1", "name");
        char text[VISOR_MESSAGES_TEXT_MAX];

        m.count[0] = 0x52415445;
        assert_true(strlen(visor_messages_print(&m, text, sizeof text)) > 8);
    }
}

static void test_print__no_control_characters(void **state)
{
    struct visor_message m = message(VISOR_MESSAGE_UNRESOLVED, NULL, "a\nb\033c");
    char text[12];

    (void)state;
    m.count[0] = VISOR_RESOLVE_FAILED;
    expect(&m, "Invalid host a?b?c");
    assert_string_equal(visor_messages_print(&m, text, sizeof text), "Invalid hos");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print__selection),
        cmocka_unit_test(test_print__sources),
        cmocka_unit_test(test_print__clock),
        cmocka_unit_test(test_print__every_kind_says_something),
        cmocka_unit_test(test_print__no_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
