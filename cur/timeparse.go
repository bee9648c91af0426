package cur

import (
	"errors"
	"strings"
	"time"
)

var errTime = errors.New("not a time of a cost and usage report")

// parseTime reads the times found in reports of all generations:
// `2026-04-01T00:00:00Z`, the same with milliseconds, Athena's
// `2022-07-01 00:00:00.000`, and a bare date. All are UTC. It allocates nothing,
// for it runs several times per row.
func parseTime(s string) (time.Time, error) {
	num := func(from, to int) int {
		n := 0
		for i := from; i < to; i++ {
			c := s[i] - '0'
			if c > 9 {
				return -1
			}
			n = n*10 + int(c)
		}
		return n
	}
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return time.Time{}, errTime
	}
	y, mo, d := num(0, 4), num(5, 7), num(8, 10)
	var h, mi, sec, nsec int
	if rest := s[10:]; rest != "" {
		if len(rest) < 9 || rest[0] != 'T' && rest[0] != ' ' || rest[3] != ':' || rest[6] != ':' {
			return time.Time{}, errTime
		}
		h, mi, sec = num(11, 13), num(14, 16), num(17, 19)
		tail := strings.TrimSuffix(strings.TrimSuffix(rest[9:], "Z"), " UTC")
		if tail != "" {
			if tail[0] != '.' || len(tail) < 2 || len(tail) > 10 {
				return time.Time{}, errTime
			}
			scale := 1_000_000_000
			for i := 1; i < len(tail); i++ {
				c := tail[i] - '0'
				if c > 9 {
					return time.Time{}, errTime
				}
				scale /= 10
				nsec += int(c) * scale
			}
		}
	}
	// Years before 1970 do not occur in bills and would not fit a bucket.
	if y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 {
		return time.Time{}, errTime
	}
	t := time.Date(y, time.Month(mo), d, h, mi, sec, nsec, time.UTC)
	if t.Day() != d { // 31 April
		return time.Time{}, errTime
	}
	return t, nil
}

// parseInterval reads `start/end`.
func parseInterval(s string) (start, end time.Time, err error) {
	a, b, ok := strings.Cut(s, "/")
	if !ok {
		return start, end, errTime
	}
	if start, err = parseTime(a); err != nil {
		return start, end, err
	}
	if end, err = parseTime(b); err != nil {
		return start, end, err
	}
	if end.Before(start) {
		return start, end, errors.New("interval ends before it starts")
	}
	return start, end, nil
}
