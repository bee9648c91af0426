package cur

import "reflect"

// fresh is make for a table that is read before it is written, as hash tables are. Memory
// that is new to the process and is read first is a page of zeros that all share; at the
// first write the system has to put another page in its place and to tell every processor
// so, which costs two workers as much as a fifth of a job. So each page is written to here.
func fresh[T any](n int) []T {
	const page = 4096
	s := make([]T, n)
	var zero T
	for i := 0; i < n; i += max(1, page/int(max(1, reflect.TypeFor[T]().Size()))) {
		s[i] = zero
	}
	return s
}
