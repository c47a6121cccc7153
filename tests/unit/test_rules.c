/* Every rule has a case in tests/rules/ in which it fires and one in which it does not, and no id
 * is ever another rule's. A test for each rule; the format of the cases is told in CONTRIBUTING.md.
 */
#include "advise/catalogue.h"
#include "lint/lint.h"
#include "port/facts.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES_MAX 1000
#define CASES_MAX 4000

struct rule_case {
    char id[64], verdict[16], name[128];
    unsigned line; /* where it must fire; 0: anywhere */
    const char *file, *text;
    size_t size;
    unsigned number; /* of its heading's line */
};

static struct rule_case cases[CASES_MAX];
static size_t case_count;

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    size_t size;

    assert_non_null(file);
    assert_non_null(text);
    size = fread(text, 1, (1 << 20) - 1, file);
    assert_true(size > 0 && size < (1 << 20) - 1);
    fclose(file);
    return text;
}

/* "== ID fires|quiet NAME [LINE]", then the file. The texts live as long as the program. */
static void read_cases(const char *path)
{
    char *text = read_whole(path), *at = text;
    struct rule_case *open = NULL;
    unsigned number = 0;

    while (*at) {
        char *end = strchr(at, '\n'), *next = end ? end + 1 : at + strlen(at);

        number++;
        if (strncmp(at, "== ", 3) == 0) {
            assert_true(case_count < CASES_MAX);
            if (open)
                open->size = (size_t)(at - open->text);
            open = &cases[case_count++];
            *open = (struct rule_case){.file = path, .text = next, .number = number};
            if (sscanf(at, "== %63s %15s %127s %u", open->id, open->verdict, open->name,
                       &open->line) < 3)
                fail_msg("%s:%u: not a heading", path, number);
        }
        at = next;
    }
    if (open)
        open->size = (size_t)(at - open->text);
}

