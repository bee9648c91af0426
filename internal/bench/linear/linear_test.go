package linear

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/spendclaim/spendclaim/internal/dynamotest"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/dynamostore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

var size = Options{Clients: 6, Calls: 12, Keys: 2}

func bolt(t *testing.T) storage.Driver {
	d, err := boltstore.Open(filepath.Join(t.TempDir(), "store.db"), &boltstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dynamo(t *testing.T) storage.Driver {
	c := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(dynamotest.Endpoint(t)), Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	in := dynamostore.Table("spendclaim-linear")
	in.DeletionProtectionEnabled = nil
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = c.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: in.TableName})
	})
	d, err := dynamostore.Open(t.Context(), c, *in.TableName, &dynamostore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHistoriesAreLinearizable(t *testing.T) {
	histories := 200
	if os.Getenv("SPENDCLAIM_LONG") == "1" {
		histories = 5000
	}
	for name, open := range map[string]func(*testing.T) storage.Driver{
		"memory": func(*testing.T) storage.Driver { return memstore.New() }, "bolt": bolt, "dynamo": dynamo,
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			defer d.Close()
			for i := range histories {
				ok, err := Check(t.Context(), d, fmt.Sprintf("history %d", i), uint64(i), size)
				if err != nil || !ok {
					t.Fatalf("history with seed %d: linearizable %t, %v", i, ok, err)
				}
			}
			t.Logf("%s: %d histories of %d clients with %d calls on %d keys, all linearizable", name, histories, size.Clients, size.Calls, size.Keys)
		})
	}
}

// stale answers some reads from what was read before.
type stale struct {
	storage.Driver
	mu   sync.Mutex
	n    int
	last map[storage.Key]storage.Item
}

func (s *stale) Get(ctx context.Context, k storage.Key) (storage.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it, ok := s.last[k]; ok && s.n%3 > 0 {
		s.n++
		return it, nil
	}
	s.n++
	it, err := s.Driver.Get(ctx, k)
	if err == nil {
		s.last[k] = it
	}
	return it, err
}

// The checker has teeth: a planted stale read is caught.
func TestPlantedStaleReadIsCaught(t *testing.T) {
	const histories = 50
	caught := 0
	for i := range histories {
		d := &stale{Driver: memstore.New(), last: map[storage.Key]storage.Item{}}
		ok, err := Check(t.Context(), d, "p", uint64(i), size)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			caught++
		}
	}
	t.Logf("%d of %d histories over a stale driver are rejected", caught, histories)
	if caught < histories/2 {
		t.Errorf("caught %d of %d histories with stale reads, want most", caught, histories)
	}
}

// So is a write that ignores the version.
func TestPlantedBlindWriteIsCaught(t *testing.T) {
	caught := 0
	for i := range 50 {
		d := memstore.New()
		ok, err := Check(t.Context(), &blind{d}, "p", uint64(i), size)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			caught++
		}
	}
	if caught < 25 {
		t.Errorf("caught %d of 50 histories with blind writes, want most", caught)
	}
}

type blind struct{ *memstore.Driver }

func (b *blind) Commit(ctx context.Context, wb *storage.WriteBatch) error {
	w := wb.Writes[0]
	if it, err := b.Get(ctx, w.Key); err == nil {
		w.Prev = it.Stamp
	} else {
		w.Prev = storage.Stamp{}
	}
	_ = b.Driver.Commit(ctx, &storage.WriteBatch{Writes: []storage.Write{w}})
	return nil
}
