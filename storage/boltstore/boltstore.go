// Package boltstore is the storage driver for one local file, a bbolt database.
// Commits are durable when they return. One process at a time has the file open
// for writing; any number may have it open for reading, but not while a writer
// has. A long-running reader should therefore open per request.
//
// # Damage
//
// Open looks at the file before the engine does: an empty file, a file that is
// no database, a damaged meta page, a file cut short are errors matching
// [storage.ErrCorrupt] with the path and a remedy. It then reads the file whole:
// every page must be in its place or free, every key in order, every item under its
// checksum, so that a file that opens has every record that was committed to it
// ([Options].SkipCheck does without). Panics and memory faults of the engine over
// pages damaged later are turned into the same error; they do not end the process.
//
// # Layout
//
// Three buckets. "records" maps partition, 0x00, sort to a value; "entries" maps
// partition, 0x00, sort, 0x00, version (8 bytes, big-endian) to a value; a value
// is version (8 bytes), head (32 bytes), CRC32C over key, version, head and body (4
// bytes), sealed body. Keys hold no control
// characters, so 0x00 separates unambiguously and keeps bytewise order.
// "storage" holds the number of this layout.
//
// # Caveats
//
// Opening a file and committing nothing leaves its bytes as they were, except on
// Windows, where the engine rounds the file's length up. Locks are advisory and
// do not hold over most network file systems.
package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/spendclaim/spendclaim/storage"
)

var (
	_ storage.Driver   = (*Driver)(nil)
	_ storage.Restorer = (*Driver)(nil)
)

// Options adjusts Open. The zero value and nil open an existing file for
// reading and writing.
type Options struct {
	// Create makes a new store when the file does not exist or is empty. Without
	// it both are errors: an empty file may be one that lost its content.
	Create bool

	// ReadOnly opens for reading, beside other readers. It excludes Create.
	ReadOnly bool

	// Timeout bounds the wait for other processes to let go of the file. 0 means
	// two seconds.
	Timeout time.Duration

	// AcceptOlder opens a file of which one of the two meta pages is damaged, on
	// the state that the other describes. If the damaged one was the newer, that
	// is the state before the last commit.
	AcceptOlder bool

	// SkipCheck opens without reading the whole file, which takes about a second for
	// each gigabyte that the system has in memory, longer from disk. What the check
	// would have found is then found when it is read, as an error; except that damage
	// to a page of the index may hide records from Get and Range.
	SkipCheck bool

	_ struct{}
}

// A Driver is an open file. It is safe for concurrent use; use Open.
type Driver struct {
	path     string
	readOnly bool
	db       *bbolt.DB
	file     *os.File // the engine's own handle, to give the lock up if the engine cannot

	writer chan struct{} // holds one token while a commit is under way
	broken atomic.Pointer[error]
	closed atomic.Bool
	once   sync.Once
	noSync bool // tests only
}

// Open opens the file at path. Errors match fs.ErrNotExist, storage.ErrCorrupt,
// storage.ErrUnavailable (locked by another process), storage.ErrNewer, or are
// those of the operating system.
func Open(path string, o *Options) (*Driver, error) {
	return open(path, o, false)
}

func open(path string, o *Options, noSync bool) (*Driver, error) {
	if o == nil {
		o = new(Options)
	}
	d := &Driver{path: path, readOnly: o.ReadOnly, writer: make(chan struct{}, 1), noSync: noSync}
	if err := d.open(o); err != nil {
		d.release()
		var c *storage.CorruptError
		if errors.As(err, &c) && c.Path == path {
			return nil, fmt.Errorf("boltstore: open: %w", err) // which names the file
		}
		return nil, fmt.Errorf("boltstore: open %q: %w", path, err)
	}
	return d, nil
}

func (d *Driver) open(o *Options) error {
	if o.ReadOnly && o.Create {
		return errors.New("ReadOnly and Create exclude each other")
	}
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	deadline := time.Now().Add(timeout)

	info, err := os.Stat(d.path)
	fresh := err == nil && info.Size() == 0
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Create:
		fresh = true
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (creation was not asked for)", fs.ErrNotExist)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case fresh && !o.Create:
		return d.empty()
	}
	if !fresh {
		// First as a reader: this takes the lock without touching any page but
		// the metas, so that the rest can be inspected before the engine trusts it.
		if err := d.acquire(deadline, timeout, true, false); err != nil {
			return err
		}
		if err := d.inspectFile(d.file, o.AcceptOlder, !o.SkipCheck); err != nil {
			return err
		}
	}
	if !o.ReadOnly {
		d.release()
		if err := d.acquire(deadline, timeout, false, o.Create); err != nil {
			return err
		}
	}
	return d.prepare(o.Create)
}