static void read_all_cases(void)
{
    glob_t found;

    assert_int_equal(glob(VISOR_SOURCE_ROOT "/tests/rules/*.cases", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *path = strdup(found.gl_pathv[i]);

        assert_non_null(path);
        read_cases(path);
    }
    globfree(&found);
}

/* A tree in a folder of its own: "-- path", then that file's lines; "-- path -> target": a link. */
static void write_tree(const struct rule_case *one, const char *root)
{
    char *text = strndup(one->text, one->size), *rest = text, *line, path[512], command[600];
    FILE *file = NULL;

    assert_non_null(text);
    while ((line = strsep(&rest, "\n"))) {
        char name[256], target[256];
        int found = sscanf(line, "-- %255s -> %255s", name, target);

        if (found < 1 || strncmp(line, "-- ", 3) != 0) {
            if (file && rest)
                fprintf(file, "%s\n", line);
            continue;
        }
        if (file)
            fclose(file);
        snprintf(path, sizeof(path), "%s/%s", root, name);
        snprintf(command, sizeof(command), "mkdir -p \"$(dirname %s)\"", path);
        assert_int_equal(system(command), 0);
        file = found == 2 ? NULL : fopen(path, "w");
        assert_true(found == 2 ? symlink(target, path) == 0 : file != NULL);
    }
    if (file)
        fclose(file);
    free(text);
}

static void find_in_machine(const struct rule_case *one, struct visor_findings *findings)
{
    struct visor_facts *facts = malloc(sizeof(*facts));
    char root[] = "/tmp/visor-rules-XXXXXX", command[64];

    assert_non_null(facts);
    assert_non_null(mkdtemp(root));
    write_tree(one, root);
    visor_facts_gather(facts, root);
    visor_facts_gather_more(facts, root);
    visor_facts_ask(facts, root, false);
    for (int topic = 0; topic < VISOR_TOPICS; topic++)
        visor_catalogue_check_machine(facts, (enum visor_topic)topic, findings);
    snprintf(command, sizeof(command), "rm -r %s", root);
    assert_int_equal(system(command), 0);
    free(facts);
}

static void find_in_file(const struct rule_case *one, struct visor_findings *findings)
{
    struct visor_lint lint = {.name = one->name, .text = one->text, .size = one->size};

    if (visor_lint_run(&lint, findings, NULL) == VISOR_KIND_UNKNOWN)
        fail_msg("%s:%u: %s is no kind of file that is known", one->file, one->number, one->name);
}

static void run_case(const struct rule_case *one)
{
    struct visor_findings findings = {.items = NULL};
    bool wanted = strcmp(one->verdict, "fires") == 0, fired = false;

    if (!wanted && strcmp(one->verdict, "quiet") != 0)
        fail_msg("%s:%u: neither fires nor quiet", one->file, one->number);
    if (strcmp(one->name, "machine") == 0)
        find_in_machine(one, &findings);
    else
        find_in_file(one, &findings);
    for (size_t i = 0; i < findings.count; i++)
        if (strcmp(findings.items[i].rule->id, one->id) == 0 &&
            (!wanted || !one->line || findings.items[i].line == one->line))
            fired = true;
    visor_findings_done(&findings);
    if (fired != wanted)
        fail_msg("%s:%u: %s %s", one->file, one->number, one->id,
                 wanted ? "does not fire (there)" : "fires");
}

static void test_rule(void **state)
{
    const struct visor_rule *rule = *state;
    unsigned firing = 0, quiet = 0;

    for (size_t i = 0; i < case_count; i++) {
        if (strcmp(cases[i].id, rule->id) != 0)
            continue;
        firing += strcmp(cases[i].verdict, "fires") == 0;
        quiet += strcmp(cases[i].verdict, "quiet") == 0;
        run_case(&cases[i]);
    }
    if (!firing || !quiet)
        fail_msg("%s has no case in which it %s (tests/rules)", rule->id,
                 firing ? "is quiet" : "fires");
}

static void test_rules__are_whole(void **state)
{
    const struct visor_rule *rule;

    (void)state;
    for (size_t i = 0; (rule = visor_catalogue_at(i)); i++) {
        assert_true(rule->id && strncmp(rule->id, "TV-", 3) == 0);
        assert_true(rule->kinds != 0 && rule->what && rule->why && rule->fix && rule->source);
        assert_true(strlen(rule->what) > 10 && strlen(rule->why) > 20 && strlen(rule->fix) > 2);
        assert_true(rule->what[strlen(rule->what) - 1] != '.');
        assert_true((rule->kinds == VISOR_KIND_MACHINE) == (rule->topic != VISOR_TOPIC_NONE));
        if (visor_catalogue_find(rule->id) != rule)
            fail_msg("%s is given to two rules", rule->id);
        if (visor_catalogue_retired(rule->id))
            fail_msg("%s was retired: take a new id", rule->id);
    }
}

/* tests/rules/issued has every id that was ever given away, and only grows. */
static void test_ids__are_never_reused(void **state)
{
    char *text = read_whole(VISOR_SOURCE_ROOT "/tests/rules/issued"), *rest = NULL;
    const struct visor_rule *rule;
    char *copy = strdup(text);

    (void)state;
    assert_non_null(copy);
    for (char *id = strtok_r(copy, "\n", &rest); id; id = strtok_r(NULL, "\n", &rest))
        if (!visor_catalogue_find(id) && !visor_catalogue_retired(id))
            fail_msg("%s is gone: name it in catalogue.c as retired", id);
    for (size_t i = 0; (rule = visor_catalogue_at(i)); i++) {
        char line[80];

        snprintf(line, sizeof(line), "%s\n", rule->id);
        if (!strstr(text, line))
            fail_msg("tests/rules/issued lacks %s", rule->id);
    }
    free(copy);
    free(text);
}

static void test_cases__are_of_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < case_count; i++)
        if (!visor_catalogue_find(cases[i].id))
            fail_msg("%s:%u: there is no rule %s", cases[i].file, cases[i].number, cases[i].id);
}

int main(void)
{
    static struct CMUnitTest tests[RULES_MAX] = {
        cmocka_unit_test(test_rules__are_whole),
        cmocka_unit_test(test_ids__are_never_reused),
        cmocka_unit_test(test_cases__are_of_rules),
    };
    const struct visor_rule *rule;
    size_t count = 3;

    read_all_cases();
    for (size_t i = 0; (rule = visor_catalogue_at(i)) && count < RULES_MAX; i++)
        tests[count++] = (struct CMUnitTest){
            .name = rule->id, .test_func = test_rule, .initial_state = (void *)(uintptr_t)rule};
    return _cmocka_run_group_tests("rules", tests, count, NULL, NULL);
}
