! Arrays of Fortran in every thread: with bounds, of several dimensions, pointers and allocatables, whole and in steps.
module arrays
  implicit none
  type point
    integer :: x = 1
    integer, allocatable :: trail(:)
    real(8), pointer :: view(:) => null()
  end type
  integer, save :: fixed(5) = 7
  integer, save :: from_minus(-1:2) = 8
  integer, save :: matrix(2, 3) = 0
  integer, save :: cube(2, 2, 2) = 0
  real(8), pointer, save :: table(:) => null()
  integer, allocatable, save :: scratch(:)
  integer, allocatable, save :: grid(:, :)
  integer, pointer, save :: steps(:) => null()
  integer, pointer, save :: backwards(:) => null()
  character(8), save :: label = 'idle'
  type(point), save :: place
  !$omp threadprivate(fixed, from_minus, matrix, cube, table, scratch, grid, steps, backwards, label, place)
  integer, target, save :: numbers(10) = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
end module

program main
  use omp_lib
  use arrays
  implicit none
  interface
    subroutine c_abort() bind(c, name="abort")
    end subroutine
    integer function gettid() bind(c, name="gettid")
    end function
  end interface
  integer :: i, j
  call omp_set_num_threads(3)
  !$omp parallel private(i, j)
  i = omp_get_thread_num()
  fixed = [(10 * i + j, j = 1, 5)]
  from_minus = [(20 * i + j, j = 1, 4)]
  matrix = reshape([(100 * i + j, j = 1, 6)], [2, 3])
  cube = reshape([(200 * i + j, j = 1, 8)], [2, 2, 2])
  if (i /= 2) then
    allocate (table(0:2)); table = [1.5d0 + i, 2.5d0, 3.5d0]
    allocate (grid(2, 3)); grid = reshape([(1000 * i + j, j = 1, 6)], [2, 3])
    steps => numbers(1:10:3)
    backwards => numbers(4:1:-1)
    allocate (place%trail(2)); place%trail = [i, i + 1]
  end if
  if (i == 1) then
    allocate (scratch(3:7)); scratch = [(30 + j, j = 3, 7)]
    place%view => table
  end if
  label = 'worker'
  !$omp critical
  print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' fixed', fixed
  print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' from_minus', from_minus
  print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' matrix', matrix
  print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' cube', cube
  print '(a, i0, a, i0)', 'truth ', gettid(), ' from_minus[2] ', from_minus(2)
  print '(a, i0, a, i0)', 'truth ', gettid(), ' matrix[3][1] ', matrix(1, 3)
  if (associated(table)) then
    print '(a, i0, a, *(1x, f0.1))', 'truth ', gettid(), ' table', table
    print '(a, i0, a, f0.1)', 'truth ', gettid(), ' table[0] ', table(lbound(table))
    print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' grid', grid
    print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' steps', steps
    print '(a, i0, a, i0)', 'truth ', gettid(), ' steps[4] ', steps(4)
    print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' backwards', backwards
    print '(a, i0, a, i0)', 'truth ', gettid(), ' backwards[3] ', backwards(3)
    print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' place%trail', place%trail
  else
    print '(a, i0, a)', ('truth ', gettid(), ' table', 'truth ', gettid(), ' table[0]', 'truth ', gettid(), ' grid', &
      'truth ', gettid(), ' steps', 'truth ', gettid(), ' steps[4]', 'truth ', gettid(), ' backwards', &
      'truth ', gettid(), ' backwards[3]', 'truth ', gettid(), ' place%trail', j = 1, 1)
  end if
  if (allocated(scratch)) then
    print '(a, i0, a, *(1x, i0))', 'truth ', gettid(), ' scratch', scratch
    print '(a, i0, a, i0)', 'truth ', gettid(), ' scratch[7] ', scratch(7)
    print '(a, i0, a, *(1x, f0.1))', 'truth ', gettid(), ' place%view', place%view
  else
    print '(a, i0, a)', ('truth ', gettid(), ' scratch', 'truth ', gettid(), ' scratch[7]', &
      'truth ', gettid(), ' place%view', j = 1, 1)
  end if
  flush (6)
  !$omp end critical
  !$omp barrier
  if (i == 0) call c_abort()
  !$omp barrier
  !$omp end parallel
end program
