package main

import (
	"cmp"
	"context"
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
	"github.com/spendclaim/spendclaim/examples/quickstart/months"
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// job is one run of the program.
type job struct {
	*options
	store  *storage.Store
	ledger *ledger.Ledger
	book   *gaps.Book
	claims *attribution.Claims
	now    time.Time
	silent []gaps.Kind
}

// sample reports whether the embedded months are shown.
func (j *job) sample() bool { return len(j.cur) == 0 }

// run books what there is, finds its gaps, does what is asked and returns what to show.
func (j *job) run(ctx context.Context) (out *output, err error) {
	done, err := j.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := j.takeClaims(ctx); err != nil {
		return nil, err
	}
	if err := j.bookReports(ctx); err != nil {
		return nil, err
	}
	if err := j.reconcile(ctx); err != nil {
		return nil, err
	}
	if j.assign != "" {
		if err := j.act(ctx); err != nil {
			return nil, err
		}
	}
	return j.output(ctx)
}

// open opens the file, or a temporary one.
func (j *job) open() (done func() error, err error) {
	path, remove := j.db, func() error { return nil }
	if path == "" {
		dir, err := os.MkdirTemp("", "spendclaim-gaps-")
		if err != nil {
			return nil, err
		}
		path, remove = filepath.Join(dir, "gaps.db"), func() error { return os.RemoveAll(dir) }
	}
	_, err = os.Stat(path)
	created := errors.Is(err, fs.ErrNotExist)
	if created && j.assign != "" {
		return nil, fmt.Errorf("there are no gaps at %q: run without -assign first", path)
	}
	d, err := boltstore.Open(path, &boltstore.Options{Create: created, Timeout: 2 * time.Second})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	j.store = storage.New(d, nil)
	j.ledger = ledger.New(j.store, nil)
	j.book = gaps.NewBook(j.store, &gaps.BookOptions{Remedies: claimDesk{j.ledger}, Now: func() time.Time { return j.now }})
	return func() error { return errors.Join(j.store.Close(), remove()) }, nil
}

// takeClaims makes the given claims current, or takes those that are, or the sample's.
func (j *job) takeClaims(ctx context.Context) error {
	current, err := j.ledger.CurrentClaims(ctx)
	if err != nil {
		return err
	}
	switch {
	case j.options.claims != "":
		b, err := os.ReadFile(j.options.claims)
		if err != nil {
			return fmt.Errorf("read claims: %w", err)
		}
		if current, err = attribution.ParseClaims(j.options.claims, b); err != nil {
			return err
		}
	case len(current.Claims) == 0 && j.sample():
		if current, err = months.Claims(); err != nil {
			return err
		}
	}
	j.claims, err = j.ledger.SaveClaims(ctx, current)
	return err
}

// bookReports books the reports, or the embedded months, and applies the claims to the
// books that were there already.
func (j *job) bookReports(ctx context.Context) error {
	var rolled []cur.Rolled
	read := func(src cur.Source, asOf time.Time, paths ...string) error {
		sets, err := cur.Locate(ctx, src, paths...)
		if err != nil {
			return err
		}
		for _, s := range sets {
			r := &cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: attribution.Columns(j.claims, nil), AsOf: asOf}
			more, err := attribution.RollUp(ctx, r, s, j.claims, nil)
			if err != nil {
				return err
			}
			rolled = append(rolled, more...)
		}
		return nil
	}
	if j.sample() {
		for _, d := range months.Deliveries() {
			if d.Folder == "2026-05-second" && !j.restated {
				continue
			}
			if err := read(cur.FS(months.Files), d.AsOf, d.Folder); err != nil {
				return err
			}
		}
	} else {
		paths := make([]string, len(j.cur))
		for i, p := range j.cur {
			paths[i] = filepath.ToSlash(p)
		}
		if err := read(cur.Local(), time.Time{}, paths...); err != nil {
			return err
		}
	}
	slices.SortStableFunc(rolled, func(a, b cur.Rolled) int { return a.Delivery.AsOf.Compare(b.Delivery.AsOf) })
	for _, r := range rolled {
		b, err := j.ledger.Prepare(ctx, r, j.claims, nil)
		if errors.Is(err, ledger.ErrOlder) && j.sample() {
			continue // the second delivery of May is booked already
		}
		if err != nil {
			return err
		}
		if err := b.Commit(ctx); err != nil {
			return err
		}
	}
	for g, err := range j.ledger.Heads(ctx) {
		if err != nil {
			return err
		}
		b, err := j.ledger.Reattribute(ctx, g.Delivery.Payer, g.Delivery.Period, j.claims)
		if err != nil {
			return err
		}
		if err := b.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// reconcile finds the gaps of every book and holds the stored ones against them. The
// clock is that of the newest delivery, so that the sample shows the same every day;
// yours would be today.
func (j *job) reconcile(ctx context.Context) error {
	var heads []ledger.Generation
	for g, err := range j.ledger.Heads(ctx) {
		if err != nil {
			return err
		}
		heads = append(heads, g)
		if g.Delivery.AsOf.After(j.now) {
			j.now = g.Delivery.AsOf
		}
	}
	opts := &gaps.Options{}
	if j.limit.Valid {
		opts.Limits = []gaps.Limit{{Absolute: j.limit}}
	}
	for _, g := range heads {
		claims, err := j.ledger.Claims(ctx, g)
		if err != nil {
			return err
		}
		statements, err := j.ledger.Statements(ctx, g)
		if err != nil {
			return err
		}
		people := gaps.People{Claims: claims, Accounts: j.people, Lead: j.lead}
		for _, s := range statements {
			r, err := gaps.Detect(ctx, gaps.Input{Statement: s, Claims: claims, Directory: people, Now: j.now}, opts)
			if err != nil {
				return err
			}
			j.silent = r.Silent
			if _, err := j.book.Reconcile(ctx, r, g.Number); err != nil {
				return err
			}
		}
	}
	return nil
}

// act assigns a gap.
func (j *job) act(ctx context.Context) error {
	if !slices.ContainsFunc(j.claims.Workloads, func(w attribution.Workload) bool { return w.ID == j.to }) {
		return fmt.Errorf("no workload %q in the claims", j.to)
	}
	entries, err := j.entries(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(entries, func(e *gaps.Entry) bool { return e.ID == j.assign })
	if at < 0 {
		return fmt.Errorf("no gap %q", j.assign)
	}
	_, err = j.book.Act(ctx, gaps.Action{Ref: entries[at].Ref(), Seen: entries[at].Version, Actor: j.actor, Role: "finops_lead",
		Rationale: j.because, Workload: j.to})
	return err
}

// entries returns the gaps of all bills, open ones unless all are wanted, by kind and
// then the most expensive first.
func (j *job) entries(ctx context.Context) (out []*gaps.Entry, err error) {
	for bill, err := range j.book.Bills(ctx) {
		if err != nil {
			return nil, err
		}
		for e, err := range j.book.Entries(ctx, bill) {
			if err != nil {
				return nil, err
			}
			if j.all || e.State.Open() {
				out = append(out, e)
			}
		}
	}
	order := gaps.Kinds()
	slices.SortStableFunc(out, func(a, b *gaps.Entry) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)), b.Spend().Cmp(a.Spend()), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// claimDesk is the least that can carry out remedies: it claims what is assigned, for
// the claims in the books. Package governance does the same under its rules.
type claimDesk struct{ ledger *ledger.Ledger }

var _ gaps.Remedies = claimDesk{}

var errNoDesk = errors.New("this example only assigns; package governance does the rest")

// Assign implements [gaps.Remedies].
func (d claimDesk) Assign(ctx context.Context, id, _, _, _ string, a attribution.Anchor, w attribution.WorkloadID, from time.Time) (string, error) {
	claims, err := d.ledger.CurrentClaims(ctx)
	if err != nil {
		return "", err
	}
	reference := attribution.ClaimID(id)
	if slices.ContainsFunc(claims.Claims, func(c attribution.Claim) bool { return c.ID == reference }) {
		return id, nil // done before
	}
	claims.Claims = append(claims.Claims, attribution.Claim{ID: reference, Anchor: a, Target: attribution.Whole{Workload: w}, From: from})
	_, err = d.ledger.SaveClaims(ctx, claims)
	return id, err
}

// Decide implements [gaps.Remedies].
func (claimDesk) Decide(context.Context, string, string, string, string, *cur.Key, attribution.WorkloadID, bool) (string, error) {
	return "", errNoDesk
}

// AddScope implements [gaps.Remedies].
func (claimDesk) AddScope(context.Context, string, string, string, string, string, *cur.Key) (string, error) {
	return "", errNoDesk
}

// Task implements [gaps.Remedies].
func (claimDesk) Task(context.Context, string, string, string, string, string, attribution.Anchor, string) (string, error) {
	return "", errNoDesk
}
