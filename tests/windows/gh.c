/* gh.exe for the tests under wine: keeps the token of its login in a file, as gh does without a keyring. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char name[1024], token[4096] = "";
    const char *directory = getenv("GH_CONFIG_DIR");
    FILE *file;

    if (argc == 2 && !strcmp(argv[1], "--version")) {
        puts("gh version 2.60.0 (2024-10-30)");
        return 0;
    }
    if (argc < 3 || !directory || strcmp(argv[1], "auth"))
        return 2;
    snprintf(name, sizeof(name), "%s\\token", directory);
    if (!strcmp(argv[2], "login")) {
        if (!fgets(token, sizeof(token), stdin) || !(file = fopen(name, "w")))
            return 1;
        fputs(token, file);
        fclose(file);
        return 0;
    }
    if (!(file = fopen(name, "r")) || !fgets(token, sizeof(token), file))
        return 1;
    fputs(token, stdout);
    return 0;
}
