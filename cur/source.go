package cur

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Source is where files come from: a folder, a bucket, an embedded file system.
// Names are slash-separated. A Source must be safe for concurrent use.
type Source interface {
	// Open opens a file. The error wraps fs.ErrNotExist when there is none.
	Open(ctx context.Context, name string) (File, error)
	// Stat describes a file or folder without opening it.
	Stat(ctx context.Context, name string) (Info, error)
	// List describes the files below a folder, at any depth, in order of name.
	List(ctx context.Context, dir string) ([]Info, error)
}

// File is an open file. ReadAt must be safe for concurrent use. It may be a
// [RemoteFile] too.
type File interface {
	io.ReaderAt
	io.Closer
	Info() Info
}

// RemoteFile is a File for which every read is a journey, so that it wants to know
// what will be read of it.
type RemoteFile interface {
	File
	// Stream reads the file from an offset on, to its end.
	Stream(off int64) io.ReadCloser
	// Expect says that ReadAt will be asked for most of these ranges, which need not
	// be in order, and of each from its beginning on. done ends that: what is held of
	// them is not needed any more.
	Expect(ranges []Range) (done func())
}

// Range is a part of a file.
type Range struct{ Off, Size int64 }

// Info describes a file as it is in its source, without reading it.
type Info struct {
	Name    string    `json:"name"`
	Size    int64     `json:"size"`
	ModTime time.Time `json:"mod_time,omitzero"`
	ETag    string    `json:"etag,omitempty"` // where the source has one
	Dir     bool      `json:"-"`
}

// Same reports whether o describes the same file unchanged.
func (i Info) Same(o Info) bool {
	return i.Name == o.Name && i.Size == o.Size && i.ModTime.Equal(o.ModTime) && i.ETag == o.ETag
}

// Local is the files of the operating system; names are paths, relative ones
// from the working directory.
func Local() Source { return local{} }

type local struct{}

func (local) Open(_ context.Context, name string) (File, error) {
	f, err := os.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	return openFile(osFile{f}, filepath.ToSlash(name))
}

// osFile is read a little at a time. What a call of the system takes longer for than some
// 20 microseconds, Go's scheduler gives the caller's processor away meanwhile and starts
// a thread to find it work; workers that keep all processors busy are only held up by
// that, by a fiftieth of a rollup.
type osFile struct{ *os.File }

// mostRead is how much is read at once: some five microseconds of memory.
const mostRead = 32 << 10

func (f osFile) ReadAt(b []byte, off int64) (n int, err error) {
	for {
		m, err := f.File.ReadAt(b[n:min(len(b), n+mostRead)], off+int64(n))
		if n += m; n == len(b) || err != nil {
			return n, err
		}
	}
}

func (local) Stat(_ context.Context, name string) (Info, error) {
	fi, err := os.Stat(filepath.FromSlash(name))
	if err != nil {
		return Info{}, err
	}
	return infoOf(filepath.ToSlash(name), fi), nil
}

func (local) List(ctx context.Context, dir string) ([]Info, error) {
	infos, err := list(ctx, os.DirFS(filepath.FromSlash(dir)), ".")
	for i := range infos {
		infos[i].Name = path.Join(filepath.ToSlash(dir), infos[i].Name)
	}
	return infos, err
}

// FS makes a Source of a file system, such as an embedded one. Its files must
// implement io.ReaderAt.
func FS(fsys fs.FS) Source { return fsSource{fsys} }

type fsSource struct{ fsys fs.FS }

func (s fsSource) Open(_ context.Context, name string) (File, error) {
	f, err := s.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return openFile(f, name)
}

func (s fsSource) Stat(_ context.Context, name string) (Info, error) {
	name = path.Clean(name)
	fi, err := fs.Stat(s.fsys, name)
	if err != nil {
		return Info{}, err
	}
	return infoOf(name, fi), nil
}

func (s fsSource) List(ctx context.Context, dir string) ([]Info, error) {
	return list(ctx, s.fsys, dir)
}

func list(ctx context.Context, fsys fs.FS, dir string) (out []Info, err error) {
	err = fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		out = append(out, infoOf(name, fi))
		return nil
	})
	return out, err
}

func infoOf(name string, fi fs.FileInfo) Info {
	return Info{Name: name, Size: fi.Size(), ModTime: fi.ModTime().UTC(), Dir: fi.IsDir()}
}

func openFile(f fs.File, name string) (File, error) {
	fi, err := f.Stat()
	if err == nil && fi.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("is a folder")}
	}
	r, ok := f.(io.ReaderAt)
	if err == nil && !ok {
		err = fmt.Errorf("cur: open %q: file system without io.ReaderAt", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return file{r, f, infoOf(name, fi)}, nil
}

type file struct {
	io.ReaderAt
	io.Closer
	info Info
}

func (f file) Info() Info { return f.info }

// sequential reads a file from its beginning to its end.
func sequential(f File) io.ReadCloser {
	if r, ok := f.(RemoteFile); ok {
		return r.Stream(0)
	}
	return io.NopCloser(io.NewSectionReader(f, 0, f.Info().Size))
}

// unchanged refuses a file that was replaced since it was located. Where there are
// ETags they say so: a bucket rounds times differently from call to call.
func unchanged(located, opened Info) error {
	same := located.ModTime.Equal(opened.ModTime)
	if located.ETag != "" && opened.ETag != "" {
		same = located.ETag == opened.ETag
	}
	if same && located.Size == opened.Size {
		return nil
	}
	say := func(i Info) string {
		if i.ETag != "" {
			return fmt.Sprintf("%d bytes, ETag %s", i.Size, i.ETag)
		}
		return fmt.Sprintf("%d bytes of %s", i.Size, i.ModTime.Format(time.RFC3339Nano))
	}
	return fmt.Errorf("cur: open %q: %w: it was %s, and is %s", located.Name, ErrChanged, say(located), say(opened))
}

// base returns the last element of a name.
func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
