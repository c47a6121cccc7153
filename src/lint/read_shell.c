/* Shell scripts, as far as needed to see which simple commands they run, with which words and into
 * which files, also inside $(…), `…` and quotes. Here-documents and echoed lines that go into a
 * configuration are files themselves. Control flow is not followed: every command may run. */
#include "lint/scan.h"

#include <string.h>

#define WORD_SIZE    1024
#define NAME_SIZE    64
#define DEPTH_MAX    16 /* of substitutions; deeper ones are text */
#define HEREDOCS_MAX 8  /* that wait for the end of one line */

struct word {
    char text[WORD_SIZE]; /* without quotes, cut */
    size_t length;
    const char *first, *last; /* as written */
    uint32_t line, column;
};

struct heredoc {
    char delimiter[NAME_SIZE];
    bool strip; /* <<-: tabs in front do not count */
    const struct visor_node *command;
};

struct shell {
    struct visor_scan *scan;
    const char *at, *end, *line_start;
    uint32_t line;
    unsigned depth;
    struct heredoc heredocs[HEREDOCS_MAX];
    size_t heredoc_count;
};

struct command {
    struct visor_node *node; /* NULL: its name comes next */
    const char *first, *last;
    bool prefixed; /* by sudo or the like, whose options are not the command */
};

static void read_commands(struct shell *shell, char closing);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static void step(struct shell *shell)
{
    if (*shell->at++ == '\n') {
        shell->line++;
        shell->line_start = shell->at;
    }
}

static void put(struct word *word, char c)
{
    if (word->length < WORD_SIZE - 1)
        word->text[word->length++] = c;
}

/* What is substituted is read for its commands, and stands in the word as it is written. */
static void read_substitution(struct shell *shell, struct word *word, size_t opening, char closing)
{
    const char *first = shell->at;

    for (size_t i = 0; i < opening; i++)
        step(shell);
    if (shell->depth < DEPTH_MAX) {
        shell->depth++;
        read_commands(shell, closing);
        shell->depth--;
    }
    for (; first < shell->at; first++)
        put(word, *first);
}

static bool at_substitution(const struct shell *shell)
{
    return shell->end - shell->at >= 2 && shell->at[0] == '$' && shell->at[1] == '(';
}

static void read_quoted(struct shell *shell, struct word *word, char closing)
{
    char quote = *shell->at;

    step(shell);
    while (shell->at < shell->end && *shell->at != quote) {
        if (quote == '"' && at_substitution(shell)) {
            read_substitution(shell, word, 2, ')');
            continue;
        }
        if (quote == '"' && *shell->at == '`' && closing != '`') {
            read_substitution(shell, word, 1, '`');
            continue;
        }
        if (quote == '"' && *shell->at == '\\' && shell->end - shell->at >= 2)
            step(shell);
        put(word, *shell->at);
        step(shell);
    }
    if (shell->at < shell->end)
        step(shell);
}

static bool ends_word(char c, char closing)
{
    return is_blank(c) || strchr("\n;|&<>()", c) != NULL || (closing == '`' && c == '`');
}

/* The word that begins here; false if there is none. */
static bool read_word(struct shell *shell, struct word *word, char closing)
{
    word->length = 0;
    word->first = shell->at;
    word->line = shell->line;
    word->column = (uint32_t)(shell->at - shell->line_start) + 1;
    while (shell->at < shell->end && !ends_word(*shell->at, closing)) {
        if (*shell->at == '"' || *shell->at == '\'') {
            read_quoted(shell, word, closing);
        } else if (at_substitution(shell)) {
            read_substitution(shell, word, 2, ')');
        } else if (*shell->at == '`') {
            read_substitution(shell, word, 1, '`');
        } else {
            if (*shell->at == '\\' && shell->end - shell->at >= 2)
                step(shell);
            put(word, *shell->at);
            step(shell);
        }
    }
    word->text[word->length] = '\0';
    word->last = shell->at;
    return word->last > word->first;
}

/* ---- files in the script ---- */

/* Where the output of a command goes; `*appended`: behind what is there. */
static const char *target_of(const struct visor_node *command, bool *appended)
{
    *appended = visor_node_child(command, ">>") != NULL;
    if (*appended)
        return visor_node_text(command, ">>");
    if (visor_node_child(command, ">"))
        return visor_node_text(command, ">");
    if (strcmp(command->name, "tee") != 0)
        return "";
    for (const struct visor_node *word = command->first; word; word = word->next) {
        *appended = *appended || strcmp(word->value, "-a") == 0;
        if (!*word->name && *word->value != '-')
            return word->value;
    }
    return "";
}

