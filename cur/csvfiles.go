package cur

import (
	"context"
	"fmt"
	"io"
)

// Files of text are read side by side as row groups are by columns: one is the unit
// of work, each worker has tables of its own, and these are merged at the end. Files
// are finished in their order. Where anything is wrong, the run is begun again, file
// after file, which then reports what comes first.

// aside returns what a worker reads files of text into.
func (r *run) aside() *run {
	s := newRun(r.Rollup, r.set)
	s.limit = r.limit
	return s
}

// isAside reports whether a file is read side by side with others.
func (r *run) isAside(rd *Reader) bool {
	if r.Workers <= 1 || r.byRows || r.faults.active() || rd.row == nil {
		return false
	}
	_, ok := rd.row.dec.(*csvDecoder)
	return ok
}

// text reads a file and counts its rows by delivery.
func (r *run) text(f *columnFile) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDecline, p)
		}
	}()
	rd := f.rd
	if r.RestUnread {
		rd.skims(r.where)
	}
	rd.readAhead()
	defer rd.stopAhead()
	r.last = nil
	var li LineItem
	var key partKey
	for n := int64(0); ; n++ {
		out, err := rd.skim(&li)
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || r.last == nil || li.Payer != key.payer || li.BillingPeriod != key.period {
			if r.last != nil {
				f.rows[r.lastKey] += n
			}
			if n = 0; err == io.EOF {
				return nil
			}
			if _, err := r.part(rd, &li); err != nil {
				return err
			}
			key = partKey{li.Payer, li.BillingPeriod}
		}
		p := r.last
		if out {
			p.unread++
			continue
		}
		unread := p.unread
		if err := r.add(p.table, &li); err != nil {
			return err
		}
		if p.unread > unread {
			rd.forget(&li)
		}
	}
}

// mergeAside puts what a worker has read into the tables of the deliveries. Control
// totals come from the files.
func (r *run) mergeAside(s *run) {
	for key, p := range s.parts {
		r.parts[key].absorb(p.table)
	}
}

// absorb adds the groups of o, which has the same columns and measures, to t.
func (t *table) absorb(o *table) {
	p := &Partial{t: o}
	for i := range p.Len() {
		m := o.groups.measures(i)
		t.groups.add(t.groups.find(t.intern(p.Key(i))), &m)
	}
	for g := range p.Rest() {
		t.rest.add(t.rest.find(t.internRest(&g.Key)), &g.Measures)
	}
	t.unread += o.unread
}

// units is how many pieces of work a file is.
func (f *columnFile) units() int {
	if f.plan == nil {
		return 1
	}
	return f.plan.file.NumRowGroups()
}

// complete reports whether a file that was read has the rows that it promises.
func (f *columnFile) complete() bool { return f.plan == nil || f.rd.n == f.plan.file.NumRows() }

// readAside is columnWorker.unit for a file of text.
func (q *columnQueue) readAside(ctx context.Context, f *columnFile, s **run) error {
	if *s == nil {
		*s = q.aside()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return (*s).text(f)
}

// doneAside books a file of text that was read.
func (q *columnQueue) doneAside(f *columnFile) error {
	for _, n := range f.rows {
		q.rows += n
	}
	f.left = -1
	return q.finishFiles()
}
