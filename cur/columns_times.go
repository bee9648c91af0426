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
	iv, err := w.intervalsOf(set)
	if err != nil {
		return err
	}
	if w.plan.lazyTimes {
		if ok, err := w.byInterval(n, iv); ok || err != nil {
			return err
		}
	}
	start, err := w.instants(w.plan.start, set, w.starts, &w.start)
	if err != nil {
		return err
	}
	end, err := w.instants(w.plan.end, set, w.ends, &w.end)
	if err != nil {
		return err
	}
	if w.bucketSame = iv && start && end; w.bucketSame {
		n = 1
	}
	ivs, starts, ends := w.ivs[:n], w.starts[:n], w.ends[:n]
	buckets, months := w.buckets[:n], w.timeMonths[:n]
	for i := range ivs {
		k := timeKey{ivs[i], starts[i], ends[i]}
		h := uint64(k.interval)*0x9e3779b97f4a7c15 ^ uint64(k.start)*0xff51afd7ed558ccd ^ uint64(k.end)*0xc4ceb9fe1a85ec53
		c := &w.timeCells[h>>52]
		if !c.known || c.key != k {
			if err := w.timeCell(c, k); err != nil {
				return err
			}
		}
		buckets[i], months[i] = c.bucket, c.month
	}
	return nil
}

// byInterval is times where intervals alone tell; ok is false where one does not.
func (w *columnWorker) byInterval(n int, same bool) (ok bool, err error) {
	if w.bucketSame = same; same {
		n = 1
	}
	for len(w.intervalsAt) < len(w.intervals.vals) {
		w.intervalsAt = append(w.intervalsAt, intervalCell{})
	}
	cells, buckets, months := w.intervalsAt, w.buckets[:n], w.timeMonths[:n]
	for i, id := range w.ivs[:n] {
		c := &cells[id]
		if !c.known {
			c.known, c.enough = true, w.intervals.vals[id][0] != noTime
			if c.enough {
				var t timeCell
				if err := w.timeCell(&t, timeKey{id, noTime, noTime}); err != nil {
					return false, err
				}
				c.bucket, c.month = t.bucket, t.month
			}
		}
		if !c.enough {
			return false, nil
		}
		buckets[i], months[i] = c.bucket, c.month
	}
	return true, nil
}

// intervalsOf reads the billing intervals of a set.
func (w *columnWorker) intervalsOf(set *rowSet) (same bool, err error) {
	col := w.plan.row.interval
	if col < 0 {
		none := w.intervals.id([2]int64{noTime, noTime})
		for i := range set.rows {
			w.ivs[i] = none
		}
		return true, nil
	}
	return resolve(w, col, set, w.ivs, &w.interval, func(v *colscan.Value) (id uint32, err error) {
		b, err := v.Text()
		if err != nil {
			return 0, err
		}
		if id, ok := w.intervalTexts[string(b)]; ok {
			return id, nil
		}
		out := [2]int64{noTime, noTime}
		if len(b) > 0 {
			iv, err := parseInterval(string(b))
			if err == nil {
				out[0], err = nanos(iv.start)
			}
			if err == nil {
				out[1], err = nanos(iv.end)
			}
			if err != nil {
				return 0, err
			}
		}
		id = w.intervals.id(out)
		w.intervalTexts[string(b)] = id // each file has them again
		return id, nil
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
func (w *columnWorker) timeCell(c *timeCell, k timeKey) error {
	iv := w.intervals.vals[k.interval]
	li := LineItem{IntervalStart: timeAt(iv[0]), IntervalEnd: timeAt(iv[1]), UsageStart: timeAt(k.start), UsageEnd: timeAt(k.end)}
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
	*c = timeCell{k, true, w.bucketSlots.id(uint32(b.Start/3600)<<2 | uint32(b.Span)), w.months.id(MonthOf(first))}
	return nil
}
