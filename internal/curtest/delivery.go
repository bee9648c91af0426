package curtest

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Format is how the rows of a delivery are written.
type Format uint8

// Formats. AWS delivers CUR 2.0 as CSVGzip or Parquet, legacy reports also as CSVZip.
const (
	CSVGzip Format = iota
	CSVZip
	CSV
	Parquet
)

func (f Format) suffix() string {
	return [...]string{".csv.gz", ".csv.zip", ".csv", ".snappy.parquet"}[f]
}

// Delivery says how a table is laid out as files. The table's spelling decides between
// the generations of layout and manifest.
type Delivery struct {
	Bucket    string // "synthetic-bucket"
	Prefix    string // "reports"
	Export    string // "synthetic-export"
	Execution string // a UUID; made from Export, period and AsOf
	AsOf      time.Time
	Format    Format

	// CreateNew keeps every delivery in a folder of its own, named after AsOf and
	// Execution (CUR 2.0; the name holds colons) or Execution (legacy). Otherwise a
	// delivery overwrites the one before.
	CreateNew bool

	// Rebased makes the directory a copy of the export's own folder, so that the URIs in
	// the manifest name a place that is not there.
	Rebased bool

	RowsPerFile int64 // all rows in one file
	Level       int   // of gzip; 0: the fastest
	RowGroup    int   // rows of a Parquet row group; 100,000
	PageVersion int   // of Parquet data pages; 2
	PageBytes   int   // of a Parquet data page before compression, about; the writer's default
}

// Written names what [Delivery.Write] left behind, as paths of the file system.
type Written struct {
	Manifest string
	Files    []string
	Rows     int64
}

// Write lays the table out under dir, manifest last, as AWS does. Memory does not grow
// with the number of rows, save for what the Parquet writer holds of a row group.
func (d *Delivery) Write(dir string, t *Table) (*Written, error) {
	p := newPlan(d, t)
	w := &Written{}
	var keys []string
	var open chunk
	var err error
	rows := int64(0)
	for r := range t.Rows() {
		if open == nil {
			if open, err = p.next(dir, w, &keys); err != nil {
				return nil, err
			}
		}
		if err = open.row(r); err != nil {
			break
		}
		w.Rows++
		if rows++; rows == p.d.RowsPerFile {
			err, open, rows = open.close(), nil, 0
			if err != nil {
				break
			}
		}
	}
	if err == nil && open == nil && len(keys) == 0 { // a month without rows has a header
		open, err = p.next(dir, w, &keys)
	}
	if open != nil {
		if closing := open.close(); err == nil {
			err = closing
		}
	}
	if err != nil {
		return nil, err
	}
	return w, p.writeManifests(dir, w, keys)
}

// plan is a delivery with its defaults and its table.
type plan struct {
	d Delivery
	t *Table
}

func newPlan(d *Delivery, t *Table) *plan {
	p := &plan{*d, t}
	p.d.Bucket = or(d.Bucket, "synthetic-bucket")
	p.d.Prefix = or(d.Prefix, "reports")
	p.d.Export = or(d.Export, "synthetic-export")
	p.d.Execution = or(d.Execution, StableUUID(p.d.Export, t.sheet.Period, d.AsOf.UTC().String()))
	if p.d.Level == 0 {
		p.d.Level = gzip.BestSpeed
	}
	if p.d.PageVersion == 0 {
		p.d.PageVersion = 2
	}
	return p
}

// home is the folder of the export inside the bucket.
func (p *plan) home() string { return path.Join(p.d.Prefix, p.d.Export) }

// version is the folder of a delivery that is kept beside others, or "".
func (p *plan) version() string {
	switch {
	case !p.d.CreateNew:
		return ""
	case p.t.layout.spelling == CUR2:
		return p.d.AsOf.UTC().Format("2006-01-02T15:04:05.000Z") + "-" + p.d.Execution
	}
	return p.d.Execution
}

