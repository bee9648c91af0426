package ledger

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

// Kinds of records. Heads and claims are audited, chunks of parts are not.
const (
	kindBook   = "ledger.book"
	kindClaims = "ledger.claims"
	kindPart   = "ledger.part"
	schema     = 1
)

// Names of parts. Readers pass over names they do not know.
const (
	partGroups    = "groups"    // cur.Partial.AppendBody
	partClaims    = "claims"    // the claims used, canonical
	partStatement = "statement" // totals, see total
	partDelta     = "delta"     // terms of the difference to the generation before
	partSource    = "source"    // files and objects the groups were made from
)

// Partitions.
const (
	partitionBooks  = "ledger/books"
	partitionClaims = "ledger/claims"
	partitionParts  = "ledger/parts/"
)

// What callers branch on.
var (
	// ErrNoBook: nothing is booked for the payer and period.
	ErrNoBook = errors.New("no such book")
	// ErrOlder: the delivery was written before the one that is booked.
	ErrOlder = errors.New("older than the booked delivery")
	// ErrExport: another export is authoritative for the payer and period.
	ErrExport = errors.New("another export is booked")
	// ErrNotReconciled: the statement does not add up to its control totals, or
	// is incomplete.
	ErrNotReconciled = errors.New("statement does not reconcile")
	// ErrNewer: the generation was written by a later release.
	ErrNewer = errors.New("written by a newer release")
)

// Cause says why a generation differs from the one before.
type Cause string

// The causes. Apart from First and Mixed they are the labels of the terms that
// make up the difference.
const (
	First Cause = "first"
	Mixed Cause = "mixed"
)

// Generation describes one state of a book, without its contents.
type Generation struct {
	Number         uint64                  `json:"number"`
	Previous       uint64                  `json:"previous"` // 0 for the first
	Cause          Cause                   `json:"cause"`
	Delivery       cur.Delivery            `json:"delivery"`
	SpecDigest     string                  `json:"spec"`              // of the rollup
	Columns        []cur.Column            `json:"columns,omitempty"` // declared columns and tag keys that the groups hold
	GroupsDigest   string                  `json:"groups"`            // of the stored groups
	ClaimsRevision string                  `json:"claims"`            // of the claims that meet the period
	RulesVersion   string                  `json:"rules"`
	Reconciled     bool                    `json:"reconciled"`
	Override       string                  `json:"override,omitempty"` // why a statement was booked that does not reconcile
	BookedAt       time.Time               `json:"booked_at"`
	Parts          map[string]storage.Part `json:"parts"`
}

// bookKey names the head of a book. Payers are account numbers; whatever else a
// file says is escaped.
func bookKey(payer string, period cur.Month) storage.Key {
	return storage.Key{Partition: partitionBooks, Sort: url.PathEscape(payer) + "/" + period.String()}
}

// partKey names a part. The content names the attempt: a generation that was cut
// short leaves parts that the same content takes up again and other content
// passes by.
func (g *Generation) partKey(content [32]byte, name string) storage.Key {
	return storage.Key{
		Partition: partitionParts + url.PathEscape(g.Delivery.Payer) + "/" + g.Delivery.Period.String(),
		Sort:      fmt.Sprintf("%08d-%s/%s", g.Number, hex.EncodeToString(content[:8]), name),
	}
}

// source is the content of partSource.
type source struct {
	Files   []cur.Info   `json:"files"`
	Objects []cur.Object `json:"objects"`
}

func decodeGeneration(r storage.Record) (g Generation, err error) {
	if r.Schema > schema {
		return g, fmt.Errorf("ledger: read %s: schema %d: %w", r.Key, r.Schema, ErrNewer)
	}
	if err := json.Unmarshal(r.Data, &g); err != nil {
		return g, fmt.Errorf("ledger: read %s: %w", r.Key, err)
	}
	return g, nil
}

// Head returns the newest generation of a book; ErrNoBook when there is none.
func (l *Ledger) Head(ctx context.Context, payer string, period cur.Month) (Generation, error) {
	g, _, err := l.head(ctx, payer, period)
	return g, err
}

