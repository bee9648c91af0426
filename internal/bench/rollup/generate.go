package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// generated names the files of a month.
type generated struct{ Parquet, CSV []string }

// maxCSV bounds the CSV of a month, which is there to be compared with gunzip
// and takes long to write.
const maxCSV = 1_000_000

// generate makes a synthetic month once; later runs find it in dir.
func generate(dir string, rows, perFile int64, ai int, clustered bool, fresh int) (g generated, err error) {
	home := filepath.Join(dir, fmt.Sprintf("%d-%d-%d-%v-%d", rows, perFile, ai, clustered, fresh))
	done := filepath.Join(home, "files.json")
	b, err := os.ReadFile(done)
	if err == nil {
		return g, json.Unmarshal(b, &g)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return g, err
	}
	fmt.Fprintf(os.Stderr, "generating %d rows, %d %% AI, in %s\n", rows, ai, home)
	for _, part := range []struct {
		format curtest.Format
		rows   int64
		to     *[]string
	}{{curtest.Parquet, rows, &g.Parquet}, {curtest.CSVGzip, min(rows, maxCSV), &g.CSV}} {
		c := curtest.Config{Sheet: curtest.Sheet{Hourly: true}, Rows: part.rows, AIShare: ai, Clustered: clustered, RowsPerSession: fresh,
			Accounts: 60, Roles: 400, Resources: 3000, OtherResources: 20000, Sessions: 5}
		t, err := c.Table()
		if err != nil {
			return g, err
		}
		d := curtest.Delivery{Format: part.format, RowsPerFile: perFile, RowGroup: int(perFile)}
		w, err := d.Write(filepath.Join(home, fmt.Sprint(part.format)), t)
		if err != nil {
			return g, err
		}
		*part.to = w.Files
	}
	if b, err = json.Marshal(g); err != nil {
		return g, err
	}
	return g, os.WriteFile(done, b, 0o644)
}
