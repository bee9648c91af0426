package cur

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// Set is what a rollup reads: the files of one manifest, or files given one by
// one. It holds descriptions, nothing is open.
type Set struct {
	src      Source
	manifest *Manifest // nil for bare files
	files    []Info    // data files; of a manifest in its order
	infos    []Info    // everything the delivery depends on: manifest and files
}

// Manifest returns the manifest, nil for bare files.
func (s *Set) Manifest() *Manifest { return s.manifest }

// Files describes what the set consists of, the manifest included. Two sets
// whose files are the same, unchanged, hold the same delivery.
func (s *Set) Files() []Info { return append([]Info(nil), s.infos...) }

// maxManifest bounds a manifest: one of a hundred thousand files is below it.
const maxManifest = 64 << 20

// Locate finds the deliveries that paths mean: each manifest (a .json file), and
// each folder that holds exactly one, is a set; all other files together are one
// more. A folder without a manifest, or with several, is ErrManifest: what
// belongs to a delivery cannot be told from a folder.
func Locate(ctx context.Context, src Source, paths ...string) ([]*Set, error) {
	var sets []*Set
	bare := &Set{src: src}
	for _, p := range paths {
		info, err := src.Stat(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("cur: locate %q: %w", p, err)
		}
		name := info.Name // as the source spells it, with slashes
		switch {
		case info.Dir:
			if name, err = findManifest(ctx, src, name); err != nil {
				return nil, err
			}
		case !strings.HasSuffix(strings.ToLower(name), ".json"):
			bare.files = append(bare.files, info)
			continue
		}
		s, err := openManifest(ctx, src, name)
		if err != nil {
			return nil, err
		}
		for _, o := range sets {
			if o.infos[0].Name == s.infos[0].Name {
				return nil, fmt.Errorf("cur: locate %q: %w: manifest %q", p, ErrDuplicate, s.infos[0].Name)
			}
		}
		sets = append(sets, s)
	}
	if len(bare.files) > 0 {
		bare.infos = bare.files
		sets = append(sets, bare)
	}
	return sets, nil
}

// findManifest returns the one manifest below dir.
func findManifest(ctx context.Context, src Source, dir string) (string, error) {
	infos, err := src.List(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("cur: locate %q: %w", dir, err)
	}
	var found []string
	for _, i := range infos {
		if strings.HasSuffix(strings.ToLower(base(i.Name)), "manifest.json") {
			found = append(found, i.Name)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("cur: locate %q: %w: the folder holds no manifest and a folder listing cannot say what belongs to a delivery; name the data files themselves, or copy the manifest too", dir, ErrManifest)
	}
	return "", fmt.Errorf("cur: locate %q: %w: the folder holds %d manifests (%q, %q, ...); name the one to read", dir, ErrManifest, len(found), found[0], found[1])
}

// openManifest reads a manifest and finds its files.
func openManifest(ctx context.Context, src Source, name string) (*Set, error) {
	f, err := src.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("cur: read manifest %q: %w", name, err)
	}
	defer f.Close()
	if f.Info().Size > maxManifest {
		return nil, fmt.Errorf("cur: read manifest %q: %w: %d bytes", name, ErrManifest, f.Info().Size)
	}
	b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Info().Size))
	if err != nil {
		return nil, fmt.Errorf("cur: read manifest %q: %w", name, err)
	}
	m, err := ParseManifest(name, b)
	if err != nil {
		return nil, err
	}
	s := &Set{src: src, manifest: m, infos: []Info{f.Info()}}
	for _, file := range m.Files {
		info, err := findData(ctx, src, m, file)
		if err != nil {
			return nil, err
		}
		for _, o := range s.files {
			if o.Name == info.Name {
				return nil, fmt.Errorf("cur: read manifest %q: %w: two data files are both found at %q", name, ErrDuplicate, o.Name)
			}
		}
		s.files = append(s.files, info)
	}
	s.infos = append(s.infos, s.files...)
	return s, nil
}

// findData looks for a data file in the places it may be.
func findData(ctx context.Context, src Source, m *Manifest, file string) (Info, error) {
	var tried []string
	for _, p := range m.places(file) {
		info, err := src.Stat(ctx, p)
		if err == nil && !info.Dir {
			return info, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return Info{}, fmt.Errorf("cur: read manifest %q: data file %q: %w", m.Name, file, err)
		}
		tried = append(tried, p)
	}
	return Info{}, fmt.Errorf("cur: read manifest %q: %w: data file %q is missing; tried %q", m.Name, ErrManifest, file, tried)
}

// asOf is when the manifest's delivery was written, as far as that can be told: a
// folder's name, else the manifest's time, else that of the newest file.
func (s *Set) asOf() time.Time {
	if t := s.manifest.asOf(); !t.IsZero() {
		return t
	}
	at := s.infos[0].ModTime
	for _, f := range s.files {
		if s.infos[0].ModTime.IsZero() && f.ModTime.After(at) {
			at = f.ModTime
		}
	}
	return at
}
