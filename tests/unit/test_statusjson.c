#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "port/statusjson.h"

/* ---- as much of JSON Schema as docs/status.schema.json uses ---- */

static json_t *schema;

static bool type_fits(const char *type, const json_t *value)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static void check_type(const json_t *type, const json_t *value, const char *where)
{
    bool fits = json_is_string(type) && type_fits(json_string_value(type), value);
    const json_t *one;
    size_t i;

    json_array_foreach(type, i, one) fits = fits || type_fits(json_string_value(one), value);
    if (type && !fits)
        fail_msg("%s has the wrong type", where);
}

static void check_value(const json_t *rule, json_t *value, const char *where);

static void check_object(const json_t *rule, json_t *object, const char *where)
{
    const json_t *properties = json_object_get(rule, "properties"), *one;
    const char *key;
    json_t *value;
    size_t i;

    json_array_foreach(json_object_get(rule, "required"), i, one)
    {
        if (!json_object_get(object, json_string_value(one)))
            fail_msg("%s lacks %s", where, json_string_value(one));
    }
    json_object_foreach(object, key, value)
    {
        if (!json_object_get(properties, key))
            fail_msg("%s has %s, which the schema does not tell of", where, key);
        check_value(json_object_get(properties, key), value, key);
    }
}

static void check_value(const json_t *rule, json_t *value, const char *where)
{
    const char *reference = json_string_value(json_object_get(rule, "$ref"));
    const json_t *names = json_object_get(rule, "enum"), *one;
    bool found = names == NULL;
    size_t i;

    if (reference) {
        assert_memory_equal(reference, "#/$defs/", 8);
        rule = json_object_get(json_object_get(schema, "$defs"), reference + 8);
        assert_non_null(rule);
        check_value(rule, value, where);
        return;
    }
    check_type(json_object_get(rule, "type"), value, where);
    json_array_foreach(names, i, one) found = found || json_equal(one, value);
    if (!found)
        fail_msg("%s is not one of the allowed values", where);
    if (json_is_object(value))
        check_object(rule, value, where);
    json_array_foreach(value, i, one)
        check_value(json_object_get(rule, "items"), json_array_get(value, i), where);
}

static int load_schema(void **state)
{
    json_error_t error;

    (void)state;
    schema = json_load_file(VISOR_SOURCE_ROOT "/docs/status.schema.json", 0, &error);
    return schema ? 0 : -1;
}

static int drop_schema(void **state)
{
    (void)state;
    json_decref(schema);
    return 0;
}

static struct visor_status *new_status(void)
{
    struct visor_status *status = calloc(1, sizeof *status);

    assert_non_null(status);
    status->tracking.bound_ns = status->tracking.estimate_bound_ns = VISOR_NS_MAX;
    return status;
}

static json_t *written(const struct visor_status *status)
{
    json_t *json = visor_statusjson_write(status);

    assert_non_null(json);
    check_value(schema, json, "status");
    return json;
}

static double number(const json_t *json, const char *object, const char *key)
{
    const json_t *value = json_object_get(json_object_get(json, object), key);

    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void test_write__empty(void **state)
{
    struct visor_status *status = new_status();
    json_t *json = written(status), *tracking = json_object_get(json, "tracking");

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(json, "version")), VISOR_STATUS_VERSION);
    assert_true(json_is_null(json_object_get(tracking, "bound_ns")));
    assert_true(json_is_null(json_object_get(tracking, "address")));
    assert_string_equal(json_string_value(json_object_get(tracking, "trust")), "unknown");
    assert_int_equal(json_array_size(json_object_get(json, "sources")), 0);
    json_decref(json);
    free(status);
}

static void test_write__values(void **state)
{
    struct visor_status *status = new_status();
    struct visor_source_status *source = &status->sources[0];
    json_t *json, *one;

    (void)state;
    status->utc.ns = INT64_C(1795468566955233996);
    status->tracking.offset = -2.5e-6;
    status->tracking.bound_ns = 123456;
    status->tracking.refid = 0x7f7f0101;
    status->tracking.last_foreign_s = (double)INFINITY;
    status->manual.count = 2;
    status->manual.samples[1].residual = 0.5;
    status->source_count = 2;
    source->id = 7;
    assert_true(visor_address_parse("2001:db8::1", &source->address));
    strcpy(source->name, "caf\xc3\xa9.example");
    source->state = VISOR_STATE_SELECTED;
    source->effective_options = VISOR_SELECT_PREFER | VISOR_SELECT_TRUST;
    source->last_sample_age = source->selected_age = -1.0;
    source->tests = 0x3fd;
    status->sources[1].refclock = true;
    status->sources[1].state = VISOR_STATE_NO_SAMPLES;
    strcpy(status->sources[1].name, "PH\xff\x01");
    json = written(status);

    assert_true(json_integer_value(json_object_get(json, "utc_ns")) == status->utc.ns);
    assert_true(number(json, "tracking", "offset_s") == -2.5e-6);
    assert_int_equal(number(json, "tracking", "bound_ns"), 123456);
    one = json_object_get(json, "tracking");
    assert_string_equal(json_string_value(json_object_get(one, "refid")), "7F7F0101");
    assert_true(json_is_null(json_object_get(one, "last_foreign_s")));
    one = json_array_get(json_object_get(json, "sources"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "address")), "2001:db8::1");
    assert_string_equal(json_string_value(json_object_get(one, "name")), source->name);
    assert_string_equal(json_string_value(json_object_get(one, "state_letter")), "*");
    assert_true(json_is_null(json_object_get(one, "last_sample_age_s")));
    assert_int_equal(json_array_size(json_object_get(one, "effective_options")), 2);
    assert_int_equal(number(one, "ntp", "tests"), 0x3fd);
    one = json_array_get(json_object_get(json, "sources"), 1);
    assert_true(json_is_null(json_object_get(one, "ntp")));
    assert_string_equal(json_string_value(json_object_get(one, "name")), "PH?\x01");
    json_decref(json);
    free(status);
}

static void test_state__all_letters_have_names(void **state)
{
    (void)state;
    for (const char *letter = "NMsrd~wSOTxWPUD+*"; *letter; letter++)
        assert_string_not_equal(visor_statusjson_state((enum visor_select_state) * letter),
                                "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write__empty),
        cmocka_unit_test(test_write__values),
        cmocka_unit_test(test_state__all_letters_have_names),
    };

    return cmocka_run_group_tests(tests, load_schema, drop_schema);
}
