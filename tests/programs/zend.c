/* PHP's globals as it is built for threads: Zend/zend.c and TSRM.c give each thread a block, and all globals are at
 * offsets in it that all threads have in common. */
#include "zend.h"

__thread void *_tsrm_ls_cache;
size_t executor_globals_offset = 64;
size_t sapi_globals_offset = 512;

zend_executor_globals *executor(void) {
    return (zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset);
}

sapi_globals_struct *sapi(void) {
    return (sapi_globals_struct *)((char *)_tsrm_ls_cache + sapi_globals_offset);
}
