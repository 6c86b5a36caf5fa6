/* A library that dlopen maps and then gives up: it needs what nobody has. */
extern void nobody_has_this(void);

void broken_call(void) {
    nobody_has_this();
}
