package cur

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// errDecline ends the column path where the row path has to decide.
var errDecline = errors.New("not for the column path")

// Stats say what a rollup did. Times are summed over goroutines; a page counts
// once for each column that it belongs to.
type Stats struct {
	Files     int   // files read
	RowGroups int   // Parquet row groups read by columns
	Rows      int64 // rows seen
	Matched   int64 // rows that the predicate passed, in row groups read by columns
	Pages     int64 // Parquet data pages decompressed, in row groups read by columns
	Skipped   int64 // Parquet data pages passed without that
	Bytes     int64 // read of Parquet files by columns
	ByRows    int   // Parquet files read row by row, for the column path does not know their shape
	Again     bool  // the column path met an error, and everything was read again row by row

	Open, Read, Digest, Merge time.Duration
}

// columnFile is a file that is read by columns.
type columnFile struct {
	n      int
	info   Info
	f      File
	rd     *Reader
	plan   *columnPlan
	groups int   // handed out
	left   int   // not done
	part   int64 // rows of a file of CSV that is being read
	rows   map[partKey]int64
}

// columnQueue hands row groups to workers and finishes files in their order.
type columnQueue struct {
	*run
	mu    sync.Mutex
	idle  *sync.Cond
	next  int           // file to open
	cur   *columnFile   // with row groups to hand out
	open  []*columnFile // in order
	err   error
	byRow bool // a file is being read by rows, or waits for that
}

// forget takes the amounts of the row read last out of the control totals
// again. The row stays counted.
func (r *Reader) forget(li *LineItem) {
	var m Measures
	li.measure(&m, r.have)
	t := r.totals(&ControlKey{li.Payer, li.BillingPeriod, li.Currency, li.LineItemType})
	t.NetRows -= m.NetRows
	t.CostBlank -= m.CostBlank
	for i := range m.sums {
		t.sums[i].Acc(m.sums[i].Neg())
	}
}

// files reads the files of the set. columns reports whether any was read by
// columns.
func (r *run) files(ctx context.Context) (columns bool, err error) {
	q := &columnQueue{run: r}
	q.idle = sync.NewCond(&q.mu)
	tables := make([]map[partKey]*table, max(1, r.Workers))
	var wg sync.WaitGroup
	for i := range tables[1:] {
		wg.Go(func() { tables[i+1] = q.finished(q.work(ctx)) })
	}
	tables[0] = q.finished(q.work(ctx))
	wg.Wait()
	for _, f := range q.open {
		f.rd.Close()
		f.f.Close()
	}
	for _, of := range tables {
		columns = columns || of != nil
	}
	if q.err != nil {
		return columns, q.err
	}
	return columns, r.merge(tables)
}

// finished returns what a worker has, in order, which need not wait for those that
// still read; nil for no worker.
func (q *columnQueue) finished(w *columnWorker) map[partKey]*table {
	if w == nil {
		return nil
	}
	begun, read := time.Now(), w.scan.Stats()
	w.scan.Close()
	q.mu.Lock()
	failed := q.err != nil
	q.mu.Unlock()
	of := make(map[partKey]*table)
	if !failed {
		of = w.tables()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Matched += w.matched
	q.stats.Pages += read.Pages
	q.stats.Skipped += read.Skipped
	q.stats.Bytes += read.Bytes
	q.stats.Merge += time.Since(begun)
	return of
}

// work reads row groups, and files of CSV, until there are none. It returns what
// it has read them with, nil where it has read none.
func (q *columnQueue) work(ctx context.Context) (w *columnWorker) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		f, group := q.take(ctx)
		if f == nil {
			return w
		}
		q.mu.Unlock()
		begun, err := time.Now(), error(nil)
		if w == nil {
			w = newColumnWorker(q.run)
		}
		if f.plan == nil {
			err = w.textUnit(ctx, f, func(rows int64) { q.report(f, rows) })
		} else {
			err = w.unit(ctx, f, group)
		}
		took := time.Since(begun)
		q.mu.Lock()
		q.stats.Read += took
		if err == nil {
			err = q.done(ctx, f, w)
		}
		q.fail(err)
	}
}

// report tells how far a file of CSV is.
func (q *columnQueue) report(f *columnFile, rows int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.part = rows
	all := q.rows
	for _, o := range q.open {
		all += o.part
	}
	if q.Progress != nil {
		q.Progress(Progress{f.info.Name, f.n, len(q.set.files), all})
	}
}

func (q *columnQueue) fail(err error) {
	if q.err == nil {
		q.err = err
	}
	q.idle.Broadcast()
}

// take returns the next row group; nil when there is none.
func (q *columnQueue) take(ctx context.Context) (*columnFile, int) {
	for q.err == nil {
		if q.byRow {
			q.idle.Wait()
			continue
		}
		if f := q.cur; f != nil {
			if f.groups < f.units() {
				f.groups++
				f.left++
				return f, f.groups - 1
			}
			q.cur = nil
		}
		if q.next == len(q.set.files) {
			return nil, 0
		}
		n := q.next
		q.next++
		q.fail(q.openFile(ctx, n))
	}
	return nil, 0
}

