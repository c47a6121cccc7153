/* Looks through an ELF file's segments and sections. Every number in it may be wrong. */
#include "timevisor/program.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#else
#define MACHINE EM_NONE
#endif

struct file {
    const uint8_t *data;
    size_t size;
};

/* False: not within the file. */
static bool copy(const struct file *file, uint64_t at, void *to, size_t size)
{
    if (at > file->size || file->size - at < size)
        return false;
    memcpy(to, file->data + at, size);
    return true;
}

/* The dynamic linker's path begins at `at` and names another C library. */
static bool is_musl(const struct file *file, const Elf64_Phdr *segment)
{
    char path[64] = "";
    size_t size = segment->p_filesz < sizeof(path) ? (size_t)segment->p_filesz : sizeof(path) - 1;

    return copy(file, segment->p_offset, path, size) && strstr(path, "musl");
}

static bool has_linker(const struct file *file, const Elf64_Ehdr *head)
{
    Elf64_Phdr segment;

    for (uint64_t i = 0; i < head->e_phnum; i++)
        if (copy(file, head->e_phoff + i * sizeof(segment), &segment, sizeof(segment)) &&
            segment.p_type == PT_INTERP)
            return !is_musl(file, &segment);
    return false;
}

static bool has_section(const struct file *file, const Elf64_Ehdr *head, const char *wanted)
{
    Elf64_Shdr names, section;
    size_t length = strlen(wanted) + 1;
    char name[32];

    if (!copy(file, head->e_shoff + (uint64_t)head->e_shstrndx * sizeof(names), &names,
              sizeof(names)))
        return false;
    for (uint64_t i = 0; i < head->e_shnum; i++)
        if (copy(file, head->e_shoff + i * sizeof(section), &section, sizeof(section)) &&
            copy(file, names.sh_offset + section.sh_name, name, length) &&
            memcmp(name, wanted, length) == 0)
            return true;
    return false;
}

enum visor_program_kind visor_program_judge(const uint8_t *data, size_t size)
{
    struct file file = {data, size};
    Elf64_Ehdr head;

    if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0)
        return VISOR_PROGRAM_DYNAMIC;
    if (!copy(&file, 0, &head, sizeof(head)) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_machine != MACHINE)
        return VISOR_PROGRAM_FOREIGN;
    if (has_section(&file, &head, ".note.go.buildid") || has_section(&file, &head, ".go.buildinfo"))
        return VISOR_PROGRAM_GO;
    return has_linker(&file, &head) ? VISOR_PROGRAM_DYNAMIC : VISOR_PROGRAM_STATIC;
}

bool visor_program_interpreter(const uint8_t *data, size_t size, char *path, size_t limit)
{
    size_t at = 2, length = 0;

    if (size < 2 || memcmp(data, "#!", 2) != 0)
        return false;
    while (at < size && (data[at] == ' ' || data[at] == '\t'))
        at++;
    for (; at < size && !strchr(" \t\n", data[at]); at++, length++) {
        if (length + 1 >= limit)
            return false;
        path[length] = (char)data[at];
    }
    path[length] = 0;
    return length > 0;
}
