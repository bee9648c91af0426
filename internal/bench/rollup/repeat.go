package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// repeated is a delivery that has the same files several times under different
// names: so a large month has the groups of a small one, and costs no disk. Its
// files have an ETag, as those of a bucket do, so that nothing is hashed.
type repeated struct {
	files []string
	times int
}

const (
	repeatedManifest = "bench/metadata/BILLING_PERIOD=2026-05/bench-Manifest.json"
	repeatedData     = "bench/data/BILLING_PERIOD=2026-05/"
)

func (r repeated) name(time, i int) string {
	ext := ".parquet"
	if strings.HasSuffix(r.files[i], ".gz") {
		ext = ".csv.gz"
	}
	return fmt.Sprintf("%s%03d-%d%s", repeatedData, time, i, ext)
}

func (r repeated) Open(ctx context.Context, name string) (cur.File, error) {
	if name == repeatedManifest {
		var m struct {
			ExecutionID string   `json:"executionId"`
			ExportARN   string   `json:"exportArn"`
			DataFiles   []string `json:"dataFiles"`
		}
		m.ExecutionID, m.ExportARN = "bench", "arn:aws:bcm-data-exports:us-east-1:111122223333:export/bench"
		for t := range r.times {
			for i := range r.files {
				m.DataFiles = append(m.DataFiles, "s3://bucket/"+r.name(t, i))
			}
		}
		b, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		return manifestFile{bytes.NewReader(b), cur.Info{Name: name, Size: int64(len(b)), ETag: name}}, nil
	}
	real, err := r.real(name)
	if err != nil {
		return nil, err
	}
	f, err := cur.Local().Open(ctx, real)
	if err != nil {
		return nil, err
	}
	return renamed{f, name}, nil
}

// real returns the file behind a name.
func (r repeated) real(name string) (string, error) {
	at := strings.TrimPrefix(name, repeatedData)
	_, number, ok := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(at, ".parquet"), ".csv.gz"), "-")
	i, err := strconv.Atoi(number)
	if !ok || at == name || err != nil || i >= len(r.files) {
		return "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return filepath.ToSlash(r.files[i]), nil
}

func (r repeated) Stat(ctx context.Context, name string) (cur.Info, error) {
	f, err := r.Open(ctx, name)
	if err != nil {
		return cur.Info{}, err
	}
	return f.Info(), f.Close()
}

func (r repeated) List(ctx context.Context, dir string) (out []cur.Info, err error) {
	for t := range r.times {
		for i := range r.files {
			if name := r.name(t, i); strings.HasPrefix(name, path.Clean(dir)+"/") {
				info, err := r.Stat(ctx, name)
				if err != nil {
					return nil, err
				}
				out = append(out, info)
			}
		}
	}
	return out, nil
}

type renamed struct {
	cur.File
	name string
}

func (f renamed) Info() cur.Info {
	i := f.File.Info()
	i.Name, i.ETag = f.name, f.name
	return i
}

type manifestFile struct {
	*bytes.Reader
	info cur.Info
}

func (f manifestFile) Info() cur.Info { return f.info }
func (f manifestFile) Close() error   { return nil }