// openFile opens a file and plans its reading, or reads it by rows.
func (q *columnQueue) openFile(ctx context.Context, n int) error {
	info := q.set.files[n]
	begun := time.Now()
	f, err := q.set.src.Open(ctx, info.Name)
	if err != nil {
		return fmt.Errorf("cur: open %q: %w", info.Name, err)
	}
	if err := unchanged(info, f.Info()); err != nil {
		f.Close()
		return err
	}
	rd, err := q.reader(ctx, f)
	if err != nil {
		f.Close()
		return err
	}
	q.stats.Open += time.Since(begun)
	var plan *columnPlan
	if !q.byRows {
		plan = planColumns(rd, &q.spec, q.Where)
	}
	if plan == nil && !q.isText(rd) {
		defer f.Close()
		defer rd.Close()
		// Files are finished in their order.
		q.byRow = true
		defer func() { q.byRow = false }()
		for len(q.open) > 0 && q.err == nil {
			q.idle.Wait()
		}
		if q.err != nil {
			return nil
		}
		if rd.row != nil {
			if _, ok := rd.row.dec.(*parquetDecoder); ok {
				q.stats.ByRows++
			}
		}
		begun := time.Now()
		defer func() { q.stats.Read += time.Since(begun) }()
		q.stats.Files++
		return q.file(ctx, n, rd)
	}
	if !q.found {
		q.found, q.measures, q.columns = true, rd.have, rd.row.columns(q.spec.Columns)
	}
	file := &columnFile{n: n, info: info, f: f, rd: rd, plan: plan, rows: make(map[partKey]int64)}
	q.cur = file
	q.open = append(q.open, file)
	if file.units() == 0 {
		return q.finishFiles()
	}
	return nil
}

// unit reads one row group.
func (w *columnWorker) unit(ctx context.Context, f *columnFile, group int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDecline, p)
		}
	}()
	w.begin(f.plan)
	defer w.announce(f.f, group)()
	return w.readGroup(ctx, group)
}

// done books a row group that w has read, and finishes its file with the last
// of them.
func (q *columnQueue) done(ctx context.Context, f *columnFile, w *columnWorker) error {
	for key, n := range w.take() {
		f.rows[key] += n
		f.rd.n += n
		q.rows += n
	}
	if f.plan == nil {
		f.left, f.part = -1, 0
		return q.finishFiles()
	}
	q.stats.RowGroups++
	f.left--
	if f.left == 0 && f.groups == f.plan.file.NumRowGroups() {
		if q.sums(f.info) {
			begun := time.Now()
			q.mu.Unlock()
			h, whole := sha256.New(), sequential(f.f)
			_, err := io.CopyBuffer(h, ctxReader{ctx, whole}, make([]byte, 256<<10))
			err = errors.Join(err, whole.Close())
			q.mu.Lock()
			if err != nil {
				return err
			}
			f.rd.sum = h
			q.stats.Digest += time.Since(begun)
		}
		f.left = -1
	}
	if q.Progress != nil {
		q.Progress(Progress{f.info.Name, f.n, len(q.set.files), q.rows})
	}
	return q.finishFiles()
}

// finishFiles finishes the files at the head of the line that are complete.
func (q *columnQueue) finishFiles() error {
	for len(q.open) > 0 {
		f := q.open[0]
		if f.left >= 0 && f.units() > 0 {
			return nil
		}
		if !f.complete() {
			return errDecline
		}
		q.last = nil
		keys := slices.SortedFunc(maps.Keys(f.rows), func(a, b partKey) int {
			return slices.Compare([]string{a.payer, a.period.String()}, []string{b.payer, b.period.String()})
		})
		for _, k := range keys {
			p, err := q.part(f.rd, &LineItem{Payer: k.payer, BillingPeriod: k.period})
			if err != nil {
				return err
			}
			p.rows = f.rows[k]
		}
		if err := q.finishFile(f.rd); err != nil {
			return err
		}
		q.stats.Files++
		q.open = q.open[1:]
		f.rd.Close()
		f.f.Close()
		if q.Progress != nil {
			q.Progress(Progress{f.info.Name, f.n + 1, len(q.set.files), q.rows})
		}
	}
	q.idle.Broadcast()
	return nil
}

// merge adds what the workers have to the tables of the deliveries, and finishes
// them.
func (r *run) merge(workers []map[partKey]*table) error {
	begun := time.Now()
	defer func() { r.stats.Merge += time.Since(begun) }()
	r.groups, r.rests = 0, 0
	for key, p := range r.parts {
		p.finish()
		tables := []*table{p.table}
		for _, of := range workers {
			if t := of[key]; t != nil {
				tables = append(tables, t)
			}
		}
		if len(p.control) == 0 && len(tables) > 1 { // nothing was read by rows
			tables = tables[1:]
		}
		all := union(tables...)
		all.measures, all.columns = p.measures, p.columns
		p.table = all
		r.groups += p.groups.len()
		r.rests += p.rest.len()
	}
	if r.groups > r.limit || r.rests > r.limit {
		return errDecline
	}
	return nil
}