func (l *Ledger) head(ctx context.Context, payer string, period cur.Month) (Generation, storage.Stamp, error) {
	r, err := l.store.Get(ctx, bookKey(payer, period))
	if errors.Is(err, storage.ErrNotFound) {
		return Generation{}, storage.Stamp{}, fmt.Errorf("ledger: head of payer %q, period %s: %w", payer, period, ErrNoBook)
	}
	if err != nil {
		return Generation{}, storage.Stamp{}, fmt.Errorf("ledger: head of payer %q, period %s: %w", payer, period, err)
	}
	g, err := decodeGeneration(r)
	return g, r.Stamp, err
}

// Heads yields the newest generation of every book, by payer and period.
func (l *Ledger) Heads(ctx context.Context) iter.Seq2[Generation, error] {
	return func(yield func(Generation, error) bool) {
		for r, err := range l.store.Range(ctx, storage.Span{Partition: partitionBooks}) {
			var g Generation
			if err == nil {
				g, err = decodeGeneration(r)
			}
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// History yields all generations of a book, oldest first, checking the chain of
// the log as it goes.
func (l *Ledger) History(ctx context.Context, payer string, period cur.Month) iter.Seq2[Generation, error] {
	return func(yield func(Generation, error) bool) {
		for r, err := range l.store.Log(ctx, bookKey(payer, period), 0) {
			var g Generation
			if err == nil {
				g, err = decodeGeneration(r)
			}
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// part reads a part whole.
func (l *Ledger) part(ctx context.Context, g *Generation, name string) ([]byte, error) {
	p, ok := g.Parts[name]
	if !ok {
		return nil, fmt.Errorf("ledger: generation %d of payer %q, period %s: no part %q", g.Number, g.Delivery.Payer, g.Delivery.Period, name)
	}
	b, err := io.ReadAll(l.store.ReadPart(ctx, p))
	if err != nil {
		return nil, fmt.Errorf("ledger: generation %d of payer %q, period %s: part %q: %w", g.Number, g.Delivery.Payer, g.Delivery.Period, name, err)
	}
	return b, nil
}

func (l *Ledger) partJSON(ctx context.Context, g *Generation, name string, to any) error {
	b, err := l.part(ctx, g, name)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("ledger: generation %d of payer %q, period %s: part %q: %w", g.Number, g.Delivery.Payer, g.Delivery.Period, name, err)
	}
	return nil
}

// Partial returns the stored groups of a generation.
func (l *Ledger) Partial(ctx context.Context, g Generation) (*cur.Partial, error) {
	b, err := l.part(ctx, &g, partGroups)
	if err != nil {
		return nil, err
	}
	p, err := cur.DecodePartial(b)
	if err != nil {
		return nil, err
	}
	var s source
	if err := l.partJSON(ctx, &g, partSource, &s); err != nil {
		return nil, err
	}
	return p.WithObjects(s.Objects), nil
}

// Claims returns the claims that a generation was attributed under.
func (l *Ledger) Claims(ctx context.Context, g Generation) (*attribution.Claims, error) {
	b, err := l.part(ctx, &g, partClaims)
	if err != nil {
		return nil, err
	}
	return attribution.DecodeClaims(b)
}

// Booked returns the generations that hold the given files, as rolled up with at
// least the given columns: all files of each generation are among the given ones,
// unchanged by path, size and time, and all given ones are in some generation.
// There is then nothing to gain from opening them. None are returned otherwise.
func (l *Ledger) Booked(ctx context.Context, files []cur.Info, columns []cur.Column) ([]Generation, error) {
	var out []Generation
	found := make([]bool, len(files))
	for g, err := range l.Heads(ctx) {
		if err != nil {
			return nil, err
		}
		have, err := l.Files(ctx, g)
		if err != nil {
			return nil, err
		}
		place := make([]int, len(have))
		for i, h := range have {
			place[i] = slices.IndexFunc(files, h.Same)
		}
		if slices.Contains(place, -1) || slices.ContainsFunc(columns, func(c cur.Column) bool { return !slices.Contains(g.Columns, c) }) {
			continue
		}
		for _, i := range place {
			found[i] = true
		}
		out = append(out, g)
	}
	if slices.Contains(found, false) {
		return nil, nil
	}
	return out, nil
}

// Files describes the files that a generation's delivery consists of, as they
// were when it was rolled up.
func (l *Ledger) Files(ctx context.Context, g Generation) ([]cur.Info, error) {
	var s source
	err := l.partJSON(ctx, &g, partSource, &s)
	return s.Files, err
}
