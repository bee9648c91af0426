package cur

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// sharing makes workers share whatever they can, and counts how often they do.
type sharing struct {
	mu    sync.Mutex
	parts int           // begun that are the second half of another
	first chan struct{} // closed with the first of them
	sleep uint64
}

// share makes r share row groups of more rows than a block has. With wait, who begins a
// row group waits until another has taken some of it: there must be one.
func (c *sharing) share(r *Rollup, block int, least int64, wait bool) {
	c.first = make(chan struct{})
	r.seams = &seams{block: block, least: least, begun: func(s *span, row int64) {
		c.mu.Lock()
		if s.from > 0 && row == s.from {
			if c.parts++; c.parts == 1 {
				close(c.first)
			}
		}
		c.sleep = c.sleep*6364136223846793005 + 1442695040888963407
		sleep := time.Duration(c.sleep >> 58)
		c.mu.Unlock()
		if wait && row == 0 && s.left() >= least {
			select {
			case <-c.first:
			case <-time.After(10 * time.Second):
			}
		}
		if sleep < 16 { // others come in between
			time.Sleep(sleep * time.Microsecond)
		}
	}}
}

// TestSharedRowGroupsEqualRows: one row group that several workers read part of each gives
// what one worker makes of it, and what rows give.
func TestSharedRowGroupsEqualRows(t *testing.T) {
	tags := []Column{"resource_tags/user_team", "iamPrincipal/team", "line_item_line_item_description", "product/region"}
	months := map[string]struct {
		c curtest.Config
		d curtest.Delivery
	}{
		"version 1":               {curtest.Config{Rows: 3000, AIShare: 10, EDP: 7}, curtest.Delivery{PageVersion: 1}},
		"version 2, small pages":  {curtest.Config{Rows: 4000, AIShare: 10, EDP: 7, Commitments: true}, curtest.Delivery{PageVersion: 2, PageBytes: 900}},
		"version 1, small pages":  {curtest.Config{Rows: 4000, AIShare: 60}, curtest.Delivery{PageVersion: 1, PageBytes: 2500}},
		"most AI, pages of a few": {curtest.Config{Rows: 4000, AIShare: 70, EDP: 7}, curtest.Delivery{PageBytes: 6000}},
		"clustered":               {curtest.Config{Rows: 4000, AIShare: 20, Clustered: true}, curtest.Delivery{PageBytes: 3000}},
		"legacy":                  {curtest.Config{Sheet: curtest.Sheet{Spelling: curtest.LegacyParquet}, Rows: 3000}, curtest.Delivery{PageBytes: 5000}},
	}
	rollups := map[string]Rollup{
		"everything":      {},
		"scope":           {Where: scopeWhere, Keys: tags, Bucket: Hour},
		"scope, rest not": {Where: scopeWhere, RestUnread: true},
	}
	for month, m := range months {
		set := monthFiles(t, m.c, m.d, t.TempDir())
		for name, r := range rollups {
			t.Run(month+"/"+name, func(t *testing.T) {
				r.byRows = true
				rows, err := r.Run(context.Background(), set)
				if err != nil {
					t.Fatal(err)
				}
				r.byRows = false
				alone, err := r.Run(context.Background(), set)
				if err != nil {
					t.Fatal(err)
				}
				for workers := 2; workers <= 4; workers++ {
					c, last := sharing{sleep: uint64(workers)}, int64(0)
					r.Workers = workers
					r.Progress = func(p Progress) {
						if p.Rows < last || p.Files > p.Of {
							t.Errorf("progress %+v after %d rows", p, last)
						}
						last = p.Rows
					}
					c.share(&r, 50+37*workers, int64(2+workers), true)
					got, err := r.Run(context.Background(), set)
					if err != nil {
						t.Fatal(err)
					}
					if c.parts == 0 {
						t.Errorf("%d workers: nothing was shared", workers)
					}
					for what, want := range map[string]Rolled{"rows": rows[0], "one worker": alone[0]} {
						if !bytes.Equal(got[0].Partial.AppendBody(nil), want.Partial.AppendBody(nil)) {
							t.Fatalf("%d workers, against %s: bodies differ:\n%s", workers, what, diffPartials(got[0].Partial, want.Partial))
						}
					}
					st, one := got[0].Stats, alone[0].Stats
					if st.Again || st.ByRows > 0 || st.RowGroups != 1 || st.Files != 1 || st.Rows != one.Rows || st.Matched != one.Matched || last != st.Rows {
						t.Errorf("%d workers: Stats = %+v, progress of %d rows; one worker: %+v", workers, st, last, one)
					}
					if st.Pages+st.Skipped < one.Pages+one.Skipped {
						t.Errorf("%d workers: %d and %d pages, one worker %d and %d", workers, st.Pages, st.Skipped, one.Pages, one.Skipped)
					}
				}
			})
		}
	}
}

