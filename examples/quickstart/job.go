package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// months are the sample months: synthetic, made by internal/curtest/samplemonths.
//
//go:embed months
var months embed.FS

const sampleClaims = "months/claims.json"

// sampleDeliveries are the embedded deliveries. Embedded files have no times, so the
// as-of times stand here.
var sampleDeliveries = []struct {
	folder string
	asOf   time.Time
}{
	{"months/2026-04", time.Date(2026, 5, 6, 8, 0, 0, 0, time.UTC)},
	{"months/2026-05-first", time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)},
	{"months/2026-05-second", time.Date(2026, 5, 27, 12, 0, 0, 0, time.UTC)},
}

// job is one run of the program.
type job struct {
	*options
	progress func(cur.Progress)

	claimed  *attribution.Claims // given on the command line, or the sample's; nil: those in the books
	books    *books
	bookings []*ledger.Booking // what the run shows, in order
	written  bool
}

// sample reports whether the embedded months are booked.
func (o *options) sample() bool { return len(o.cur) == 0 && o.db == "" }

// books is the open file of the books.
type books struct {
	path    string
	created bool
	store   *storage.Store
	*ledger.Ledger
}

// openBooks opens the file, and makes it if create allows. Nil without an error
// means that there is none.
func openBooks(path string, create bool) (*books, error) {
	_, err := os.Stat(path)
	absent := errors.Is(err, fs.ErrNotExist)
	if absent && !create {
		return nil, nil
	}
	d, err := boltstore.Open(path, &boltstore.Options{Create: absent, Timeout: 2 * time.Second})
	if err != nil {
		return nil, err
	}
	s := storage.New(d, nil)
	return &books{path, absent, s, ledger.New(s, nil)}, nil
}

// close closes the file. One that this run made and did not write to is removed.
func (j *job) close() error {
	b := j.books
	if b == nil {
		return nil
	}
	err := b.store.Close()
	if b.created && !j.written {
		err = errors.Join(err, os.Remove(b.path))
		j.books = nil
	}
	return err
}

// run does the job. Whatever is wrong with claims or reports is found before
// anything is written.
func (j *job) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, j.close()) }()
	if err := j.readClaims(); err != nil {
		return err
	}
	switch {
	case j.sample():
		return j.bookSamples(ctx)
	case len(j.cur) > 0:
		return j.bookReports(ctx)
	}
	return j.reattribute(ctx)
}

// readClaims reads the claims file, if there is one to read.
func (j *job) readClaims() error {
	name, b, err := j.options.claims, []byte(nil), error(nil)
	switch {
	case name != "":
		b, err = os.ReadFile(name)
	case j.sample():
		name = sampleClaims
		b, err = months.ReadFile(name)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	j.claimed, err = attribution.ParseClaims(name, b)
	return err
}

// claimsInForce returns the claims to apply, with the times they were recorded.
func (j *job) claimsInForce(ctx context.Context) (*attribution.Claims, error) {
	switch {
	case j.books == nil && j.claimed == nil:
		return &attribution.Claims{}, nil
	case j.books == nil:
		return j.claimed, nil
	case j.claimed == nil:
		return j.books.CurrentClaims(ctx)
	}
	return j.books.Record(ctx, j.claimed)
}

// bookSamples books the embedded months, one delivery after the other, into a
// temporary file.
func (j *job) bookSamples(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "spendclaim-")
	if err != nil {
		return err
	}
	defer func() {
		// Half of the sample is of no use to anybody.
		if err != nil {
			err = errors.Join(err, j.close(), os.RemoveAll(dir))
			j.books = nil
		}
	}()
	if j.books, err = openBooks(filepath.Join(dir, "spendclaim.db"), true); err != nil {
		return err
	}
	deliveries := sampleDeliveries[:2]
	if j.restated {
		deliveries = sampleDeliveries
	}
	for _, s := range deliveries {
		sets, err := cur.Locate(ctx, cur.FS(months), s.folder)
		if err != nil {
			return err
		}
		claims, err := j.claimsInForce(ctx)
		if err != nil {
			return err
		}
		r := j.rollup(claims, nil)
		r.AsOf = s.asOf
		rolled, err := attribution.RollUp(ctx, r, sets[0], claims, nil)
		if err != nil {
			return err
		}
		if err := j.book(ctx, claims, rolled, nil); err != nil {
			return err
		}
	}
	return nil
}

// rollup groups AI rows by what the claims need, what the books hold and what
// the command line asks for.
func (j *job) rollup(claims *attribution.Claims, stored []cur.Column) *cur.Rollup {
	keys := slices.Concat(attribution.Columns(claims, nil), stored)
	for _, t := range j.tags {
		keys = append(keys, cur.Column(t))
	}
	return &cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: keys, AsOf: j.asOf, Progress: j.progress}
}

