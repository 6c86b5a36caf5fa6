/* Names and values that are hostile to whatever displays them: markup, escape sequences, line ends. */
#include "truth.h"

#include <sys/prctl.h>

static __thread const char *hostile_text;

static const char *const NAMES[] = {"<b>x", "\033[31mred", "[bold]x", "a\nb\t\177", "\303\244\377"};
enum { THREADS = sizeof NAMES / sizeof *NAMES };

static void describe(const char *text) {
    hostile_text = text;
    truth_pointer((struct truth_name){"hostile_text", "hostile_text", "hostile"}, &hostile_text, "");
}

static void *worker(void *name) {
    describe(name);
    truth_park();
}

int main(int argc, char **argv) {
    pthread_t aborting = pthread_self();
    truth_begin(argc, argv, 1);
    prctl(PR_SET_NAME, "<i>\033[2J[/]");
    for (int i = 0; i < THREADS; i++)
        aborting = truth_spawn(NAMES[i], worker, (void *)NAMES[i]);
    describe("\033]0;title\007[red]text[/red]</td>\n\r");
    truth_ready(THREADS, aborting);
}
