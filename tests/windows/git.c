/*
 * git.exe for the tests under wine, where there is no git for Windows: runs this machine's git, with the paths and the
 * variables that it was given in Windows' words put into its own. wine starts the programs of its host, but gives them no
 * pipes and tells nobody how they end: files hold all of that.
 */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

extern char **environ;

static char base[MAX_PATH];

/* A file of this run. */
static char *name(const char *end)
{
    static char names[8][MAX_PATH];
    static int next;
    char *file = names[next++ % 8];

    snprintf(file, MAX_PATH, "%s.%s", base, end);
    return file;
}

/* Unix' name of a path of Windows; other texts, and paths as git's configuration holds them, as they are. */
static void put_word(FILE *script, const char *text)
{
    int is_path = text[0] && text[1] == ':' && text[2] == '\\';
    fputc('\'', script);
    if (is_path) {
        if ((text[0] | 32) == 'c')
            fprintf(script, "%s/drive_c", getenv("WINEPREFIX"));
        text += 2;
    }
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", script);
        else
            fputc(is_path && *text == '\\' ? '/' : *text, script);
    }
    fputc('\'', script);
}

/* Copies to the end. */
static void copy(FILE *from, FILE *to)
{
    char buffer[4096];
    size_t length;

    while (from && to && (length = fread(buffer, 1, sizeof(buffer), from)) > 0)
        fwrite(buffer, 1, length, to);
}

static void write_script(int argc, char **argv)
{
    static const char *redirections[][2] = { { " <", "in" }, { " >", "out" }, { " 2>", "err" } };
    char here[MAX_PATH];
    FILE *script = fopen(name("sh"), "wb");
    int i;

    if (!script)
        exit(126);
    GetCurrentDirectoryA(sizeof(here), here);
    fputs("cd ", script);
    put_word(script, here);
    for (i = 0; environ[i]; i++) {
        char *value = strchr(environ[i], '=') + 1;
        if (strncmp(environ[i], "GIT", 3) && strncmp(environ[i], "LC_ALL", 6))
            continue;
        fprintf(script, "\nexport %.*s", (int)(value - environ[i]), environ[i]);
        put_word(script, value);
    }
    fputs("\ngit", script);
    for (i = 1; i < argc; i++) {
        fputc(' ', script);
        put_word(script, argv[i]);
    }
    for (i = 0; i < 3; i++) {
        fputs(redirections[i][0], script);
        put_word(script, name(redirections[i][1]));
    }
    fputs("\necho $? > ", script);
    put_word(script, name("new"));
    fputs("\nmv ", script);
    put_word(script, name("new"));
    fputc(' ', script);
    put_word(script, name("code"));
    fclose(script);
}

int main(int argc, char **argv)
{
    static const char *ends[] = { "sh", "in", "out", "err", "code" };
    char directory[MAX_PATH - 32], line[2 * MAX_PATH], *c;
    STARTUPINFOA startup = { sizeof(startup) };
    PROCESS_INFORMATION process;
    FILE *file;
    int i, status = 124;

    _fmode = _O_BINARY;
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    _setmode(2, _O_BINARY);
    GetTempPathA(sizeof(directory), directory);
    snprintf(base, sizeof(base), "%sgit-%lu", directory, GetCurrentProcessId());
    file = fopen(name("in"), "wb");
    copy(stdin, file);
    fclose(file);
    write_script(argc, argv);
    snprintf(line, sizeof(line), "Z:\\bin\\sh %s/drive_c%s", getenv("WINEPREFIX"), name("sh") + 2);
    for (c = strchr(line, '/'); *c; c++)
        if (*c == '\\')
            *c = '/';
    startup.dwFlags = STARTF_USESTDHANDLES;
    if (!CreateProcessA("Z:\\bin\\sh", line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process))
        return 127;
    for (i = 0, file = NULL; i < 3000 && !(file = fopen(name("code"), "rb")); i++)
        Sleep(10);
    if (file && fscanf(file, "%d", &status) != 1)
        status = 125;
    if (file)
        fclose(file);
    copy(file = fopen(name("out"), "rb"), stdout);
    fclose(file);
    copy(file = fopen(name("err"), "rb"), stderr);
    fclose(file);
    for (i = 0; i < 5; i++)
        DeleteFileA(name(ends[i]));
    return status;
}
