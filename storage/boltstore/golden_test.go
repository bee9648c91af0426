package boltstore_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

var rewrite = flag.Bool("update", false, "write the file of this release's layout anew")

// layoutExport is the digest of the export of testdata/layout-1.
const layoutExport = "2bf785283fce5180d1485f83952ac331e087fc70276f0daae9baf97eca28bc19"

// A file of each released layout is kept, opens, and holds what it held.
func TestReleasedLayoutsOpen(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the engine's files are in the byte order of the machine, and these are little-endian")
	}
	golden := filepath.Join("testdata", "layout-1")
	if *rewrite {
		if err := os.WriteFile(golden, read(t, books(t, 3)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "layout-1.db")
	if err := os.WriteFile(path, read(t, golden), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := boltstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := storage.New(d, nil)
	defer s.Close()
	var b bytes.Buffer
	report, err := s.Export(t.Context(), &b)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	if got := hex.EncodeToString(sum[:]); got != layoutExport || report.Records != 3 || report.Entries != 3 {
		t.Errorf("export: got %d records, %d entries, digest %s, want 3, 3, %s", report.Records, report.Entries, got, layoutExport)
	}
}
