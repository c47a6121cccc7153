/* Runs a fuzzer's function over the files of the folders given, where there is no libFuzzer: what
 * a fuzzer once found stays tested by every compiler and under valgrind. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    static const size_t limit = 1 << 20;
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(limit), *exact;
    size_t size;

    if (!file || !data) {
        perror(path);
        free(data);
        if (file)
            fclose(file);
        return 1;
    }
    size = fread(data, 1, limit, file);
    fclose(file);
    exact = realloc(data, size ? size : 1); /* so that reading past the end is seen */
    if (!exact)
        abort();
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int replay_folder(const char *folder, int *files)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    int status = 0;

    if (!directory) {
        perror(folder);
        return 1;
    }
    while ((entry = readdir(directory))) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        status |= replay_file(path);
        ++*files;
    }
    closedir(directory);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0, files = 0;

    for (int i = 1; i < argc; i++)
        status |= replay_folder(argv[i], &files);
    printf("%d inputs\n", files);
    return status || !files;
}