static void embed_heredoc(struct shell *shell, const struct heredoc *heredoc, const char *first,
                          const char *last, uint32_t line)
{
    bool appended = false;
    struct visor_embedded file = {.name = target_of(heredoc->command, &appended),
                                  .text = first,
                                  .size = (size_t)(last - first),
                                  .line = line};
    const char *name = heredoc->command->name;

    file.fragment = appended;
    file.kind = visor_lint_detect(file.name, file.text, file.size);
    if (file.kind == VISOR_KIND_UNKNOWN && !*file.name &&
        (strcmp(name, "sh") == 0 || strcmp(name, "bash") == 0 || strcmp(name, "ssh") == 0))
        file.kind = VISOR_KIND_SHELL;
    if (file.kind != VISOR_KIND_UNKNOWN)
        visor_scan_embed(shell->scan, &file);
}

/* The bodies that stand behind this line. */
static void read_heredocs(struct shell *shell)
{
    for (size_t i = 0; i < shell->heredoc_count; i++) {
        const struct heredoc *heredoc = &shell->heredocs[i];
        struct visor_lines lines = visor_lines_of(shell->at, (size_t)(shell->end - shell->at));
        size_t length = strlen(heredoc->delimiter);
        const char *first = shell->at, *last = shell->end;
        uint32_t line = shell->line;

        while (visor_lines_next(&lines)) {
            const char *text = lines.first;

            while (heredoc->strip && text < lines.last && *text == '\t')
                text++;
            if ((size_t)(lines.last - text) == length &&
                memcmp(text, heredoc->delimiter, length) == 0) {
                last = lines.first;
                break;
            }
        }
        shell->at = lines.at;
        shell->line += lines.number;
        shell->line_start = shell->at;
        embed_heredoc(shell, heredoc, first, last, line);
    }
    shell->heredoc_count = 0;
}

static void embed_echo(struct shell *shell, const struct visor_node *command)
{
    const struct visor_node *word = command->first;
    struct visor_embedded file = {.name = ""};
    bool appended;

    file.name = target_of(command, &appended);
    if (!*file.name)
        return;
    while (word && (*word->name || *word->value == '-'))
        word = word->next;
    if (!word)
        return;
    file.text = word->value;
    file.size = strlen(word->value);
    file.line = word->line - shell->scan->line;
    file.indentation = word->column - shell->scan->indentation; /* behind the quote */
    file.fragment = appended;
    file.kind = visor_lint_detect(file.name, file.text, file.size);
    if (file.kind != VISOR_KIND_UNKNOWN && file.kind != VISOR_KIND_CMDLINE)
        visor_scan_embed(shell->scan, &file);
}

/* ---- commands ---- */

static void end_command(struct shell *shell, struct command *command)
{
    struct visor_node *node = command->node;

    if (node) {
        const char *first = command->first, *last = command->last;
        const char *line = memchr(first, '\n', (size_t)(last - first));

        visor_scan_value(shell->scan, node, first, line ? line : last);
        if (strcmp(node->name, "echo") == 0 || strcmp(node->name, "printf") == 0)
            embed_echo(shell, node);
    }
    *command = (struct command){.node = NULL};
}

