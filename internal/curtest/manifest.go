package curtest

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
)

// manifest is what a CUR 2.0 export says of its files: these keys and no others.
type manifest struct {
	ExecutionID string           `json:"executionId"`
	ExportARN   string           `json:"exportArn"`
	Columns     []manifestColumn `json:"columns"`
	DataFiles   []string         `json:"dataFiles"`
}

type manifestColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// legacyManifest is that of a legacy report.
type legacyManifest struct {
	AssemblyID    string         `json:"assemblyId"`
	Account       string         `json:"account"`
	Columns       []legacyColumn `json:"columns"`
	Charset       string         `json:"charset"`
	Compression   string         `json:"compression"`
	ContentType   string         `json:"contentType"`
	ReportID      string         `json:"reportId"`
	ReportName    string         `json:"reportName"`
	BillingPeriod legacyPeriod   `json:"billingPeriod"`
	Bucket        string         `json:"bucket"`
	ReportKeys    []string       `json:"reportKeys"`
}

type legacyColumn struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	Type     string `json:"type"`
}

type legacyPeriod struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// manifest renders the delivery's manifest. CSV manifests type maps as strings.
func (p *plan) manifest(keys []string) ([]byte, error) {
	if p.t.layout.spelling != CUR2 {
		return p.legacyManifest(keys)
	}
	m := manifest{ExecutionID: p.d.Execution, ExportARN: p.arn()}
	for _, c := range p.t.Columns() {
		kind := "string"
		switch c.Kind {
		case Double:
			kind = "double"
		case Timestamp:
			kind = "timestamp"
		case StringMap:
			if p.d.Format == Parquet {
				kind = "map<string,string>"
			}
		case DoubleMap:
			if p.d.Format == Parquet {
				kind = "map<string,double>"
			}
		}
		m.Columns = append(m.Columns, manifestColumn{c.Name, kind})
	}
	for _, key := range keys {
		m.DataFiles = append(m.DataFiles, "s3://"+path.Join(p.d.Bucket, key))
	}
	return encode(m)
}

func (p *plan) arn() string {
	return "arn:aws:bcm-data-exports:us-east-1:" + p.t.sheet.Payer + ":export/" + p.d.Export + "-" + StableUUID(p.d.Export)
}

func (p *plan) legacyManifest(keys []string) ([]byte, error) {
	const stamp = "20060102T150405.000Z"
	m := legacyManifest{
		AssemblyID: p.d.Execution, Account: p.t.sheet.Payer, Charset: "UTF-8",
		ReportID: newHash(p.d.Export).letters(64, "0123456789abcdef"), ReportName: p.d.Export,
		BillingPeriod: legacyPeriod{p.start().Format(stamp), p.end().Format(stamp)},
		Bucket:        p.d.Bucket, ReportKeys: keys,
	}
	switch p.d.Format {
	case Parquet:
		m.Compression, m.ContentType = "Parquet", "Parquet"
	case CSVZip:
		m.Compression, m.ContentType = "ZIP", "text/csv"
	default:
		m.Compression, m.ContentType = "GZIP", "text/csv"
	}
	for _, c := range p.t.Columns() {
		category, name, ok := strings.Cut(c.Name, "/")
		if !ok {
			category, name, _ = strings.Cut(c.Name, "_")
		}
		kind := "OptionalString"
		switch c.Kind {
		case Double:
			kind = "OptionalBigDecimal"
		case Timestamp:
			kind = "DateTime"
		}
		m.Columns = append(m.Columns, legacyColumn{category, name, kind})
	}
	return encode(m)
}

func encode(m any) ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("curtest: encode manifest: %w", err)
	}
	return append(text, '\n'), nil
}

func (p *plan) start() time.Time { return p.t.clock.start }
func (p *plan) end() time.Time   { return p.t.clock.start.AddDate(0, 1, 0) }
