/* Threads that run PHP: each says what `tls-table @php` has to say of it. */
#include "truth.h"
#include "zend.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 3, IDLE = 2 };

static zend_string *string(const char *text) {
    zend_string *made = calloc(1, sizeof *made + strlen(text));
    made->len = strlen(text);
    strcpy(made->val, text);
    return made;
}

static zend_execute_data *call(const char *name, unsigned number, zend_execute_data *caller) {
    zend_op *line = calloc(1, sizeof *line);
    line->lineno = number;
    zend_function *function = calloc(1, sizeof *function);
    function->type = number ? ZEND_USER_FUNCTION : ZEND_INTERNAL_FUNCTION;
    function->op_array.function_name = string(name);
    function->op_array.filename = number ? string("/srv/chat.php") : (zend_string *)8;
    zend_execute_data *data = calloc(1, sizeof *data);
    *data = (zend_execute_data){number ? line : NULL, NULL, function, caller};
    return data;
}

static void begin(int number) {
    static const char *const functions[] = {"main", "handle", "idle", "push"};
    static const char *const uris[] = {"", "/chat", "", "/send?to=1,2"};
    _tsrm_ls_cache = calloc(1, 1024);
    sapi()->request_info.request_uri = strdup(uris[number]);
    if (number == IDLE)
        return;
    zend_execute_data *data = call(functions[number], 40 + (unsigned)number, NULL);
    /* One is in a function that is written in C, which has neither a file nor a line. */
    executor()->current_execute_data = number == 3 ? call("json_encode", 0, data) : data;
    executor()->exception = number == 3 ? data : NULL;
}

/* The truth of a text is its characters, which no thread-local variable has itself. */
static void describe(int number) {
    begin(number);
    truth_number((struct truth_name){"request_uri", "", "zend"}, NULL, "\"%s\"", sapi()->request_info.request_uri);
    if (number == IDLE)
        return;
    zend_execute_data *data = executor()->current_execute_data;
    truth_number((struct truth_name){"function", "", "zend"}, NULL, "\"%s\"", data->func->common.function_name->val);
    if (data->func->type == ZEND_INTERNAL_FUNCTION)
        data = data->prev_execute_data;
    truth_number((struct truth_name){"file", "", "zend"}, NULL, "\"%s\"", data->func->op_array.filename->val);
    truth_number((struct truth_name){"line", "", "zend"}, NULL, "%u", data->opline->lineno);
    truth_number((struct truth_name){"exception", "", "zend"}, NULL, "%d", executor()->exception != NULL);
}

static void *serve(void *argument) {
    truth_step();
    describe(*(int *)argument);
    truth_park();
}

int main(int argc, char **argv) {
    static int numbers[WORKERS + 1];
    pthread_t last = pthread_self();
    truth_begin(argc, argv, WORKERS + 1);
    void *extension = truth_open("libzend_extension.so");
    for (int i = 1; i <= WORKERS; i++) {
        char name[] = {'p', 'h', 'p', '-', (char)('0' + i), '\0'};
        numbers[i] = i;
        last = truth_spawn(name, serve, &numbers[i]);
    }
    truth_step();
    describe(0);
    /* The main thread alone uses the extension. */
    void **(*cache)(void);
    *(void **)&cache = dlsym(extension, "extension_cache");
    truth_require(cache != NULL);
    *cache() = _tsrm_ls_cache;
    truth_ready(WORKERS, last);
}
