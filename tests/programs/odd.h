/* Declarations of what odd_defined.c defines: a debugger may find these first. */
extern __thread int odd_declared;
