/* Expressions over thread-local variables: each thread says what every expression is for it. */
#include "truth.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4, IDLE = 3, SHORT = 4 };

/* As PHP built for threads has its globals: a block for each thread, and offsets that all have in common. */
struct zend_execute_data {
    const char *function;
    struct zend_execute_data *prev_execute_data;
};
typedef struct _zend_executor_globals {
    long error_reporting;
    struct zend_execute_data *current_execute_data;
} zend_executor_globals;
__thread void *_tsrm_ls_cache;
size_t executor_globals_offset = 48;

enum phase { WAITING, READING = 5 };
struct request {
    int id;
    enum phase phase;
    char path[16];
    double seconds;
    struct request *next;
};
static __thread struct request *request;
static __thread long counter = 1;
static __thread int values[4];
__thread unsigned char small;

/* No thread's own. */
int total = 1000;
volatile int called;
struct request last_request;

int call_me(int number);
static void *library;

/* Names of thread-local variables are in the macros. */
#define EG(member) (((zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset))->member)
#define TWICE(number) ((number) * 2)

#define SAY(expression, format) \
    truth_number((struct truth_name){#expression, "", "table"}, NULL, format, expression)

static void describe(int number) {
    if (number != SHORT) {
        struct slots slots = truth_touch(library)();
        *slots.count = number * 3;
    }
    counter = number * 7 - 3;
    small = (unsigned char)(250 + number);
    for (int i = 0; i < 4; i++)
        values[i] = 10 * number + i;
    if (number != IDLE) {
        request = calloc(1, sizeof *request);
        request->id = 100 + number;
        request->phase = number % 2 ? READING : WAITING;
        request->seconds = number / 4.0;
        strcpy(request->path, number == 2 ? "/a,b" : "/index");
    }
    _tsrm_ls_cache = calloc(1, executor_globals_offset + sizeof(zend_executor_globals));
    ((zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset))->error_reporting = 30 + number;
    struct zend_execute_data *data = calloc(1, sizeof *data);
    data->function = number ? "handle" : "main";
    ((zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset))->current_execute_data = data;

    SAY(counter, "%ld");
    SAY(EG(error_reporting), "%ld");
    SAY(EG(current_execute_data)->function[0] + TWICE(counter), "%ld");
    SAY(counter * 2 + total, "%ld");
    SAY(values[2], "%d");
    SAY(values[counter & 3], "%d");
    SAY(small + 10, "%d");
    SAY(((zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset))->error_reporting, "%ld");
    SAY(((zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset))->current_execute_data->function[0], "%d");
    if (number != IDLE) {
        SAY(request->id, "%d");
        SAY(request->seconds * 2, "%g");
        SAY((request->id % 2 ? total : counter), "%ld");
        SAY(request->path[1] == 'a', "%d");
    }
}

static void *serve(void *argument) {
    truth_step();
    describe(*(int *)argument);
    truth_park();
}

/* Behind serve: where a call that does not return ends a file's code GDB 13 has no macros of the file. */
int call_me(int number) {
    called = called + 1;
    return number;
}

int main(int argc, char **argv) {
    static int numbers[WORKERS + 1];
    pthread_t last = pthread_self();
    truth_begin(argc, argv, WORKERS + 1);
    library = truth_open("liblate_gd.so");
    for (int i = 1; i <= WORKERS; i++) {
        char name[] = {'w', 'o', 'r', 'k', 'e', 'r', '-', (char)('0' + i), '\0'};
        numbers[i] = i;
        last = truth_spawn(name, serve, &numbers[i]);
    }
    truth_step();
    describe(0);
    truth_ready(WORKERS, last);
}
