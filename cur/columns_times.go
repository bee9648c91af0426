package cur

import (
	"math"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// time resolves a time as parquetDecoder.time does.
func (w *columnWorker) time(col int, v *colscan.Value) (time.Time, error) {
	c := w.plan.cols[col]
	if v.Null() {
		return time.Time{}, nil
	}
	if c.Kind != colscan.Timestamp {
		b, err := v.Text()
		if err != nil || len(b) == 0 {
			return time.Time{}, err
		}
		return parseTime(b)
	}
	t, err := v.Time()
	if err != nil || t.Unix() == 0 && w.plan.dec.blankIsZero(col) {
		return time.Time{}, err
	}
	if t.Unix() < 0 || t.Year() > 9999 {
		return time.Time{}, errTime
	}
	return t, nil
}

// noTime stands for a time that is not there, among nanoseconds since 1970.
const noTime = math.MinInt64

// nanos returns t as nanoseconds since 1970. Times that do not fit are left to
// the row path.
func nanos(t time.Time) (int64, error) {
	switch s := t.Unix(); {
	case t.IsZero():
		return noTime, nil
	case s < 0 || s > 9e9:
		return 0, errDecline
	}
	return t.UnixNano(), nil
}

func timeAt(n int64) time.Time {
	if n == noTime {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// times reads the times of a set and finds bucket and month of each row.
func (w *columnWorker) times(set *rowSet) error {
	n := len(set.rows)
	iv, err := w.intervals(set)
	if err != nil {
		return err
	}
	start, err := w.instants(w.plan.start, set, w.starts, &w.start)
	if err != nil {
		return err
	}
	end, err := w.instants(w.plan.end, set, w.ends, &w.end)
	if err != nil {
		return err
	}
	same := iv && start && end
	for i := range n {
		if same && i > 0 {
			w.buckets[i], w.timeMonths[i] = w.buckets[0], w.timeMonths[0]
			continue
		}
		k := [4]int64{w.ivs[i][0], w.ivs[i][1], w.starts[i], w.ends[i]}
		h := uint64(k[0])*0x9e3779b97f4a7c15 ^ uint64(k[2])*0xff51afd7ed558ccd ^ uint64(k[3])*0xc4ceb9fe1a85ec53
		c := &w.timeCells[h>>52]
		if c.bucket == 0 || c.key != k { // a bucket has a span, so it is not 0
			if err := w.timeCell(c, k); err != nil {
				return err
			}
		}
		w.buckets[i], w.timeMonths[i] = c.bucket, c.month
	}
	return nil
}

// intervals reads the billing intervals of a set.
func (w *columnWorker) intervals(set *rowSet) (same bool, err error) {
	col := w.plan.row.interval
	if col < 0 {
		for i := range set.rows {
			w.ivs[i] = [2]int64{noTime, noTime}
		}
		return true, nil
	}
	return resolve(w, col, set, w.ivs, &w.interval, func(v *colscan.Value) (out [2]int64, err error) {
		b, err := v.Text()
		if err != nil || len(b) == 0 {
			return [2]int64{noTime, noTime}, err
		}
		iv, err := parseInterval(string(b))
		if err == nil {
			out[0], err = nanos(iv.start)
		}
		if err == nil {
			out[1], err = nanos(iv.end)
		}
		return out, err
	})
}

// instants reads a column of times, which may be missing.
func (w *columnWorker) instants(col int, set *rowSet, dst []int64, m *colscan.Memo[int64]) (same bool, err error) {
	if col < 0 {
		for i := range set.rows {
			dst[i] = noTime
		}
		return true, nil
	}
	return resolve(w, col, set, dst, m, func(v *colscan.Value) (int64, error) {
		t, err := w.time(col, v)
		if err != nil {
			return 0, err
		}
		return nanos(t)
	})
}

// timeCell works out what times come to.
func (w *columnWorker) timeCell(c *timeCell, k [4]int64) error {
	li := LineItem{IntervalStart: timeAt(k[0]), IntervalEnd: timeAt(k[1]), UsageStart: timeAt(k[2]), UsageEnd: timeAt(k[3])}
	first := li.IntervalStart
	if first.IsZero() {
		first = li.UsageStart
	}
	if first.IsZero() {
		return errNoTime
	}
	b := bucketOf(&li, w.run.Bucket)
	if b == (Bucket{}) {
		return errDecline
	}
	*c = timeCell{k, uint32(b.Start/3600)<<2 | uint32(b.Span), MonthOf(first)}
	return nil
}
