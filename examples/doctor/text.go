package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spendclaim/spendclaim/cur"
)

// printer prints until something fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// What a need is called, and what its lack means.
var needs = map[cur.Need]string{
	cur.NeedRead:   "cannot be read without",
	cur.NeedOwner:  "money loses its owner without",
	cur.NeedDetail: "less can be said without",
}

func (p *printer) inspection(in *cur.Inspection) {
	p.printf("%s: %s", in.Source, in.Format)
	if in.Columns > 0 {
		p.printf(", %d columns", in.Columns)
	}
	if in.Grain != "" {
		p.printf(", %s rows", in.Grain)
	}
	p.printf(" (%s", in.Of)
	if in.Export != "" {
		p.printf(" of %s", in.Export)
	}
	p.printf(")\n")
	var has, unknown []string
	need := cur.Need("")
	for _, c := range in.Checks {
		switch c.State {
		case cur.Has:
			has = append(has, c.Code)
			continue
		case cur.Unknown:
			unknown = append(unknown, c.Code)
			continue
		}
		if c.Need != need {
			need = c.Need
			p.printf("  %s:\n", needs[need])
		}
		p.printf("    %s", c.Code)
		if c.Column != "" {
			p.printf(" (%s)", c.Column)
		}
		p.printf("\n      %s\n      -> %s\n", c.Blind, c.Remedy)
	}
	if need == "" {
		p.printf("  nothing is missing\n")
	}
	if len(has) > 0 {
		p.printf("  has: %s\n", strings.Join(has, ", "))
	}
	if len(unknown) > 0 {
		p.printf("  cannot be told from a %s: %s\n", in.Of, strings.Join(unknown, ", "))
	}
}
