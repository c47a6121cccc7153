#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate/generate.h"

static const char *const TWO[] = {"a", "b"}, *const ONE[] = {"x"};
static const struct visor_value VALUES[] = {{"two", TWO, 2}, {"one", ONE, 1}, {"none", NULL, 0}};

static bool expand(const char *text, char *to, size_t size)
{
    struct visor_text out = visor_text_over(to, size);

    return visor_template_expand(text, VALUES, 3, &out);
}

static void test_expand__values_and_parts(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"plain { } }} text", "plain { } }} text"},
        {"<{{one}}>", "<x>"},
        {"{{two}}", "a"},
        {"{{#two}}[{{.}}{{one}}]{{/two}}", "[ax][bx]"},
        {"{{#none}}no{{/none}}{{^none}}yes{{/none}}", "yes"},
        {"{{^one}}no{{/one}}", ""},
        {"1\n{{#two}}\n- {{.}}\n{{/two}}\n2\n", "1\n- a\n- b\n2\n"},
        {"1\n  {{#none}}\n- {{.}}\n  {{/none}}\n2\n", "1\n2\n"},
        {"a {{#one}}b{{/one}}\nc", "a b\nc"},
        {"{{#two}}{{#two}}{{.}}{{/two}}-{{.}} {{/two}}", "ab-a ab-b "},
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(expand(cases[i][0], text, sizeof(text)));
        assert_string_equal(text, cases[i][1]);
    }
}

static void test_expand__a_wrong_template_is_refused(void **state)
{
    static const char *const cases[] = {
        "{{unknown}}", "{{#unknown}}{{/unknown}}",         "{{#one}}", "{{/one}}", "{{none}}",
        "{{.}}",       "{{#one}}{{#two}}{{/one}}{{/two}}",
    };
    char deep[200] = "";
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_false(expand(cases[i], text, sizeof(text)));
    for (int i = 0; i < 6; i++)
        strcat(deep, "{{#one}}");
    for (int i = 0; i < 6; i++)
        strcat(deep, "{{/one}}");
    assert_false(expand(deep, text, sizeof(text)));
}

static void test_generate__every_template_is_good(void **state)
{
    const struct visor_needs plain = {.zone = NULL};
    const struct visor_needs full = {.servers = {"10.0.0.1", "ntp.corp.internal"},
                                     .server_count = 2,
                                     .hosts = {"192.168.122.1"},
                                     .host_count = 1,
                                     .peers = {"10.0.0.2"},
                                     .peer_count = 1,
                                     .allow = {"10.0.0.0/8", "fd00::/8"},
                                     .allow_count = 2,
                                     .nts = true};
    const struct visor_generated *file;
    char *text = malloc(VISOR_NEEDS_FILE);
    size_t count = 0;

    (void)state;
    assert_non_null(text);
    for (; (file = visor_generated_at(count)); count++)
        for (int i = 0; i < 2; i++) {
            struct visor_text out = visor_text_over(text, VISOR_NEEDS_FILE);

            assert_true(visor_generate(file->text, i ? &full : &plain, &out));
            assert_true(out.at > 40 && text[out.at - 1] == '\n');
            out = visor_text_over(text, VISOR_NEEDS_FILE);
            assert_true(visor_generate(file->path, i ? &full : &plain, &out));
            out = visor_text_over(text, VISOR_NEEDS_FILE);
            assert_true(visor_generate(file->use, i ? &full : &plain, &out));
            assert_true(*file->about[0] && *file->about[1]);
            assert_true(file->mode == 0644 || file->mode == 0755);
        }
    assert_true(count > 30);
    free(text);
}

static void test_generate__what_does_not_fit_is_said(void **state)
{
    const struct visor_needs needs = {.zone = NULL};
    char text[10];
    struct visor_text out = visor_text_over(text, sizeof(text));

    (void)state;
    assert_false(visor_generate("0123456789", &needs, &out));
}

static void test_needs__nothing_that_ends_a_value(void **state)
{
    static const char *const bad[] = {"",     "a b",  "a;b", "a\nb", "a'b",
                                      "a\"b", "$(a)", "-a",  "a,b",  "a#"};
    static const char *const good[] = {
        "ntp1.corp.internal",       "10.0.0.0/8", "fd00::1", "Asia/Shanghai",
        "registry.example/a_b:1.0", "Etc/GMT+8"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct visor_needs needs = {.servers = {"ok", bad[i]}, .server_count = 2};
        struct visor_needs zone = {.zone = bad[i]};

        assert_ptr_equal(visor_needs_check(&needs), bad[i]);
        assert_ptr_equal(visor_needs_check(&zone), bad[i]);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct visor_needs needs = {.allow = {good[i]}, .allow_count = 1, .image = good[i]};

        assert_null(visor_needs_check(&needs));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand__values_and_parts),
        cmocka_unit_test(test_expand__a_wrong_template_is_refused),
        cmocka_unit_test(test_generate__every_template_is_good),
        cmocka_unit_test(test_generate__what_does_not_fit_is_said),
        cmocka_unit_test(test_needs__nothing_that_ends_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
