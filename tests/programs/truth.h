/* What a test program says about itself, to be compared with what tls-inspect finds from outside.
 *
 * A program is run as `PROGRAM --truth FILE --mode wait|abort`. It starts its threads with
 * truth_spawn, keeps them in step with truth_step, and each thread describes its own instance of every
 * thread-local variable with one of the functions below, one line of JSON each. At the end every thread is
 * in truth_park, and main in truth_ready, which prints "ready" and waits, or makes one thread abort.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <pthread.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the programs' thread-local pointers point to. */
struct buffer {
    const char *str;
    long length;
};

/* What a library made of slots.c has: two thread-local variables, NAME_buffer and NAME_count. */
struct slots {
    struct buffer **buffer;
    int *count;
};

/* A variable as the user types it, the name of its symbol, and the last part of its module's path. */
struct truth_name {
    const char *variable;
    const char *linkage;
    const char *module;
};

/* Reads the arguments; `threads` is how many take part in every truth_step, main included. */
void truth_begin(int argc, char **argv, unsigned threads);

/* Starts a thread with a small stack, and returns once it runs under its name. */
pthread_t truth_spawn(const char *name, void *(*body)(void *), void *argument);

/* Waits until every thread has come here. */
void truth_step(void);

/* The calling thread will end without being joined: its lines have the flag "exited". At most one does. */
void truth_will_end(void);

/* A thread which has said everything waits here until the process ends. */
void truth_park(void) __attribute__((noreturn));

/* main: once `parked` threads are parked, all others wait and the file is on disk, prints "ready" and waits,
 * or, with --mode abort, makes the given thread abort. */
void truth_ready(unsigned parked, pthread_t aborting) __attribute__((noreturn));

/* The same, for a process whose main thread has another end: writes the file, and says "ready". */
void truth_sync(void);
void truth_say_ready(void);
int truth_aborts(void);

/* A pointer variable: `null` or `set`, as it is. `flags` are words with spaces between. */
void truth_pointer(struct truth_name name, const void *address, const char *flags);

/* Something that owns `owned`, null included: a unique_ptr, a string, a vector. */
void truth_owner(struct truth_name name, const void *address, const void *owned, const char *flags);

/* A number: `format` and what follows it give its JSON text. */
void truth_number(struct truth_name name, const void *address, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A structure or an array: set, without a value of its own. */
void truth_object(struct truth_name name, const void *address);

/* A variable in a module which this thread has not touched: its address must not be taken. */
void truth_untouched(struct truth_name name);

/* An object of a class with a constructor that has not run in this thread. */
void truth_unmade(struct truth_name name, const void *address);

/* A path through a null pointer. */
void truth_null_path(struct truth_name name);

/* Both variables of a library made of slots.c; `slots` is null when this thread did not touch it. */
void truth_slots(const char *prefix, const char *module, const struct slots *slots);
/* The same where the name does not say which module it is: its id goes into the lines. */
void truth_slots_in(size_t module_id, const char *prefix, const char *module, const struct slots *slots);

/* dlopen of a library beside the executable; the address of its touch(), which takes the addresses of
 * its variables in the calling thread, and by that allocates the block there. */
typedef struct slots touch_function(void);
void *truth_open(const char *library);
/* The same, and dlsym(RTLD_DEFAULT) finds its symbols. */
void *truth_open_global(const char *library);
touch_function *truth_touch(void *library);
/* The path of a file beside the executable. */
const char *truth_beside(const char *file);
/* The module id of a library, and its block in the calling thread, which is not allocated by asking. */
size_t truth_module_id(void *library);
void *truth_block(void *library);

/* What the calling thread's TLS is addressed from. */
unsigned long truth_thread_pointer(void);

/* Ends the program when what a test stands on is not so. */
#define truth_require(condition) \
    ((condition) ? (void)0 : truth_failed(#condition, __FILE__, __LINE__))
void truth_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
