/* The library whose constructor never ends (see stuck.c). */
void stuck_here(void);

static void __attribute__((constructor)) construct(void) {
    stuck_here();
}
