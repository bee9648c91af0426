package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// A child is this test binary, run again to be killed.
const (
	childDB   = "LEDGER_TEST_CHILD_DB"
	childKill = "LEDGER_TEST_CHILD_KILL" // before:N or after:N
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childDB); path != "" {
		if err := child(path, os.Getenv(childKill)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// failing is the T of a child.
type failing struct{}

func (failing) Helper()                   {}
func (failing) Fatal(a ...any)            { panic(fmt.Sprint(a...)) }
func (failing) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// child tells the story on a file until it is killed: by itself, with no chance
// to clean up, or by its parent.
func child(path, when string) error {
	d, err := boltstore.Open(path, &boltstore.Options{Create: true})
	if err != nil {
		return err
	}
	k := &killer{Driver: d, die: func() {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		time.Sleep(time.Minute) // the signal is on its way
	}}
	if how, n, ok := strings.Cut(when, ":"); ok {
		k.after = how == "after"
		if k.at, err = strconv.Atoi(n); err != nil {
			return err
		}
	}
	l := open(k, nil)
	long, large := stories(failing{})
	if strings.HasPrefix(filepath.Base(path), "large") {
		long = large
	}
	for _, step := range long {
		if err := step(l); err != nil {
			return err
		}
	}
	return d.Close()
}

// TestKilledProcess kills real processes over a file: at given commits and at
// random times.
func TestKilledProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skip("no path to the test binary: ", err)
	}
	long, large := stories(t)
	kills := []struct {
		file, when string // no when: at a random time
	}{{"large", "after:7"}, {"long", "before:9"}, {"long", ""}, {"large", ""}, {"large", "after:12"}}
	if testing.Short() {
		kills = kills[:1]
	}
	for i, kill := range kills {
		steps, when := map[string]story{"long": long, "large": large}[kill.file], kill.when
		whole := tell(t, steps)
		t.Run(fmt.Sprint(i, " ", kill.file, " ", strings.ReplaceAll(when, ":", " ")), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), kill.file+".db")
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), childDB+"="+path, childKill+"="+when)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if when == "" {
				time.Sleep(time.Duration(20+rand.N(400)) * time.Millisecond)
				if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
			}
			if err := cmd.Wait(); err == nil && when != "" {
				t.Fatal("the child was not killed")
			}
			if stderr.Len() > 0 {
				t.Fatal(stderr.String())
			}
			d, err := boltstore.Open(path, &boltstore.Options{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			done := whole.resume(t, d, steps)
			t.Logf("killed in step %d of %d", done+1, len(steps))
		})
	}
}