// acquire has the engine open and lock the file.
func (d *Driver) acquire(deadline time.Time, timeout time.Duration, readOnly, create bool) error {
	err := d.fenced("open", func() (err error) {
		d.db, err = bbolt.Open(d.path, 0o600, &bbolt.Options{
			ReadOnly: readOnly,
			Timeout:  max(time.Until(deadline), time.Millisecond), // 0 would wait for ever
			NoSync:   d.noSync,
			// The list of free pages is kept as a map in memory only; the file
			// is the same, and large files with many free pages stay fast.
			FreelistType: bbolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				// The file may have vanished, or lost its content, since it was
				// looked at; the engine would make a new one of it.
				if !create {
					flag &^= os.O_CREATE
				}
				f, err := os.OpenFile(name, flag, mode)
				if err != nil {
					return nil, err
				}
				d.file = f
				if info, err := f.Stat(); err != nil || info.Size() == 0 && !create {
					_ = f.Close()
					return nil, errors.Join(err, d.empty())
				}
				return f, nil
			},
		})
		return err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterr.ErrTimeout):
		return fmt.Errorf("%w: another process has the file locked (waited %s); close it there, or raise Timeout", storage.ErrUnavailable, timeout)
	case errors.Is(err, bolterr.ErrInvalid), errors.Is(err, bolterr.ErrChecksum), errors.Is(err, bolterr.ErrVersionMismatch):
		c := d.corrupt("the file is not a store, or both its meta pages are damaged", restoreFile)
		c.Err = err
		return c
	}
	// The engine has words but no names for some sorts of damage. The file is
	// closed and unlocked by now; a look at it still tells.
	if f, ferr := os.Open(d.path); ferr == nil {
		defer f.Close()
		var c *storage.CorruptError
		if ierr := d.inspectFile(f, true, false); errors.As(ierr, &c) {
			return c
		}
	}
	return err
}

const restoreFile = "restore the file from a backup"

func (d *Driver) corrupt(reason, remedy string) *storage.CorruptError {
	return &storage.CorruptError{Path: d.path, Reason: reason, Remedy: remedy}
}

func (d *Driver) empty() error {
	return d.corrupt("the file is empty", "restore it from a backup; if it was meant to be new, open it with Create")
}

// inspectFile looks at the structure of the file.
func (d *Driver) inspectFile(f *os.File, acceptOlder, whole bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = inspect(f, info.Size(), acceptOlder, whole)
	var c *storage.CorruptError
	if errors.As(err, &c) {
		c.Path = d.path
	}
	return err
}

const (
	bucketStorage = "storage"
	bucketRecords = "records"
	bucketEntries = "entries"
	keyLayout     = "layout"
	layout        = "1"
)

// bucket returns the bucket of records or that of entries.
func bucket(tx *bbolt.Tx, entries bool) *bbolt.Bucket {
	if entries {
		return tx.Bucket([]byte(bucketEntries))
	}
	return tx.Bucket([]byte(bucketRecords))
}

// prepare makes sure that the file is a store of a known layout, and makes it
// one if it is new.
func (d *Driver) prepare(create bool) error {
	fresh := false
	err := d.fenced("open", func() error {
		return d.db.View(func(tx *bbolt.Tx) error {
			first, _ := tx.Cursor().First()
			b := tx.Bucket([]byte(bucketStorage))
			switch {
			case first == nil && create:
				fresh = true
				return nil
			case first == nil:
				return d.corrupt("the store was never set up", "open it with Create")
			case b == nil:
				return errors.New("the file is a bbolt database of another program")
			}
			if v := string(b.Get([]byte(keyLayout))); v != layout {
				return fmt.Errorf("%w: layout %q, this release knows %q", storage.ErrNewer, v, layout)
			}
			if bucket(tx, false) == nil || bucket(tx, true) == nil {
				return d.corrupt("a bucket is missing", restoreFile)
			}
			return nil
		})
	})
	if err != nil || !fresh {
		return err
	}
	err = d.fenced("create", func() error {
		return d.db.Update(func(tx *bbolt.Tx) error {
			for _, name := range []string{bucketRecords, bucketEntries, bucketStorage} {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			return tx.Bucket([]byte(bucketStorage)).Put([]byte(keyLayout), []byte(layout))
		})
	})
	if err == nil {
		syncFolder(filepath.Dir(d.path))
	}
	return err
}

// syncFolder makes the new file's name durable. Systems that cannot sync a
// folder keep names durable in their own way, so failure means nothing.
func syncFolder(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// release closes whatever is open, ignoring errors: there is a better one.
func (d *Driver) release() {
	if d.db != nil {
		_ = d.db.Close()
	} else if d.file != nil {
		_ = d.file.Close() // the engine gave up half-way; this frees the lock
	}
	d.db, d.file = nil, nil
}

// Close implements storage.Driver.
func (d *Driver) Close() (err error) {
	d.once.Do(func() {
		d.closed.Store(true)
		if d.stuck() {
			// A commit died inside the engine holding its locks; closing the
			// engine would wait for them for ever. The file can still be let go.
			err = d.file.Close()
			return
		}
		err = d.fenced("close", d.db.Close)
	})
	if err != nil {
		return fmt.Errorf("boltstore: close %q: %w", d.path, err)
	}
	return nil
}
