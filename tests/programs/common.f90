! Thread-local variables as gfortran makes them: of a module, of a procedure, and members of a common block, which
! share one symbol.  Each thread says what is true of it; then the first one aborts.
module common_state
  implicit none
  integer :: hits = 5
  !$omp threadprivate(hits)
end module common_state

program common
  use omp_lib
  use common_state
  use iso_c_binding
  implicit none
  interface
    subroutine c_abort() bind(c, name="abort")
    end subroutine
  end interface
  integer :: first, i
  real(8) :: second
  common /blk/ first, second
  integer, save :: mine = 3
  !$omp threadprivate(/blk/, mine)
  call omp_set_num_threads(3)
  !$omp parallel private(i)
  i = omp_get_thread_num()
  hits = 100 + i
  first = 200 + i
  second = 300.5d0 + i
  mine = 400 + i
  !$omp critical
  print '(a, 3(1x, i0), 1x, f0.1)', 'truth', hits, mine, first, second
  flush(6)
  !$omp end critical
  !$omp barrier
  if (i == 0) call c_abort()
  !$omp barrier
  !$omp end parallel
end program
