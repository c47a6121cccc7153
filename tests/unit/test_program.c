#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "timevisor/program.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

/* An ELF file of one segment and two sections. */
struct program {
    Elf64_Ehdr head;
    Elf64_Phdr linker;
    Elf64_Shdr sections[2];
    char path[64], names[64];
};

static struct program program_with(const char *path, const char *section)
{
    struct program p = {
        .head = {.e_machine = EM_X86_64,
                 .e_phoff = offsetof(struct program, linker),
                 .e_phnum = 1,
                 .e_shoff = offsetof(struct program, sections),
                 .e_shnum = 2,
                 .e_shstrndx = 0},
        .linker = {.p_type = path ? PT_INTERP : PT_LOAD,
                   .p_offset = offsetof(struct program, path),
                   .p_filesz = sizeof(p.path)},
        .sections = {{.sh_offset = offsetof(struct program, names)}, {.sh_name = 1}},
    };
#ifdef __aarch64__
    p.head.e_machine = EM_AARCH64;
#endif
    memcpy(p.head.e_ident, ELFMAG, SELFMAG);
    p.head.e_ident[EI_CLASS] = ELFCLASS64;
    if (path)
        snprintf(p.path, sizeof(p.path), "%s", path);
    snprintf(p.names + 1, sizeof(p.names) - 1, "%s", section);
    return p;
}

static enum visor_program_kind judge(const char *path, const char *section)
{
    struct program p = program_with(path, section);

    return visor_program_judge((const uint8_t *)&p, sizeof(p));
}

static void test_judge__by_what_the_file_says(void **state)
{
    struct program foreign = program_with("/lib/ld.so", ".text");

    (void)state;
    assert_int_equal(judge("/lib64/ld-linux-x86-64.so.2", ".text"), VISOR_PROGRAM_DYNAMIC);
    assert_int_equal(judge("/lib/ld-musl-x86_64.so.1", ".text"), VISOR_PROGRAM_STATIC);
    assert_int_equal(judge(NULL, ".text"), VISOR_PROGRAM_STATIC);
    assert_int_equal(judge("/lib64/ld-linux-x86-64.so.2", ".go.buildinfo"), VISOR_PROGRAM_GO);
    assert_int_equal(judge(NULL, ".note.go.buildid"), VISOR_PROGRAM_GO);
    foreign.head.e_machine = EM_SPARC;
    assert_int_equal(visor_program_judge((uint8_t *)&foreign, sizeof(foreign)),
                     VISOR_PROGRAM_FOREIGN);
    assert_int_equal(visor_program_judge((const uint8_t *)"#!/bin/sh", 9), VISOR_PROGRAM_DYNAMIC);
}

/* Cut anywhere, and with wild numbers: it stays within the file (the sanitizers look). */
static void test_judge__cut_and_wild(void **state)
{
    struct program p = program_with("/lib/ld.so", ".go.buildinfo");

    (void)state;
    for (size_t size = 0; size <= sizeof(p); size++) {
        uint8_t *data = malloc(size + 1);

        memcpy(data, &p, size);
        data = realloc(data, size ? size : 1);
        visor_program_judge(data, size);
        free(data);
    }
    p.head.e_phoff = p.head.e_shoff = UINT64_MAX - 7;
    assert_int_equal(visor_program_judge((uint8_t *)&p, sizeof(p)), VISOR_PROGRAM_STATIC);
    p = program_with("/lib/ld.so", ".go.buildinfo");
    p.sections[0].sh_offset = UINT64_MAX;
    p.linker.p_offset = UINT64_MAX;
    assert_int_equal(visor_program_judge((uint8_t *)&p, sizeof(p)), VISOR_PROGRAM_DYNAMIC);
}

static bool is_run_by(const char *script, const char *expected)
{
    char path[16];
    bool found =
        visor_program_interpreter((const uint8_t *)script, strlen(script), path, sizeof(path));

    return found ? expected && strcmp(path, expected) == 0 : !expected;
}

static void test_interpreter__of_a_script(void **state)
{
    (void)state;
    assert_true(is_run_by("#!/bin/sh", "/bin/sh"));
    assert_true(is_run_by("#! \t/bin/sh\t-e\necho", "/bin/sh"));
    assert_true(is_run_by("#!/bin/sh\n", "/bin/sh"));
    assert_true(is_run_by("#!/bin/sixteen_byt", NULL)); /* does not fit */
    assert_true(is_run_by("#!/bin/fifteen_by", "/bin/fifteen_by"));
    assert_true(is_run_by("#!", NULL));
    assert_true(is_run_by("#", NULL));
    assert_true(is_run_by("#! \n/bin/sh", NULL));
    assert_true(is_run_by("/bin/sh", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__by_what_the_file_says),
        cmocka_unit_test(test_judge__cut_and_wild),
        cmocka_unit_test(test_interpreter__of_a_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
