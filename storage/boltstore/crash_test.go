package boltstore_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// childFile names the file that a process started by these tests writes to, and
// childRole what it does there.
const (
	childFile = "BOLTSTORE_TEST_FILE"
	childRole = "BOLTSTORE_TEST_ROLE"
)

func TestMain(m *testing.M) {
	role, ok := children[os.Getenv(childRole)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := role(os.Getenv(childFile)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var children = map[string]func(path string) error{"commit": commitUntilKilled, "fill": fillUntilFull}

// child starts this test binary in a role, over a file.
func child(role, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childFile+"="+path)
	return cmd
}

// crashKeys are written together by each commit, all with its number.
var crashKeys = []storage.Key{{Partition: "a", Sort: "1"}, {Partition: "a", Sort: "2"}, {Partition: "b", Sort: "1"}, {Partition: "c", Sort: "1"}, {Partition: "c", Sort: "2"}}

// commitUntilKilled commits on from what the file holds and says after each commit
// that it returned.
func commitUntilKilled(path string) error {
	d, err := boltstore.Open(path, &boltstore.Options{Create: true})
	if err != nil {
		return err
	}
	s := storage.New(d, nil)
	for {
		var n uint64
		_, err := s.Update(context.Background(), storage.Request{}, func(tx *storage.Tx) error {
			for i, k := range crashKeys {
				r, err := tx.Get(k)
				if err != nil && !errors.Is(err, storage.ErrNotFound) {
					return err
				}
				n = r.Stamp.Version + 1
				// Bodies of changing size move pages about.
				data := make([]byte, 8+(int(n)*(i+1)*37)%3000)
				binary.BigEndian.PutUint64(data, n)
				tx.Put(storage.Put{Key: k, Kind: "crash", Data: data, Entry: fmt.Append(nil, n)})
			}
			return nil
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Println(n); err != nil {
			return err
		}
	}
}

// killed runs a child over the file until it was killed at a random moment, and
// returns the last commit that it reported.
func killed(t *testing.T, path string, rnd *rand.Rand) (acked uint64) {
	cmd := child("commit", path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return 0
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return 0
	}
	// From the first commit on, so that what is hit is commits and not the start.
	// Some children are killed while they open the file.
	in := bufio.NewReader(out)
	line, readErr := "", error(nil)
	if rnd.IntN(10) > 0 {
		line, readErr = in.ReadString('\n')
	}
	time.Sleep(time.Duration(rnd.IntN(12_000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	for readErr == nil {
		if n, err := strconv.ParseUint(strings.TrimSuffix(line, "\n"), 10, 64); err == nil {
			acked = n
		}
		line, readErr = in.ReadString('\n')
	}
	if !errors.Is(readErr, io.EOF) {
		t.Error(readErr)
	}
	_ = cmd.Wait()
	if stderr.Len() > 0 {
		t.Errorf("child: %s", stderr.String())
	}
	return acked
}

// survivors opens the file and checks that it holds the commit acked or a later one,
// whole. It returns which.
func survivors(t *testing.T, path string, acked uint64, verify bool) uint64 {
	d, err := boltstore.Open(path, &boltstore.Options{Create: acked == 0})
	if err != nil {
		t.Errorf("open after a kill: %v", err)
		return acked
	}
	s := storage.New(d, nil)
	defer s.Close()
	if verify {
		if _, err := s.Verify(t.Context(), nil); err != nil {
			t.Errorf("verify after a kill: %v", err)
		}
	}
	var found []uint64
	for _, k := range crashKeys {
		r, err := s.Get(t.Context(), k)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			found = append(found, 0)
		case err != nil:
			t.Errorf("get after a kill: %v", err)
		default:
			found = append(found, binary.BigEndian.Uint64(r.Data))
		}
	}
	for _, n := range found {
		if n != found[0] {
			t.Errorf("torn commit: got %d, want all the same", found)
		}
	}
	if found[0] < acked {
		t.Errorf("lost commit: got %d, acknowledged %d", found[0], acked)
	}
	return found[0]
}

// A process that writes is killed again and again, at any moment: no commit that
// returned is lost, and none is there in part. (The system's cache survives such a
// kill, so this says nothing about power loss.)
func TestKilledProcessesLoseNothing(t *testing.T) {
	points := 500
	switch {
	case os.Getenv("SPENDCLAIM_LONG") == "1":
		points = 10_000
	case testing.Short():
		points = 30
	}
	const workers, perFile = 2, 25
	var mu sync.Mutex
	var commits, unacked uint64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(9, uint64(w)))
			path, last := "", uint64(0)
			for i := range points / workers {
				if i%perFile == 0 {
					path, last = filepath.Join(t.TempDir(), "crash.db"), 0
				}
				acked := max(killed(t, path, rnd), last)
				got := survivors(t, path, acked, i%perFile == perFile-1)
				mu.Lock()
				commits += got - last
				unacked += got - min(acked, got)
				mu.Unlock()
				last = got
			}
		})
	}
	wg.Wait()
	t.Logf("%d kills, %d commits, %d of them there though the kill came before their return", points, commits, unacked)
	if commits < uint64(points)/2 {
		t.Errorf("only %d commits: the test is not testing", commits)
	}
}