static bool is_reserved(const char *word)
{
    static const char *const words[] = {"if", "then", "elif",  "else",  "fi",
                                        "do", "done", "while", "until", "{",
                                        "}",  "!",    "esac",  "time",  "in"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static bool is_prefix(const char *word)
{
    return strcmp(word, "sudo") == 0 || strcmp(word, "exec") == 0 || strcmp(word, "nohup") == 0 ||
           strcmp(word, "env") == 0 || strcmp(word, "command") == 0 || strcmp(word, "nice") == 0;
}

static bool is_assignment(const char *word)
{
    const char *at = word;

    while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '_' ||
           (*at >= '0' && *at <= '9' && at > word))
        at++;
    return at > word && *at == '=';
}

static void take_assignment(struct shell *shell, const struct word *word)
{
    struct visor_embedded file = {.name = "",
                                  .kind = VISOR_KIND_GRUB,
                                  .text = word->first,
                                  .size = (size_t)(word->last - word->first),
                                  .line = word->line,
                                  .indentation = word->column - 1,
                                  .fragment = true};
    struct visor_node *node = visor_document_add(shell->scan->document, shell->scan->document->root,
                                                 "=", word->line, word->column);

    visor_scan_value(shell->scan, node, word->first, word->last);
    if (visor_begins(word->text, "GRUB_CMDLINE_LINUX"))
        visor_scan_embed(shell->scan, &file);
}

static void begin_command(struct shell *shell, struct command *command, const struct word *word)
{
    const char *slash = strrchr(word->text, '/'), *name = slash ? slash + 1 : word->text;

    if (is_reserved(word->text) || (command->prefixed && word->text[0] == '-'))
        return;
    if (is_prefix(name)) {
        command->prefixed = true;
    } else if (is_assignment(word->text)) {
        take_assignment(shell, word);
    } else {
        command->node = visor_document_add(shell->scan->document, shell->scan->document->root, name,
                                           word->line, word->column);
        command->first = word->first;
        command->last = word->last;
    }
}

static void take_word(struct shell *shell, struct command *command, const struct word *word,
                      const char *name)
{
    struct visor_node *node;

    if (!command->node) {
        if (!*name)
            begin_command(shell, command, word);
        return;
    }
    node = visor_document_add(shell->scan->document, command->node, name, word->line, word->column);
    visor_scan_value(shell->scan, node, word->text, word->text + word->length);
    command->last = word->last;
}

static void skip_blanks(struct shell *shell)
{
    while (shell->at < shell->end &&
           (is_blank(*shell->at) ||
            (*shell->at == '\\' && shell->end - shell->at >= 2 && shell->at[1] == '\n'))) {
        if (*shell->at == '\\')
            step(shell);
        step(shell);
    }
}

/* "<", ">", ">>", "<<", "<<-", "<<<", ">&", "<&", ">|": the operator and its word. */
static void take_redirection(struct shell *shell, struct command *command, struct word *word,
                             char closing)
{
    const char *first = shell->at;
    size_t length;
    bool here;

    while (shell->at < shell->end && strchr("<>&|-", *shell->at) && shell->at - first < 3 &&
           (shell->at == first || *shell->at != '-' || shell->at - first == 2))
        step(shell);
    length = (size_t)(shell->at - first);
    here = length >= 2 && first[0] == '<' && first[1] == '<' && (length < 3 || first[2] != '<');
    skip_blanks(shell);
    if (!read_word(shell, word, closing))
        return;
    if (!here) {
        bool output = first[0] == '>' && first[length - 1] != '&';

        if (output)
            take_word(shell, command, word, length >= 2 && first[1] == '>' ? ">>" : ">");
        return;
    }
    if (shell->heredoc_count < HEREDOCS_MAX && command->node && word->length < NAME_SIZE) {
        struct heredoc *heredoc = &shell->heredocs[shell->heredoc_count++];

        memcpy(heredoc->delimiter, word->text, word->length + 1);
        heredoc->strip = length >= 3;
        heredoc->command = command->node;
    }
}

static bool is_number(const struct word *word)
{
    return word->length > 0 && strspn(word->text, "0123456789") == word->length;
}

static void take_plain(struct shell *shell, struct command *command, struct word *word,
                       char closing)
{
    const char *before = shell->at;

    if (!read_word(shell, word, closing)) {
        if (shell->at == before)
            step(shell);
        return;
    }
    if (is_number(word) && shell->at < shell->end && (*shell->at == '<' || *shell->at == '>'))
        return; /* 2>&1 */
    take_word(shell, command, word, "");
}

/* Reads up to the unmatched `closing`, which is taken; 0: to the end. */
static void read_commands(struct shell *shell, char closing)
{
    struct command command = {.node = NULL};
    struct word word;
    unsigned open = 0;

    for (;;) {
        char c;

        skip_blanks(shell);
        if (shell->at >= shell->end)
            break;
        c = *shell->at;
        if (closing && c == closing && open == 0) {
            step(shell);
            break;
        }
        if (c == '#') {
            while (shell->at < shell->end && *shell->at != '\n')
                shell->at++;
        } else if (c == '\n') {
            end_command(shell, &command);
            step(shell);
            read_heredocs(shell);
        } else if (strchr(";|&()", c)) {
            end_command(shell, &command);
            open += c == '(';
            open -= c == ')' && open > 0;
            step(shell);
        } else if (c == '<' || c == '>') {
            take_redirection(shell, &command, &word, closing);
        } else {
            take_plain(shell, &command, &word, closing);
        }
    }
    end_command(shell, &command);
}

void visor_read_shell(struct visor_scan *scan)
{
    struct shell shell = {.scan = scan,
                          .at = scan->text,
                          .end = scan->text + scan->size,
                          .line_start = scan->text,
                          .line = 1};

    read_commands(&shell, 0);
}