// span is the folder of a legacy report's period.
func (p *plan) span() string {
	return p.start().Format("20060102") + "-" + p.end().Format("20060102")
}

// dataFolder returns where the data files go, as a key below home.
func (p *plan) dataFolder() string {
	switch {
	case p.t.layout.spelling == CUR2:
		return path.Join("data", "BILLING_PERIOD="+p.t.sheet.Period, p.version())
	case p.d.Format == Parquet:
		return path.Join(p.d.Export, p.start().Format("year=2006/month=1"))
	}
	return path.Join(p.span(), p.version())
}

// manifestFolders returns where the manifest goes: for a kept delivery also one level
// up, where the newest one always is.
func (p *plan) manifestFolders() []string {
	top := p.span()
	if p.t.layout.spelling == CUR2 {
		top = path.Join("metadata", "BILLING_PERIOD="+p.t.sheet.Period)
	}
	if v := p.version(); v != "" {
		return []string{path.Join(top, v), top}
	}
	return []string{top}
}

// local turns a key below home into a path below dir.
func (p *plan) local(dir, key string) string {
	if !p.d.Rebased {
		key = path.Join(p.home(), key)
	}
	return filepath.Join(dir, filepath.FromSlash(key))
}

func (p *plan) writeManifests(dir string, w *Written, keys []string) error {
	text, err := p.manifest(keys)
	if err != nil {
		return err
	}
	for _, folder := range p.manifestFolders() {
		w.Manifest = p.local(dir, path.Join(folder, p.d.Export+"-Manifest.json"))
		if err := os.MkdirAll(filepath.Dir(w.Manifest), 0o755); err != nil {
			return fmt.Errorf("curtest: write manifest: %w", err)
		}
		if err := os.WriteFile(w.Manifest, text, 0o644); err != nil {
			return fmt.Errorf("curtest: write manifest: %w", err)
		}
	}
	return nil
}

// next opens the next data file and notes its path and key.
func (p *plan) next(dir string, w *Written, keys *[]string) (chunk, error) {
	name := fmt.Sprintf("%s-%05d%s", p.d.Export, len(*keys)+1, p.d.Format.suffix())
	key := path.Join(p.dataFolder(), name)
	file := p.local(dir, key)
	*keys = append(*keys, path.Join(p.home(), key))
	w.Files = append(w.Files, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("curtest: write data: %w", err)
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("curtest: write data: %w", err)
	}
	c := &fileChunk{}
	c.closers = append(c.closers, f)
	if p.d.Format == Parquet {
		c.chunk = newParquetChunk(p.t, f, &p.d)
		return c, nil
	}
	to, err := c.compress(f, p.d.Format, strings.TrimSuffix(name, ".zip"), p.d.Level)
	if err != nil {
		return nil, err
	}
	c.chunk = newCSVChunk(p.t, to)
	return c, nil
}

// chunk is one data file while it is written.
type chunk interface {
	row(*Row) error
	close() error
}

// fileChunk closes what lies under a chunk: compressor first, then the file.
type fileChunk struct {
	chunk
	closers []io.Closer
}

func (c *fileChunk) compress(f io.Writer, format Format, name string, level int) (io.Writer, error) {
	switch format {
	case CSVGzip:
		z, err := gzip.NewWriterLevel(f, level)
		if err != nil {
			return nil, fmt.Errorf("curtest: gzip: %w", err)
		}
		c.closers = append(c.closers, z)
		return z, nil
	case CSVZip:
		z := zip.NewWriter(f)
		c.closers = append(c.closers, z)
		return z.Create(name)
	}
	return f, nil
}

func (c *fileChunk) close() error {
	err := c.chunk.close()
	for i := len(c.closers) - 1; i >= 0; i-- {
		if closing := c.closers[i].Close(); err == nil && closing != nil {
			err = fmt.Errorf("curtest: close data: %w", closing)
		}
	}
	return err
}
