/* An extension of PHP's: it has a _tsrm_ls_cache of its own, which only the threads set that use it. */
static __thread void *_tsrm_ls_cache;

void **extension_cache(void);
void **extension_cache(void) {
    return &_tsrm_ls_cache;
}