// bookReports books the reports of the command line. Sources that are booked
// already and have not changed are not opened.
func (j *job) bookReports(ctx context.Context) (err error) {
	path := cmp.Or(j.db, "spendclaim.db")
	if j.books, err = openBooks(path, false); err != nil {
		return err
	}
	claims, err := j.claimsInForce(ctx)
	if err != nil {
		return err
	}
	var stored []cur.Column
	if j.books != nil {
		for g, err := range j.books.Heads(ctx) {
			if err != nil {
				return err
			}
			stored = append(stored, g.Columns...)
		}
	}
	r := j.rollup(claims, stored)
	paths := make([]string, len(j.cur))
	for i, p := range j.cur {
		paths[i] = filepath.ToSlash(p)
	}
	sets, err := cur.Locate(ctx, cur.Local(), paths...)
	if err != nil {
		return err
	}
	var known []ledger.Generation
	var rolled []cur.Rolled
	for _, s := range sets {
		if j.books != nil {
			gens, err := j.books.Booked(ctx, s.Files(), r.Spec().Columns)
			if err != nil {
				return err
			}
			enough, err := j.suffice(ctx, gens, claims)
			if err != nil {
				return err
			}
			if enough {
				known = append(known, gens...)
				continue
			}
		}
		more, err := attribution.RollUp(ctx, r, s, claims, nil)
		if err != nil {
			return err
		}
		rolled = append(rolled, more...)
	}
	if len(rolled) == 0 && len(known) == 0 {
		return nil // no rows: nothing to book
	}
	if j.books == nil {
		if j.books, err = openBooks(path, true); err != nil {
			return err
		}
		if claims, err = j.claimsInForce(ctx); err != nil {
			return err
		}
	}
	// An older delivery given beside a newer one is booked first.
	slices.SortStableFunc(rolled, func(a, b cur.Rolled) int { return a.Delivery.AsOf.Compare(b.Delivery.AsOf) })
	err = j.book(ctx, claims, rolled, known)
	if errors.Is(err, ledger.ErrNotReconciled) {
		if at := firstBlank(ctx, sets); at != nil {
			return fmt.Errorf("%w; the first: %w", err, at)
		}
	}
	return err
}

// suffice reports whether claims can be applied to what generations hold. A claim
// on the session of a role may need sessions that they do not.
func (j *job) suffice(ctx context.Context, gens []ledger.Generation, claims *attribution.Claims) (bool, error) {
	ofSession := func(c attribution.Claim) bool {
		s, shared := c.Target.(attribution.Share)
		return c.Anchor.Kind == attribution.KindSession || shared && s.By == attribution.BySession
	}
	for _, g := range gens {
		if !slices.ContainsFunc(claims.Claims, ofSession) {
			break
		}
		_, err := j.books.Reattribute(ctx, g.Delivery.Payer, g.Delivery.Period, claims)
		if errors.Is(err, attribution.ErrNotStored) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return len(gens) > 0, nil
}

// reattribute applies the claims to all books and opens no cost file.
func (j *job) reattribute(ctx context.Context) (err error) {
	if j.books, err = openBooks(j.db, false); err != nil {
		return err
	}
	if j.books == nil {
		return fmt.Errorf("there are no books at %q: book a report with -cur first", j.db)
	}
	claims, err := j.claimsInForce(ctx)
	if err != nil {
		return err
	}
	var heads []ledger.Generation
	for g, err := range j.books.Heads(ctx) {
		if err != nil {
			return err
		}
		heads = append(heads, g)
	}
	return j.book(ctx, claims, nil, heads)
}

// book works everything out, and only then writes: claims first, then each book.
// Once it writes, it is not interrupted: the books are then either as before or
// complete.
func (j *job) book(ctx context.Context, claims *attribution.Claims, rolled []cur.Rolled, known []ledger.Generation) error {
	if err := oneExport(rolled); err != nil {
		return err
	}
	var bookings []*ledger.Booking
	for _, g := range known {
		b, err := j.books.Reattribute(ctx, g.Delivery.Payer, g.Delivery.Period, claims)
		if err != nil {
			return err
		}
		bookings = append(bookings, b)
	}
	for _, r := range rolled {
		b, err := j.books.Prepare(ctx, r, claims, nil)
		if err != nil {
			return err
		}
		bookings = append(bookings, b)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := j.books.SaveClaims(ctx, claims); err != nil {
		return err
	}
	j.written = true
	for i, b := range bookings {
		err := b.Commit(ctx)
		if errors.Is(err, storage.ErrConflict) && i >= len(known) {
			// Two deliveries of one book in one run: the later one is worked out
			// again on top of the earlier.
			if b, err = j.books.Prepare(ctx, rolled[i-len(known)], claims, nil); err == nil {
				err = b.Commit(ctx)
			}
		}
		if err != nil {
			return err
		}
		j.show(b)
	}
	return nil
}

// oneExport refuses two exports of one payer and period in one run. The ledger
// would refuse the second too, but only once the first is written.
func oneExport(rolled []cur.Rolled) error {
	for i, r := range rolled {
		for _, o := range rolled[:i] {
			a, b := o.Delivery, r.Delivery
			if a.Payer == b.Payer && a.Period == b.Period && a.Export != b.Export {
				return fmt.Errorf("book payer %q, period %s: deliveries of %q and of %q; two exports of one payer hold the same money twice, give one", a.Payer, a.Period, a.Export, b.Export)
			}
		}
	}
	return nil
}

// show adds a booking to what the run shows; a later generation of a book takes
// the place of an earlier one.
func (j *job) show(b *ledger.Booking) {
	d := b.Generation.Delivery
	j.bookings = slices.DeleteFunc(j.bookings, func(o *ledger.Booking) bool {
		return o.Generation.Delivery.Payer == d.Payer && o.Generation.Delivery.Period == d.Period
	})
	j.bookings = append(j.bookings, b)
	slices.SortStableFunc(j.bookings, func(a, b *ledger.Booking) int {
		x, y := a.Generation.Delivery, b.Generation.Delivery
		return cmp.Or(x.Period.Compare(y.Period), cmp.Compare(x.Payer, y.Payer))
	})
}
