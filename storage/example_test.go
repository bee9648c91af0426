package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

func ExampleStore_Commit() {
	ctx := context.Background()
	s := storage.New(memstore.New(), nil)
	defer s.Close()

	claim := storage.Key{Partition: "claim/820723250459", Sort: "runtime/support"}
	todo := storage.Key{Partition: "todo", Sort: "runtime/support"}
	batch := &storage.Batch{Puts: []storage.Put{
		// An audited record: its first put carries an entry.
		{Key: claim, Kind: "claim", Schema: 1, Data: []byte("customer-support-bot"), Entry: []byte("claimed by becki.smith")},
		{Key: todo, Kind: "todo", Schema: 1},
	}}
	first, err := s.Commit(ctx, storage.Request{ID: "claim/17"}, batch)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("claimed at version", first.Stamp(claim).Version)

	// The same command again, after a crash perhaps: nothing happens twice.
	again, err := s.Commit(ctx, storage.Request{ID: "claim/17"}, batch)
	fmt.Println("replayed:", again.Replayed, err)

	// Another command that has not seen the claim cannot overwrite it.
	_, err = s.Commit(ctx, storage.Request{ID: "claim/18"}, batch)
	var conflict *storage.ConflictError
	if errors.As(err, &conflict) {
		fmt.Println("conflict over", conflict.Key)
	}
	// Output:
	// claimed at version 1
	// replayed: true <nil>
	// conflict over "claim/820723250459"/"runtime/support"
}

func ExampleStore_Update() {
	ctx := context.Background()
	s := storage.New(memstore.New(), nil)
	defer s.Close()

	card := storage.Key{Partition: "card/2026-W20", Sort: "data-insights-copilot"}
	add := func(note string) error {
		_, err := s.Update(ctx, storage.Request{}, func(tx *storage.Tx) error {
			r, err := tx.Get(card)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			tx.Put(storage.Put{Key: card, Kind: "card", Schema: 1, Data: append(r.Data, note+"; "...), Entry: []byte(note)})
			return nil
		})
		return err
	}
	for _, note := range []string{"opened", "accepted"} {
		if err := add(note); err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err := s.Get(ctx, card)
	fmt.Printf("%q at version %d, %v\n", r.Data, r.Stamp.Version, err)
	for e, err := range s.Log(ctx, card, 1) {
		fmt.Printf("entry %d: %s, %v\n", e.Stamp.Version, e.Data, err)
	}
	// Output:
	// "opened; accepted; " at version 2, <nil>
	// entry 1: opened, <nil>
	// entry 2: accepted, <nil>
}

func ExampleStore_Range() {
	ctx := context.Background()
	s := storage.New(memstore.New(), nil)
	defer s.Close()

	var batch storage.Batch
	for _, sort := range []string{"2026-04/a", "2026-05/a", "2026-05/b", "2026-06/a"} {
		k := storage.Key{Partition: "todo", Sort: sort}
		batch.Puts = append(batch.Puts, storage.Put{Key: k, Kind: "todo", Schema: 1})
	}
	if _, err := s.Commit(ctx, storage.Request{}, &batch); err != nil {
		fmt.Println(err)
		return
	}
	// The loop may use the store, also to write.
	for r, err := range s.Range(ctx, storage.Prefix("todo", "2026-05/")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		done := &storage.Batch{Deletes: []storage.Delete{{Key: r.Key, Prev: r.Stamp}}}
		if _, err := s.Commit(ctx, storage.Request{}, done); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("done", r.Key.Sort)
	}
	for r := range s.Range(ctx, storage.Span{Partition: "todo", Reverse: true}) {
		fmt.Println("left", r.Key.Sort)
	}
	// Output:
	// done 2026-05/a
	// done 2026-05/b
	// left 2026-06/a
	// left 2026-04/a
}

// A generation is a set of parts that appears when one record is written: a
// crash before that leaves the earlier generation in force.
func ExampleStore_WritePart() {
	ctx := context.Background()
	s := storage.New(memstore.New(), nil)
	defer s.Close()

	parts := map[string]storage.Part{}
	for _, name := range []string{"groups", "claims"} {
		at := storage.Key{Partition: "books/2026-05", Sort: "generation-1/" + name}
		p, err := s.WritePart(ctx, at, "ledger.chunk", 1, strings.NewReader("the "+name))
		if err != nil {
			fmt.Println(err)
			return
		}
		parts[name] = p
	}
	head := storage.Put{
		Key: storage.Key{Partition: "books/2026-05", Sort: "head"}, Kind: "ledger.head", Schema: 1,
		Data:  fmt.Appendf(nil, "%v", parts), // any encoding of the parts
		Entry: []byte("booked generation 1"),
	}
	flip := storage.Request{ID: "book/2026-05/execution-7"}
	if _, err := s.Commit(ctx, flip, &storage.Batch{Puts: []storage.Put{head}}); err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(s.ReadPart(ctx, parts["groups"]))
	fmt.Printf("%s, %v\n", body, err)
	// Output: the groups, <nil>
}

func ExampleStore_Export() {
	ctx := context.Background()
	from, to := storage.New(memstore.New(), nil), storage.New(memstore.New(), nil)
	put := storage.Put{Key: storage.Key{Partition: "books", Sort: "2026-05"}, Kind: "head", Data: []byte("generation 1"), Entry: []byte("booked")}
	if _, err := from.Commit(ctx, storage.Request{}, &storage.Batch{Puts: []storage.Put{put}}); err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	report, err := from.Export(ctx, &file)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := to.Import(ctx, &file, nil); err != nil {
		fmt.Println(err)
		return
	}
	// The heads of the first store prove the histories of the second.
	report, err = to.Verify(ctx, &storage.VerifyOptions{Since: &report.Heads})
	fmt.Println(report.Records, report.Entries, err)
	// Output:
	// 1 1 <nil>
}
