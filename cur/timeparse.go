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
func parseTime[T string | []byte](s T) (time.Time, error) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return time.Time{}, errTime
	}
	y, mo, d := digits(s, 0, 4), digits(s, 5, 7), digits(s, 8, 10)
	var h, mi, sec, nsec int
	if n := len(s); n > 10 {
		if n < 19 || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
			return time.Time{}, errTime
		}
		h, mi, sec = digits(s, 11, 13), digits(s, 14, 16), digits(s, 17, 19)
		switch {
		case s[n-1] == 'Z':
			n--
		case n >= 23 && string(s[n-4:]) == " UTC":
			n -= 4
		}
		if n > 19 {
			if s[19] != '.' || n < 21 || n > 29 {
				return time.Time{}, errTime
			}
			nsec = digits(s, 20, n)
			for i := n; i < 29; i++ {
				nsec *= 10
			}
		}
	}
	// Years before 1970 do not occur in bills and would not fit a bucket.
	if y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 ||
		sec < 0 || sec > 59 || nsec < 0 {
		return time.Time{}, errTime
	}
	t := time.Date(y, time.Month(mo), d, h, mi, sec, nsec, time.UTC)
	if d > 28 && t.Day() != d { // 31 April
		return time.Time{}, errTime
	}
	return t, nil
}

// digits reads at most nine digits, or returns -1.
func digits[T string | []byte](s T, from, to int) int {
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

// parseInterval reads `start/end`.
func parseInterval(s string) (v interval, err error) {
	a, b, ok := strings.Cut(s, "/")
	if !ok {
		return v, errTime
	}
	if v.start, err = parseTime(a); err != nil {
		return v, err
	}
	if v.end, err = parseTime(b); err != nil {
		return v, err
	}
	if v.end.Before(v.start) {
		return v, errBackward
	}
	return v, nil
}

type interval struct{ start, end time.Time }

// intervals remembers the intervals of a report: a month has few of them and
// every row names one.
type intervals map[string]interval

func (m *intervals) parse(s string) (interval, error) {
	if v, ok := (*m)[s]; ok {
		return v, nil
	}
	v, err := parseInterval(s)
	if err != nil {
		return v, err
	}
	if *m == nil || len(*m) >= 1024 {
		*m = make(intervals)
	}
	(*m)[s] = v
	return v, nil
}
