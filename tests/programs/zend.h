/* What PHP's own headers have (Zend/zend_globals.h, zend_compile.h, zend_types.h, main/SAPI.h), as far as the macros
 * that gdb-tls ships for it go into them. */
#ifndef ZEND_H
#define ZEND_H

#include <stddef.h>
#include <stdint.h>

typedef struct _zend_string {
    uint64_t head[2];
    size_t len;
    char val[1];
} zend_string;
typedef struct _zend_op {
    const void *handler;
    uint32_t operands[4];
    uint32_t lineno;
} zend_op;
/* The numbers are PHP's. */
enum { ZEND_INTERNAL_FUNCTION = 1, ZEND_USER_FUNCTION = 2 };
typedef union _zend_function {
    uint8_t type;
    struct {
        uint8_t type, flags[7];
        zend_string *function_name;
    } common;
    struct {
        uint8_t type, flags[7];
        zend_string *function_name;
        zend_string *filename;
    } op_array;
} zend_function;
typedef struct _zend_execute_data {
    const zend_op *opline;
    struct _zend_execute_data *call;
    zend_function *func;
    struct _zend_execute_data *prev_execute_data;
} zend_execute_data;
typedef struct _zend_executor_globals {
    uint64_t before[5];
    zend_execute_data *current_execute_data;
    void *exception;
} zend_executor_globals;
typedef struct _sapi_globals_struct {
    void *server_context;
    struct {
        const char *request_method;
        char *request_uri;
    } request_info;
} sapi_globals_struct;

extern __thread void *_tsrm_ls_cache;
zend_executor_globals *executor(void);
sapi_globals_struct *sapi(void);

#endif
