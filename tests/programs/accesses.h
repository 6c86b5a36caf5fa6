/* What the sources of tests/integration/code share. */
struct item {
    long number;
    struct item *next;
    char *text;
};

#ifdef __cplusplus
extern "C" {
#endif
void sink(const void *pointer);
void sink_two(int number, const void *pointer);
void sink_double(double number);
struct item *make(void);
void stop(void) __attribute__((noreturn));
#ifdef __cplusplus
}
#endif