// TestSharedRowGroupsOfManyFiles: files end in any order, and each counts once.
func TestSharedRowGroupsOfManyFiles(t *testing.T) {
	set := monthFiles(t, curtest.Config{Rows: 4000, AIShare: 30}, curtest.Delivery{RowsPerFile: 900, RowGroup: 400, PageBytes: 2000}, t.TempDir())
	r := Rollup{Where: scopeWhere}
	want, err := r.Run(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	var c sharing
	for i := range 10 {
		r.Workers = 2 + i%3
		c.share(&r, 30, 2, false)
		got, err := r.Run(context.Background(), set)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := got[0].Stats, want[0].Stats; a.RowGroups != b.RowGroups || a.Files != b.Files || a.Rows != b.Rows || a.Matched != b.Matched || a.Again {
			t.Errorf("Stats = %+v, one worker: %+v", a, b)
		}
		if !bytes.Equal(got[0].Partial.AppendBody(nil), want[0].Partial.AppendBody(nil)) {
			t.Fatalf("bodies differ:\n%s", diffPartials(got[0].Partial, want[0].Partial))
		}
	}
	if c.parts == 0 {
		t.Error("nothing was shared")
	}
}

// TestSharedRowGroupsEndWithTheContext: who has taken a part stops as well.
func TestSharedRowGroupsEndWithTheContext(t *testing.T) {
	set := monthFiles(t, curtest.Config{Rows: 3000}, curtest.Delivery{}, t.TempDir())
	for _, workers := range []int{2, 3} {
		ctx, cancel := context.WithCancel(context.Background())
		var c sharing
		r := Rollup{Workers: workers}
		c.share(&r, 100, 2, true)
		begun := r.seams.begun
		r.seams.begun = func(s *span, row int64) {
			if begun(s, row); s.from > 0 {
				cancel()
			}
		}
		if _, err := r.Run(ctx, set); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: error = %v, want the context's", workers, err)
		}
		cancel()
	}
}

// farSource is a Source of RemoteFiles.
type farSource struct{ Source }

type farFile struct{ File }

func (s farSource) Open(ctx context.Context, name string) (File, error) {
	f, err := s.Source.Open(ctx, name)
	return farFile{f}, err
}

func (farFile) Expect([]Range) (done func()) { return func() {} }

func (f farFile) Stream(off int64) io.ReadCloser {
	return io.NopCloser(io.NewSectionReader(f, off, f.Info().Size-off))
}

var _ RemoteFile = farFile{}

// TestWhatIsNotShared: files that are far away, and row groups that have one worker.
func TestWhatIsNotShared(t *testing.T) {
	set := monthFiles(t, curtest.Config{Rows: 2000}, curtest.Delivery{}, t.TempDir())
	far := *set
	far.src = farSource{set.src}
	for name, c := range map[string]struct {
		set     *Set
		workers int
	}{"far away": {&far, 3}, "one worker": {set, 1}} {
		var count sharing
		r := Rollup{Workers: c.workers}
		count.share(&r, 40, 2, false)
		got, err := r.Run(context.Background(), c.set)
		if err != nil {
			t.Fatal(err)
		}
		if count.parts > 0 || got[0].Stats.RowGroups != 1 || got[0].Stats.Again {
			t.Errorf("%s: shared %d times, %+v", name, count.parts, got[0].Stats)
		}
	}
}

// TestSpansPartRowGroups: whatever is claimed and cut off, each row is read once.
func TestSpansPartRowGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		rows, least := rng.Int64N(2000), 1+rng.Int64N(50)
		open, seen := []*span{{end: rows}}, make([]int, rows)
		at := map[*span]int64{}
		for len(open) > 0 {
			k := rng.IntN(len(open))
			s := open[k]
			if rng.IntN(3) == 0 {
				left := s.left()
				part := s.cut(least)
				if (part != nil) != (left >= least) {
					t.Fatalf("%d rows left, at least %d: cut off %v", left, least, part)
				}
				if part != nil {
					if part.left() == 0 {
						t.Fatalf("%d rows left, at least %d: nothing cut off", left, least)
					}
					open, at[part] = append(open, part), part.from
				}
				continue
			}
			n := s.claim(at[s], 1+rng.IntN(60))
			if n == 0 {
				open = append(open[:k], open[k+1:]...)
				continue
			}
			n = 1 + rng.IntN(n) // a block may be shorter
			for i := range n {
				seen[at[s]+int64(i)]++
			}
			at[s] += int64(n)
		}
		for row, n := range seen {
			if n != 1 {
				t.Fatalf("%d rows: row %d was read %d times", rows, row, n)
			}
		}
	}
}
